import { HmsSyncError } from "../errors.js";
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
import type { Edit } from "./text-edits.js";

/** Deepest nesting of objects and arrays that is taken; the root counts as one. */
export const depthLimit = 64;

/** A value of the scanned text, by its number in document order; the root is 0. */
export type JsonNode = number;

/** Objects up to this size have their names compared pairwise; a Set costs more there. */
const fewMembers = 8;

/**
 * Parses JSON (RFC 8259). V8's parser keeps its own stack, so no nesting overflows it.
 * @throws HmsSyncError `malformed_json`. It carries no cause: V8's message quotes the text, and payloads stay out of logs.
 */
export function parseJson(text: string, what = "the payload"): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const position = /at position (\d+)/.exec(String(error))?.[1];
    const place = position === undefined ? "" : ` (it breaks at character ${position})`;
    throw new HmsSyncError("malformed_json", `${what} is not JSON${place}; send JSON text as in RFC 8259`, {
      status: 400,
    });
  }
}

/**
 * Where each value of a JSON text stands, so that the text can be edited without being written anew: numbers, escapes
 * and the order of members stay as they came. Flat arrays, filled in one pass without recursion.
 */
export class JsonText {
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  private readonly nexts: JsonNode[] = [];
  private readonly names: (string | undefined)[] = [];
  private readonly memberStarts: number[] = [];
  private readonly open: JsonNode[] = [];

  private constructor(readonly text: string) {}

  /**
   * Scans text that `JSON.parse` takes; for other text the result is undefined, but it ends.
   * @throws HmsSyncError `too_deep` beyond `limit` levels, `duplicate_member` when an object has a name twice.
   */
  static scan(text: string, limit = depthLimit): JsonText {
    const scanned = new JsonText(text);
    scanned.scanAll(limit);
    return scanned;
  }

  /** Offset of the value's first character. */
  start(node: JsonNode): number {
    return this.starts[node]!;
  }

  /** Offset after the value's last character. */
  end(node: JsonNode): number {
    return this.ends[node]!;
  }

  /** The value's own text. */
  slice(node: JsonNode): string {
    return this.text.slice(this.starts[node], this.ends[node]);
  }

  /** Member name of a value in an object, escapes decoded. */
  name(node: JsonNode): string | undefined {
    return this.names[node];
  }

  /** First value inside an object or array; equal to `after(node)` when there is none. */
  firstChild(node: JsonNode): JsonNode {
    return node + 1;
  }

  /** The first node after the whole value: its next sibling, if it has one. */
  after(node: JsonNode): JsonNode {
    return this.nexts[node]!;
  }

  isObject(node: JsonNode): boolean {
    return this.text.charCodeAt(this.starts[node]!) === openBrace;
  }

  isArray(node: JsonNode): boolean {
    return this.text.charCodeAt(this.starts[node]!) === openBracket;
  }

  isString(node: JsonNode): boolean {
    return this.text.charCodeAt(this.starts[node]!) === quote;
  }

  /** A string's value, escapes decoded. */
  stringValue(node: JsonNode): string {
    return decodeString(this.text, this.starts[node]!, this.ends[node]!);
  }

  /** The member `name` of an object. */
  member(object: JsonNode, name: string): JsonNode | undefined {
    const end = this.after(object);
    for (let child = this.firstChild(object); child < end; child = this.after(child)) {
      if (this.names[child] === name) return child;
    }
    return undefined;
  }

  /** The value at the path of reference tokens of a JSON Pointer (RFC 6901). */
  find(path: readonly string[]): JsonNode | undefined {
    let node: JsonNode | undefined = 0;
    for (const token of path) {
      if (this.isObject(node)) node = this.member(node, token);
      else node = this.isArray(node) ? this.element(node, token) : undefined;
      if (node === undefined) return undefined;
    }
    return node;
  }

