import { HmsSyncError } from "../errors.js";

const localDateTime = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(\.\d{1,9})?$/;
const instant = /^\d{4}-\d{2}-(\d{2})T(?:[01]\d|2[0-3]):\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i;
const fixedOffset = /^([+-])(\d{2}):?(\d{2})$/;
const dayMs = 86_400_000;
const maxTimeMs = 253_402_300_799_999; // the end of the year 9999, the last one that RFC 3339 can write
const minTimeMs = -62_167_219_200_000; // the beginning of the year 0
const maxZones = 1_000;
const maxOffsets = 10_000;

const zones = new Map<string, Intl.DateTimeFormat>();
const utcOfLocalMinute = new Map<string, number>();

/**
 * An instant as milliseconds since 1970; finer fractions are cut off. Undefined when `text` is no RFC 3339 date-time.
 */
export function parseInstant(text: string): number | undefined {
  const match = instant.exec(text);
  if (match === null) return undefined;
  const ms = Date.parse(text.toUpperCase());
  if (Number.isNaN(ms) || ms < minTimeMs || ms > maxTimeMs) return undefined;
  return match[1]! > "28" && !isCalendarDay(text.slice(0, 10)) ? undefined : ms;
}

/** `YYYY-MM-DDTHH:MM:SS[.mmm]Z`, without a fraction of zero; beyond the year 9999 its last instant. */
export function formatInstant(ms: number): string {
  const text = new Date(Math.min(ms, maxTimeMs)).toISOString();
  return text.endsWith(".000Z") ? `${text.slice(0, 19)}Z` : text;
}

/**
 * `Y-m-d H:i:s[.u]` or `Y-m-d\TH:i:s[.u]` in `timezone` as RFC 3339 in UTC, the fraction kept as written. Undefined
 * when `text` is not of that form or not a date. Where the clock goes back, the first of the two instants is meant; a
 * time that the clock skips is moved on by the gap: as PHP and Temporal ("compatible") read them.
 * @throws HmsSyncError `unknown_timezone`.
 */
export function localToUtc(text: string, timezone: string): string | undefined {
  const match = localDateTime.exec(text);
  if (match === null) return undefined;
  const [, date, time, fraction = ""] = match;
  const local = Date.parse(`${date}T${time}Z`);
  // V8 takes 30 February and 24:00:00 for the day after
  if (Number.isNaN(local) || !new Date(local).toISOString().startsWith(`${date}T${time}`)) return undefined;
  if (timezone === "UTC") return `${date}T${time}${fraction}Z`;
  const utc = utcOf(local, timezone);
  if (utc < minTimeMs || utc > maxTimeMs) return undefined;
  return `${new Date(utc).toISOString().slice(0, 19)}${fraction}Z`;
}

/** Whether `name` is an IANA time zone or an offset like +02:00. */
export function isTimezone(name: string): boolean {
  if (fixedOffset.test(name)) return true;
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: name }) !== undefined;
  } catch {
    return false; // Intl throws for what it does not know
  }
}

function isCalendarDay(date: string): boolean {
  const ms = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(date);
}

/** Remembered by the minute: events of a running belt are of now, and asking Intl takes microseconds. */
function utcOf(local: number, timezone: string): number {
  const seconds = (((local / 1000) % 60) + 60) % 60;
  const minute = local - seconds * 1000;
  const key = `${timezone} ${minute}`;
  let utc = utcOfLocalMinute.get(key);
  if (utc === undefined) {
    utc = resolveLocal(minute, timezone);
    if (utcOfLocalMinute.size >= maxOffsets) utcOfLocalMinute.clear();
    utcOfLocalMinute.set(key, utc);
  }
  return utc + seconds * 1000;
}

function resolveLocal(local: number, timezone: string): number {
  const before = offsetAt(local - dayMs, timezone);
  const after = offsetAt(local + dayMs, timezone);
  // The greater offset gives the earlier instant.
  for (const offset of [Math.max(before, after), Math.min(before, after)]) {
    if (offsetAt(local - offset, timezone) === offset) return local - offset;
  }
  return local - before; // skipped by the clock
}

/** Milliseconds to add to UTC for the zone's local time. */
function offsetAt(utc: number, timezone: string): number {
  const fixed = fixedOffset.exec(timezone);
  if (fixed !== null) return offsetMs(fixed[1], fixed[2], fixed[3], "0");
  const name = formatter(timezone).format(utc);
  const match = /GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(name);
  return offsetMs(match?.[1], match?.[2], match?.[3], match?.[4]);
}

function offsetMs(sign = "+", hours = "0", minutes = "0", seconds = "0"): number {
  const total = Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Number(seconds) * 1_000;
  return sign === "-" ? -total : total;
}

function formatter(timezone: string): Intl.DateTimeFormat {
  let format = zones.get(timezone);
  if (format === undefined) {
    format = createFormatter(timezone);
    if (zones.size >= maxZones) zones.clear();
    zones.set(timezone, format);
  }
  return format;
}

function createFormatter(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
  } catch (cause) {
    throw new HmsSyncError(
      "unknown_timezone",
      `"${timeZone.slice(0, 100)}" is no time zone, and the payload has a date-time without an offset; set app.timezone (or $systems in topics.yaml) to an IANA name like America/Chicago`,
      { status: 422, cause },
    );
  }
}
