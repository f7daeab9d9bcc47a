/** Character sets of legacy columns, by what they cannot hold. */
export const charsets = {
  ascii: (code: number) => code < 0x80,
  /** ISO 8859-1, PostgreSQL's LATIN1: no euro sign. */
  latin1: (code: number) => code < 0x100,
  /** What MySQL calls latin1 and Windows the ANSI code page of western Europe and America. */
  "windows-1252": (code: number) => code < 0x80 || (code >= 0xa0 && code < 0x100) || windows1252.has(code),
  /** MySQL's utf8: three bytes at most. */
  utf8mb3: (code: number) => code < 0x1_0000,
} as const;

export type Charset = keyof typeof charsets;

/** Its bytes 0x80 to 0x9f. Written out: TextDecoder of Node 20 takes windows-1252 for ISO 8859-1. */
const windows1252 = new Set(Array.from("€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ", (char) => char.codePointAt(0)!));

/** Whether the set has every character of the text. */
export function fits(text: string, charset: Charset): boolean {
  const holds = charsets[charset];
  for (const char of text) if (!holds(char.codePointAt(0)!)) return false;
  return true;
}

/** The text with `substitute` for each character that the set has not. */
export function substituted(text: string, charset: Charset, substitute: string): string {
  const holds = charsets[charset];
  return Array.from(text, (char) => (holds(char.codePointAt(0)!) ? char : substitute)).join("");
}