  /** The edit that takes `member` out of `object`, with the comma that goes with it. */
  removal(object: JsonNode, member: JsonNode): Edit {
    const following = this.after(member);
    if (member !== this.firstChild(object)) {
      let before = this.firstChild(object);
      while (this.after(before) !== member) before = this.after(before);
      return { start: this.ends[before]!, end: this.ends[member]!, text: "" };
    }
    const last = following === this.after(object);
    return {
      start: this.memberStarts[member]!,
      end: last ? this.ends[member]! : this.memberStarts[following]!,
      text: "",
    };
  }

  private element(array: JsonNode, token: string): JsonNode | undefined {
    if (!/^(0|[1-9]\d{0,9})$/.test(token)) return undefined;
    const end = this.after(array);
    let child = this.firstChild(array);
    for (let left = Number(token); left > 0 && child < end; left--) child = this.after(child);
    return child < end ? child : undefined;
  }

  private scanAll(limit: number): void {
    const { text } = this;
    let nameStart = -1; // of the member whose value comes next
    let nameEnd = -1;
    let inName = false; // the next string is a name
    for (let at = 0; at < text.length; ) {
      const char = text.charCodeAt(at);
      if (char === quote) {
        const end = stringEnd(text, at);
        if (inName) {
          nameStart = at;
          nameEnd = end;
          inName = false;
        } else {
          this.close(this.add(at, nameStart, nameEnd), end);
          nameStart = -1;
        }
        at = end;
      } else if (char === openBrace || char === openBracket) {
        this.open.push(this.add(at, nameStart, nameEnd));
        if (this.open.length > limit) throw tooDeep(limit);
        nameStart = -1;
        inName = char === openBrace;
        at++;
      } else if (char === closeBrace || char === closeBracket) {
        this.closeContainer(++at, char === closeBrace);
      } else if (char === comma) {
        inName = this.inObject();
        at++;
      } else if (char === colon || char <= space) {
        at++;
      } else {
        const end = scalarEnd(text, at);
        this.close(this.add(at, nameStart, nameEnd), end);
        nameStart = -1;
        at = end;
      }
    }
  }

  private add(start: number, nameStart: number, nameEnd: number): JsonNode {
    const node = this.starts.push(start) - 1;
    this.names.push(nameStart < 0 ? undefined : decodeString(this.text, nameStart, nameEnd));
    this.memberStarts.push(nameStart < 0 ? start : nameStart);
    this.ends.push(-1);
    this.nexts.push(-1);
    return node;
  }

  private close(node: JsonNode, end: number): void {
    this.ends[node] = end;
    this.nexts[node] = this.starts.length;
  }

  private closeContainer(end: number, object: boolean): void {
    const node = this.open.pop();
    if (node === undefined) return; // not JSON
    this.close(node, end);
    if (object) this.checkNames(node);
  }

  private inObject(): boolean {
    const node = this.open.at(-1);
    return node !== undefined && this.isObject(node);
  }

  private checkNames(object: JsonNode): void {
    const end = this.after(object);
    if (end - object > fewMembers + 1) {
      this.checkManyNames(object);
      return;
    }
    for (let child = this.firstChild(object); child < end; child = this.after(child)) {
      for (let other = this.firstChild(object); other < child; other = this.after(other)) {
        const name = this.names[child];
        // A member without a name is not JSON; the parser says so.
        if (name !== undefined && this.names[other] === name) throw duplicateMember(name);
      }
    }
  }

  private checkManyNames(object: JsonNode): void {
    const seen = new Set<string>();
    const end = this.after(object);
    for (let child = this.firstChild(object); child < end; child = this.after(child)) {
      const name = this.names[child];
      if (name === undefined) continue;
      if (seen.has(name)) throw duplicateMember(name);
      seen.add(name);
    }
  }
}

function tooDeep(limit: number): HmsSyncError {
  return new HmsSyncError(
    "too_deep",
    `the payload nests objects and arrays deeper than ${limit} levels; flatten it`,
    { status: 422 },
  );
}

function duplicateMember(name: string): HmsSyncError {
  return new HmsSyncError(
    "duplicate_member",
    `an object of the payload has the member ${JSON.stringify(name.slice(0, 100))} twice, and systems disagree which one counts; send it once`,
    { status: 422 },
  );
}
