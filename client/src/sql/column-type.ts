import { type Charset, charsets, fits, substituted } from "./charset.js";
import { type CivilTime, civilTime } from "./civil-time.js";
import { type Decimal, decimalText, parseDecimal } from "./decimal.js";
import type { SqlValue } from "./dialect.js";

/** What is wrong with a value, in words that do not hold it. */
export class ValueFault extends Error {}

/** What a column's other options say about its values. */
export interface ColumnOptions {
  readonly charset: Charset | undefined;
  readonly substitute: string | undefined;
  readonly truncate: boolean;
  readonly timeZone: string;
}

/** Makes the column's value of a JSON value's text, never null. @throws ValueFault */
export type Convert = (json: string) => SqlValue;

type MakeConvert = (argument: string | undefined, options: ColumnOptions) => Convert | undefined;

/** By the type's name; each gives undefined for an argument it cannot use. */
const makers: Readonly<Record<string, MakeConvert>> = {
  decimal: (argument) => {
    const [, precision = "", scale = "0"] = /^(\d{1,4})(?:,\s*(\d{1,4}))?$/.exec(argument ?? "") ?? [];
    const whole = Number(precision) - Number(scale);
    if (precision === "" || precision === "0" || whole < 0) return undefined;
    return (json) => exactly(numberIn(json), whole, Number(scale));
  },
  smallint: without(() => integer(-(2n ** 15n), 2n ** 15n - 1n)),
  integer: without(() => integer(-(2n ** 31n), 2n ** 31n - 1n)),
  bigint: without(() => integer(-(2n ** 63n), 2n ** 63n - 1n)),
  double: without(() => (json) => {
    const number = Number(decimalSource(json));
    if (!Number.isFinite(number)) throw new ValueFault("no number, or too large");
    return number;
  }),
  text: (argument, options) => {
    const [, limit, bytes] = /^(\d{1,9})( bytes)?$/.exec(argument ?? "") ?? [];
    if (argument !== undefined && limit === undefined) return undefined;
    const most = limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
    return (json) => text(textIn(json), most, bytes !== undefined, options);
  },
  char: (argument, options) => {
    if (!/^\d{1,4}$/.test(argument ?? "")) return undefined;
    const width = Number(argument);
    return (json) => {
      const value = text(textIn(json), width, false, options);
      return value + " ".repeat(width - [...value].length);
    };
  },
  date: (argument, options) => timed(argument ?? "YYYY-MM-DD", options),
  timestamp: (argument = "0", options) =>
    /^\d$/.test(argument)
      ? timed(`YYYY-MM-DD HH24:MI:SS${argument === "0" ? "" : `.FF${argument}`}`, options)
      : timed(argument, options),
  timestamptz: without((options) =>
    timed("YYYY-MM-DD HH24:MI:SS.FF6+00:00", { ...options, timeZone: "UTC" }),
  ),
  epoch: (argument) => {
    const unit = { s: 1_000, ms: 1 }[argument ?? ""];
    return unit === undefined ? undefined : (json) => Math.floor(instantIn(json) / unit);
  },
  boolean: (argument) => {
    const [, yes, no] = /^([^/]+)\/([^/]+)$/.exec(argument ?? "true/false") ?? [];
    if (yes === undefined || no === undefined) return undefined;
    return (json) => {
      if (json !== "true" && json !== "false") throw new ValueFault("neither true nor false");
      return argument === undefined ? json === "true" : json === "true" ? yes : no;
    };
  },
  json: without(() => (json) => json),
};

const aliases: Readonly<Record<string, string>> = {
  numeric: "decimal",
  int: "integer",
  varchar: "text",
  datetime: "timestamp",
};

/** What is written for people who got a type wrong. */
export const TYPES =
  "decimal(12,2), smallint, integer, bigint, double, text, text(40), text(40 bytes), char(10), date, date(YYYYMMDD), timestamp," +
  " timestamp(3), timestamp(YYYYMMDDHH24MISS), timestamptz, epoch(s), epoch(ms), boolean, boolean(Y/N), json";

/** The conversion for a type as a mapping states it; undefined when it states none there is. */
export function convertFor(type: string, options: ColumnOptions): Convert | undefined {
  const [, name = "", , argument] = /^([a-z]+)(\((.+)\))?$/.exec(type.trim()) ?? [];
  const known = aliases[name] ?? name;
  return Object.hasOwn(makers, known) ? makers[known]!(argument, options) : undefined;
}

