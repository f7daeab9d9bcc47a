/** A number in decimal notation: the value is `digits` (no leading zeros) times ten to the power of minus `scale`. */
export interface Decimal {
  readonly negative: boolean;
  readonly digits: string;
  readonly scale: number;
}

const NUMBER = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/;
/** More digits than any database keeps: an exponent must not fill the memory. */
const MAX_DIGITS = 1_000;

/** Reads the text of a number digit by digit, exponent included; undefined when it is none. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = NUMBER.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  const digits = (whole + fraction).replace(/^0+/, "");
  const negative = sign === "-" && digits !== "";
  return { negative, digits, scale: digits === "" ? 0 : fraction.length - Number(exponent) };
}

/** Why a number does not become text. */
export type DecimalFault = "too many decimal places" | "too large";

/**
 * Its text with just `places` digits after the point and at most `whole` before it. Nothing is rounded: other digits
 * than zeros beyond the last place are a fault.
 */
export function decimalText(
  number: Decimal,
  whole: number,
  places: number,
): { text: string } | { fault: DecimalFault } {
  const { negative, digits, scale } = number;
  if (digits.length - scale > Math.min(whole, MAX_DIGITS)) return { fault: "too large" };
  const surplus = Math.max(0, scale - places);
  const kept = surplus >= digits.length ? "" : digits.slice(0, digits.length - surplus);
  if (/[1-9]/.test(digits.slice(kept.length))) return { fault: "too many decimal places" };
  const scaled = kept + (kept === "" ? "" : "0".repeat(Math.max(0, places - scale)));
  const padded = scaled.padStart(places + 1, "0");
  const point = padded.length - places;
  const sign = negative && /[1-9]/.test(padded) ? "-" : "";
  return { text: `${sign}${padded.slice(0, point)}${places === 0 ? "" : `.${padded.slice(point)}`}` };
}
