/** A date or a time as a wall shows it. `fraction` are digits after the second's point, "" for none. */
export interface CivilTime {
  /** YYYY-MM-DD */
  readonly date: string;
  /** HH:MM:SS */
  readonly time: string;
  readonly fraction: string;
}

const DATE = /^\d{4}-\d\d-\d\d$/;
const DATE_TIME = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,12}))?([Zz]|[+-]\d\d:\d\d)?$/;

const GREGORIAN = Date.UTC(1583, 0, 1);

/**
 * Reads a date (YYYY-MM-DD) or an RFC 3339 time. A time is told as clocks in `timeZone` show it; one without an offset
 * is taken as it stands, and so is a date. Any year from 0000 to 9999, also before 1970; but what has an offset and is
 * to be told in another zone than UTC from 1583 on, since Intl counts in the Julian calendar before.
 * @returns undefined for anything else, 2023-02-29 among it.
 */
export function civilTime(text: string, timeZone: string): CivilTime | undefined {
  if (DATE.test(text)) return isDate(text) ? { date: text, time: "00:00:00", fraction: "" } : undefined;
  const [, date, time, fraction = "", offset] = DATE_TIME.exec(text) ?? [];
  if (date === undefined || time === undefined || !isDate(date) || !isTime(time)) return undefined;
  if (offset === undefined) return { date, time, fraction };
  const instant = new Date(`${date}T${time}${offset.toUpperCase()}`);
  if (Number.isNaN(instant.getTime()) || (timeZone !== "UTC" && instant.getTime() < GREGORIAN))
    return undefined;
  return { ...wallTime(instant, timeZone), fraction };
}

function isDate(date: string): boolean {
  const parsed = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date);
}

/** A leap second is none here: no database takes it. */
function isTime(time: string): boolean {
  const [hours, minutes, seconds] = time.split(":").map(Number);
  return hours! < 24 && minutes! < 60 && seconds! < 60;
}

function wallTime(instant: Date, timeZone: string): { date: string; time: string } {
  if (timeZone === "UTC") {
    const text = instant.toISOString();
    return { date: text.slice(0, 10), time: text.slice(11, 19) };
  }
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, value]),
  );
  const date = `${parts.year!.padStart(4, "0")}-${parts.month}-${parts.day}`;
  return { date, time: `${parts.hour}:${parts.minute}:${parts.second}` };
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const two = "2-digit";
  const fields = { year: "numeric", month: two, day: two, hour: two, minute: two, second: two } as const;
  const format = new Intl.DateTimeFormat("en-US", {
    ...fields,
    timeZone,
    hourCycle: "h23",
    calendar: "iso8601",
  });
  formats.set(timeZone, format);
  return format;
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name });
    return true;
  } catch {
    return false; // RangeError is how Intl says so
  }
}