/** For a column without a type: text and booleans as they are, numbers as their text, so that no digit is lost. */
export function convertAsIs(options: ColumnOptions): Convert {
  return (json) => {
    if (json === "true" || json === "false") return json === "true";
    return text(textIn(json), Number.POSITIVE_INFINITY, false, options);
  };
}

export function isCharset(name: string): name is Charset {
  return Object.hasOwn(charsets, name);
}

function without(make: (options: ColumnOptions) => Convert | undefined): MakeConvert {
  return (argument, options) => (argument === undefined ? make(options) : undefined);
}

function integer(least: bigint, most: bigint): Convert {
  return (json) => {
    const value = BigInt(exactly(numberIn(json), 20, 0));
    if (value < least || value > most) throw new ValueFault("too large");
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  };
}

function exactly(number: Decimal, whole: number, places: number): string {
  const made = decimalText(number, whole, places);
  if ("fault" in made) throw new ValueFault(made.fault);
  return made.text;
}

function numberIn(json: string): Decimal {
  const number = parseDecimal(decimalSource(json));
  if (number === undefined) throw new ValueFault("no number");
  return number;
}

/** Numbers may come as text, so that nobody on the way makes floats of them. */
function decimalSource(json: string): string {
  return json.startsWith('"') ? textIn(json).trim() : json;
}

function textIn(json: string): string {
  if (json.startsWith("{") || json.startsWith("["))
    throw new ValueFault("an object or a list, no single value");
  if (json === "true" || json === "false")
    throw new ValueFault("true or false, no text; say which with values");
  return json.startsWith('"') ? (JSON.parse(json) as string) : json;
}

function text(value: string, most: number, bytes: boolean, options: ColumnOptions): string {
  const { charset, substitute, truncate } = options;
  let held = value;
  if (charset !== undefined && !fits(held, charset)) {
    if (substitute === undefined) throw new ValueFault(`a character that ${charset} has not`);
    held = substituted(held, charset, substitute);
  }
  if (/\p{Surrogate}/u.test(held)) throw new ValueFault("half of a surrogate pair");
  const length = bytes ? byteLength(held, charset) : held.length <= most ? held.length : [...held].length;
  if (length <= most) return held;
  if (!truncate) throw new ValueFault("too long");
  return cut(held, most, bytes ? (char) => byteLength(char, charset) : () => 1);
}

function byteLength(value: string, charset: Charset | undefined): number {
  return charset === undefined || charset === "utf8mb3" ? Buffer.byteLength(value) : [...value].length;
}

/** Never half of a character. */
function cut(value: string, most: number, sizeOf: (char: string) => number): string {
  let size = 0;
  let kept = "";
  for (const char of value) {
    size += sizeOf(char);
    if (size > most) break;
    kept += char;
  }
  return kept;
}

const TOKEN = /YYYY|MM|DD|HH24|MI|SS|FF[1-9]/g;

/** A date or time in a pattern of SQL's words: YYYY MM DD HH24 MI SS FF3. */
function timed(pattern: string, { timeZone }: ColumnOptions): Convert | undefined {
  if (!pattern.includes("YYYY") || /[A-Za-z]/.test(pattern.replace(TOKEN, "").replace(/T|Z/g, "")))
    return undefined;
  return (json) => {
    const civil = civilTime(textIn(json), timeZone);
    if (civil === undefined) throw new ValueFault("no date or time");
    return pattern.replace(TOKEN, (token) => partOf(civil, token));
  };
}

function partOf({ date, time, fraction }: CivilTime, token: string): string {
  if (token.startsWith("FF")) return fraction.padEnd(9, "0").slice(0, Number(token.slice(2)));
  const [year = "", month = "", day = ""] = date.split("-");
  const [hour = "", minute = "", second = ""] = time.split(":");
  return { YYYY: year, MM: month, DD: day, HH24: hour, MI: minute, SS: second }[token]!;
}

/** ms since 1970, negative before. A time without an offset is UTC here. */
function instantIn(json: string): number {
  const civil = civilTime(textIn(json), "UTC");
  if (civil === undefined) throw new ValueFault("no date or time");
  return Date.parse(`${civil.date}T${civil.time}.${civil.fraction.padEnd(3, "0").slice(0, 3)}Z`);
}
