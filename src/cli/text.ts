import { isUtf8 } from "node:buffer";

/** Longest piece of original bytes that is shown; `--json` shows all. */
const maxShownBytes = 2_000;
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const named: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * Text that somebody else wrote, safe for a terminal: control and format characters (escape sequences, changes of the
 * writing direction) are shown as escapes, and so are line breaks.
 */
export function printable(text: string): string {
  return text.replace(invisible, (character) => named[character] ?? escapeOf(character.codePointAt(0)!));
}

/** Like `printable`, but line breaks stay. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

/**
 * Bytes as text, safe for a terminal; what is not UTF-8 is shown as `\xNN`, what is long is cut. `size` tells of how many
 * bytes these are the first.
 */
export function printableBytes(bytes: Uint8Array, size = bytes.length): string {
  const shown = bytes.subarray(0, maxShownBytes);
  let text = "";
  for (let i = 0; i < shown.length; ) {
    const length = lengthOfCharacter(shown, i);
    text +=
      length === 0 ? escapeOf(shown[i]!) : printable(Buffer.from(shown.subarray(i, i + length)).toString());
    i += Math.max(1, length);
  }
  if (size <= shown.length) return text;
  return `${text}… (${size} bytes; --json shows ${size > bytes.length ? `the first ${bytes.length}` : "all"})`;
}

/** A table: columns two spaces apart, those of numbers to the right, no spaces at the ends of lines. */
export function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) => row.map((cell) => printable(String(cell))));
  const widths = header.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]!.length)));
  const numeric = header.map((_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === "number"));
  return [header, ...cells].map((row) => tableLine(row, widths, numeric)).join("\n");
}

/** `name   value` lines with the values below each other. */
export function fields(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}`.trimEnd()).join("\n");
}

/** Milliseconds in the units of topics.yaml: `7d`, `1h 30m`, `250ms`. */
export function duration(ms: number): string {
  const units: [string, number][] = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
    ["ms", 1],
  ];
  let rest = ms;
  const parts = units.flatMap(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count === 0 ? [] : [`${count}${unit}`];
  });
  return parts.join(" ") || "0s";
}

/** A size in bytes with a unit: `12.3 MB`. */
export function byteSize(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}

/** `1 topic`, `2 topics`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function tableLine(row: readonly string[], widths: readonly number[], numeric: readonly boolean[]): string {
  const padded = row.map((cell, i) => (numeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)));
  return padded.join("  ").trimEnd();
}

function escapeOf(code: number): string {
  const hex = code.toString(16);
  return code < 0x100 ? `\\x${hex.padStart(2, "0")}` : `\\u{${hex}}`;
}

/** Length in bytes of the UTF-8 character at `start`; 0 when there is none. */
function lengthOfCharacter(bytes: Uint8Array, start: number): number {
  const fits = (length: number) =>
    start + length <= bytes.length && isUtf8(bytes.subarray(start, start + length));
  return [1, 2, 3, 4].find(fits) ?? 0;
}
