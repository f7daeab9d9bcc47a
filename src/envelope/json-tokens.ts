/** Characters and tokens of JSON text (RFC 8259, section 2). */
export const quote = 0x22;
export const comma = 0x2c;
export const colon = 0x3a;
const backslash = 0x5c;
export const openBracket = 0x5b;
export const closeBracket = 0x5d;
export const openBrace = 0x7b;
export const closeBrace = 0x7d;
export const space = 0x20;

/** The value of the string literal `text[start, end)`. */
export function decodeString(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end - 1);
  return raw.includes("\\") ? (JSON.parse(text.slice(start, end)) as string) : raw;
}

/** Offset after the string literal that begins at `start`. */
export function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    if (!isEscaped(text, end)) return end + 1;
  }
  return text.length; // not JSON
}

function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text.charCodeAt(before) === backslash) before--;
  return (at - before) % 2 === 0;
}

/** Offset after the number or literal that begins at `start`. */
export function scalarEnd(text: string, start: number): number {
  for (let end = start + 1; end < text.length; end++) {
    const char = text.charCodeAt(end);
    if (char === comma || char === closeBrace || char === closeBracket || char <= space) return end;
  }
  return text.length;
}
