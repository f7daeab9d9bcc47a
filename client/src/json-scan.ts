import { malformed } from "./errors.js";

/** Where a value stands in a text: from `start` up to but not including `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;

/**
 * Finds the value of a member of the object that `text` is, without parsing the values: the bus carries payload text
 * as the producer wrote it, and so does what is sliced out here. Iterative, so nesting costs no stack. Checks no more
 * than it needs to find its way. `name` has no character that JSON escapes; of equal names the first counts.
 * @throws HmsSyncClientError `malformed_response` when the text is no object.
 */
export function memberSpan(text: string, name: string): Span | undefined {
  let at = skipSpace(text, 0);
  expect(text, at, OPEN_BRACE);
  at = skipSpace(text, at + 1);
  if (text.charCodeAt(at) === CLOSE_BRACE) return undefined;
  for (;;) {
    const nameEnd = endOfString(text, at);
    const colon = skipSpace(text, nameEnd);
    expect(text, colon, COLON);
    const start = skipSpace(text, colon + 1);
    const end = endOfValue(text, start);
    if (isName(text, at, nameEnd, name)) return { start, end };
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === CLOSE_BRACE) return undefined;
    expect(text, at, COMMA);
    at = skipSpace(text, at + 1);
  }
}

/** The text of a member whose value is a JSON string, unescaped; undefined when absent or not a string. */
export function stringMember(text: string, name: string): string | undefined {
  const span = memberSpan(text, name);
  if (span === undefined || text.charCodeAt(span.start) !== QUOTE) return undefined;
  const inner = text.slice(span.start + 1, span.end - 1);
  return inner.includes("\\") ? unquote(text.slice(span.start, span.end)) : inner;
}

function endOfValue(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === QUOTE) return endOfString(text, start);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return endOfNested(text, start);
  return endOfLiteral(text, start);
}

function endOfNested(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) at = endOfString(text, at) - 1;
    else if (char === OPEN_BRACE || char === OPEN_BRACKET) depth++;
    else if ((char === CLOSE_BRACE || char === CLOSE_BRACKET) && --depth === 0) return at + 1;
  }
  throw malformed("JSON that ends inside a value");
}

/** End of a number, true, false or null. */
function endOfLiteral(text: string, start: number): number {
  let at = start;
  while (at < text.length && isLiteral(text.charCodeAt(at))) at++;
  if (at === start) throw malformed(`JSON without a value at character ${start}`);
  return at;
}

function isLiteral(char: number): boolean {
  return char !== COMMA && char !== CLOSE_BRACE && char !== CLOSE_BRACKET && !isSpace(char);
}

function endOfString(text: string, start: number): number {
  expect(text, start, QUOTE);
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = at;
    while (text.charCodeAt(escapes - 1) === BACKSLASH) escapes--;
    if ((at - escapes) % 2 === 0) return at + 1;
  }
  throw malformed("JSON that ends inside a string");
}

function isName(text: string, start: number, end: number, name: string): boolean {
  if (end - start === name.length + 2 && text.startsWith(name, start + 1)) return true;
  const quoted = text.slice(start, end);
  return quoted.includes("\\") && unquote(quoted) === name;
}

function unquote(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch (cause) {
    throw malformed("JSON with a string that is none", cause);
  }
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(char: number): boolean {
  return char === 0x20 || char === 0x0a || char === 0x0d || char === 0x09;
}

function expect(text: string, at: number, char: number): void {
  if (text.charCodeAt(at) === char) return;
  throw malformed(`JSON without "${String.fromCharCode(char)}" at character ${at}`);
}
