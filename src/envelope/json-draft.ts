import {
  closeBrace,
  closeBracket,
  colon,
  comma,
  decodeString,
  openBrace,
  openBracket,
  quote,
  scalarEnd,
  space,
  stringEnd,
} from "./json-tokens.js";

/** A value under change: its JSON text as long as nothing inside it is looked at, else its parts. */
export type DraftValue = string | DraftObject | DraftArray;

export interface DraftMember {
  name: string;
  /** The name with its colon, as it is spelled. */
  head: string;
  value: DraftValue;
}

/** An object whose members are looked at one by one. */
export class DraftObject {
  constructor(readonly members: DraftMember[] = []) {}

  find(name: string): DraftMember | undefined {
    for (const member of this.members) if (member.name === name) return member;
    return undefined;
  }

  /** Adds a member that is not there yet, as the last one. */
  add(name: string, value: DraftValue): void {
    this.members.push({ name, head: headOf(name), value });
  }

  remove(member: DraftMember): void {
    this.members.splice(this.members.indexOf(member), 1);
  }
}

/** An array whose elements are looked at one by one. */
export class DraftArray {
  constructor(readonly elements: DraftValue[]) {}
}

/** A name with its colon. */
export function headOf(name: string): string {
  return `${JSON.stringify(name)}:`;
}

/** Takes an object or an array apart, one level; other values stay text. The text is JSON without space around it. */
export function openValue(value: DraftValue): DraftValue {
  if (typeof value !== "string") return value;
  const first = value.charCodeAt(0);
  if (first === openBrace) return new DraftObject(membersOf(value));
  return first === openBracket ? new DraftArray(elementsOf(value)) : value;
}

/** The value of a member, opened in its place. */
export function openMember(member: DraftMember): DraftValue {
  if (typeof member.value === "string") member.value = openValue(member.value);
  return member.value;
}

/** The value's JSON text; what was not opened is spelled as it came. */
export function textOf(value: DraftValue): string {
  if (typeof value === "string") return value;
  let text = "";
  if (value instanceof DraftArray) {
    for (const element of value.elements) text += (text === "" ? "[" : ",") + textOf(element);
    return text === "" ? "[]" : `${text}]`;
  }
  for (const { head, value: inner } of value.members)
    text += (text === "" ? "{" : ",") + head + textOf(inner);
  return text === "" ? "{}" : `${text}}`;
}

function membersOf(text: string): DraftMember[] {
  const members: DraftMember[] = [];
  let at = tokenAfter(text, 1);
  while (text.charCodeAt(at) === quote) {
    const nameEnd = stringEnd(text, at);
    const valueStart = tokenAfter(text, nameEnd);
    const valueEnd = endOfValue(text, valueStart);
    members.push({
      name: decodeString(text, at, nameEnd),
      head: text.slice(at, valueStart),
      value: text.slice(valueStart, valueEnd),
    });
    at = tokenAfter(text, valueEnd);
  }
  return members;
}

function elementsOf(text: string): string[] {
  const elements: string[] = [];
  for (let at = tokenAfter(text, 1); at < text.length && text.charCodeAt(at) !== closeBracket; ) {
    const end = endOfValue(text, at);
    elements.push(text.slice(at, end));
    at = tokenAfter(text, end);
  }
  return elements;
}

/** Offset of the next name, value or closing bracket: space, a colon and a comma are passed over. */
function tokenAfter(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char > space && char !== comma && char !== colon) return at;
  }
  return text.length;
}

function endOfValue(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === quote) return stringEnd(text, start);
  return first === openBrace || first === openBracket ? endOfContainer(text, start) : scalarEnd(text, start);
}

function endOfContainer(text: string, start: number): number {
  let open = 0;
  for (let at = start; at < text.length; ) {
    const char = text.charCodeAt(at);
    if (char === quote) {
      at = stringEnd(text, at);
      continue;
    }
    at++;
    if (char === openBrace || char === openBracket) open++;
    else if ((char === closeBrace || char === closeBracket) && --open === 0) return at;
  }
  return text.length; // not JSON
}
