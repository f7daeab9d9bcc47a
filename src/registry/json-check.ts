import { depthLimit } from "../envelope/json-text.js";
import { shown } from "./problems.js";

/** What stands at an offset of a JSON text and must not. */
export interface JsonFault {
  readonly offset: number;
  /** Continues a sentence that begins with the file's name, and ends with the remedy. */
  readonly what: string;
}

/** What may come next, as an error message says it. */
const value = "a value";
const valueOrEnd = 'a value or "]"';
const name = "a name in double quotes";
const nameOrEnd = 'a name in double quotes or "}"';
const colon = '":"';
const commaOrEnd = "a comma or the closing bracket";
const end = "the end of the file";

const gap = /[ \t\n\r]*/y;
const string = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const literal = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
const word = /[\w.+-]+|"[^"\n]*"?|./suy;

/**
 * The first place where a text is no JSON (RFC 8259), has a member twice in one object, or nests deeper than is taken;
 * undefined when there is none. V8's own error has no place for half of the mistakes.
 */
export function jsonFault(text: string): JsonFault | undefined {
  return new JsonCheck(text).run();
}

class JsonCheck {
  private at = 0;
  private expected = value;
  /** The names of the open objects; undefined for an open list. */
  private readonly open: (Set<string> | undefined)[] = [];

  constructor(private readonly text: string) {}

  run(): JsonFault | undefined {
    for (;;) {
      this.take(gap);
      if (this.at === this.text.length) return this.expected === end ? undefined : this.misplaced();
      const fault = this.step();
      if (fault !== undefined) return fault;
    }
  }

  private step(): JsonFault | undefined {
    const { expected, at } = this;
    const char = this.text[at]!;
    if (expected === colon || (expected === commaOrEnd && char === ",")) return this.separator(char);
    if (expected === commaOrEnd || char === "]" || char === "}") return this.close(char);
    if (expected === name || expected === nameOrEnd) return this.name();
    if (expected === end) return this.misplaced();
    if (char === "{" || char === "[") return this.enter(char);
    if (this.take(string) === undefined && this.take(literal) === undefined) return this.misplaced();
    this.expected = this.afterValue();
    return undefined;
  }

  private separator(char: string): JsonFault | undefined {
    if (char !== ":" && char !== ",") return this.misplaced();
    if ((char === ":") !== (this.expected === colon)) return this.misplaced();
    this.at++;
    this.expected = char === ":" || this.open.at(-1) === undefined ? value : name;
    return undefined;
  }

  private name(): JsonFault | undefined {
    const offset = this.at;
    const token = this.take(string);
    if (token === undefined) return this.misplaced();
    const text = JSON.parse(token) as string;
    const names = this.open.at(-1)!;
    if (names.has(text))
      return { offset, what: `has the member ${shown(text)} twice in one object; keep one` };
    names.add(text);
    this.expected = colon;
    return undefined;
  }

  private enter(char: string): JsonFault | undefined {
    if (this.open.length === depthLimit) {
      return { offset: this.at, what: `nests deeper than ${depthLimit} levels; flatten it` };
    }
    this.at++;
    this.open.push(char === "{" ? new Set() : undefined);
    this.expected = char === "{" ? nameOrEnd : valueOrEnd;
    return undefined;
  }

  private close(char: string): JsonFault | undefined {
    const fits = char === (this.open.at(-1) === undefined ? "]" : "}") && this.open.length > 0;
    if (!fits || ![commaOrEnd, valueOrEnd, nameOrEnd].includes(this.expected)) return this.misplaced();
    this.at++;
    this.open.pop();
    this.expected = this.afterValue();
    return undefined;
  }

  private afterValue(): string {
    return this.open.length === 0 ? end : commaOrEnd;
  }

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const token = pattern.exec(this.text)?.[0];
    this.at += token?.length ?? 0;
    return token;
  }

  private misplaced(): JsonFault {
    const offset = this.at;
    const found = this.take(word);
    const is = found === undefined ? "it ends" : `${shown(found)} stands`;
    return { offset, what: `is not JSON: ${is} where ${this.expected} must be; correct it` };
  }
}
