/** The calendar's times are digits in UTC, to the second (14) or the millisecond (17), so that they sort as text. */

/** @param ms since 1970. */
export function digitsOf(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/\D/g, "");
}

/** RFC 3339; undefined for digits that are no time. */
export function timeOf(digits: string): string | undefined {
  const [, year, month, day, hour, minute, second, ms = "000"] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})?$/.exec(digits) ?? [];
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`;
  const time = new Date(text);
  // Date takes February 30 for March 1.
  return Number.isNaN(time.getTime()) || time.toISOString() !== text ? undefined : text.replace(".000Z", "Z");
}

/** The time so many ms before. */
export function earlier(digits: string, ms: number): string {
  const time = timeOf(digits);
  return time === undefined ? "" : digitsOf(Date.parse(time) - ms);
}
