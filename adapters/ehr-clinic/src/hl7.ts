import { Permanent } from "@hms-sync/client";

/** A field's value: a text, or its components. What is undefined is empty. */
export type Field = string | undefined | readonly (string | undefined)[];

/** Character sets as MSH-18 names them (HL7 table 0211). */
export type Charset = "ASCII" | "8859/1" | "UNICODE UTF-8";

/** The last code point of a set, and how Node calls its bytes. */
const charsets: Readonly<Record<Charset, { last: number; encoding: BufferEncoding }>> = {
  ASCII: { last: 0x7f, encoding: "latin1" },
  "8859/1": { last: 0xff, encoding: "latin1" },
  "UNICODE UTF-8": { last: 0x10_ffff, encoding: "utf8" },
};

export const CHARSETS = Object.keys(charsets) as readonly Charset[];

/** Segments end with a carriage return, the last one too. */
const END = "\r";
/** MSH-1 and MSH-2: fields, components, repetitions, escapes, sub-components. */
const HEADER = "MSH|^~\\&";

/** One segment, without its end: `OBX|1|CE|…`. Empty fields at its end are left out. */
export function segment(name: string, fields: readonly Field[]): string {
  return [name, ...fields.map(fieldText)].join("|").replace(/\|+$/, "");
}

/** The first segment. Its fields are counted from MSH-3. */
export function header(fields: readonly Field[]): string {
  return segment(HEADER, fields);
}

export function messageText(segments: readonly string[]): string {
  return segments.map((each) => each + END).join("");
}

/** @throws Permanent when the text has a character that the set has not; never with the character. */
export function encoded(text: string, charset: Charset): Buffer {
  const { last, encoding } = charsets[charset];
  if (/\p{Surrogate}/u.test(text)) throw new Permanent("hl7: half of a surrogate pair in the event");
  for (const char of text) {
    if (char.codePointAt(0)! > last) throw new Permanent(`hl7: a character that ${charset} has not`);
  }
  return Buffer.from(text, encoding);
}

/** A time of RFC 3339, or in ms since 1970, as HL7 writes it: 20240423150211.250+0000. */
export function timestamp(time: string | number, precision: "s" | "ms"): string {
  const [date = "", fraction = ""] = new Date(time)
    .toISOString()
    .replace(/[-T:Z]/g, "")
    .split(".");
  return precision === "s" ? `${date}+0000` : `${date}.${fraction}+0000`;
}

function fieldText(field: Field): string {
  const components = typeof field === "object" ? field : [field];
  return components
    .map((text = "") => escaped(text))
    .join("^")
    .replace(/\^+$/, "");
}

const escapes: Readonly<Record<string, string>> = { "|": "F", "^": "S", "&": "T", "~": "R", "\\": "E" };

/** Delimiters by their letters, control characters in hexadecimal: a carriage return would end the segment. */
function escaped(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[|^&~\\\x00-\x1f\x7f]/g, (char) => `\\${escapes[char] ?? hexadecimal(char)}\\`);
}

function hexadecimal(char: string): string {
  return `X${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
