const form = /^(?:(\d{1,9})d)? ?(?:(\d{1,9})h)? ?(?:(\d{1,9})m)? ?(?:(\d{1,9})s)? ?(?:(\d{1,9})ms)?$/;

/** What `parseDuration` takes, as a pattern of JSON Schema: some digit, and no space at either end. */
export const durationPattern = `^(?=.*\\d)(?! )(?!.* $)${form.source.slice(1)}`;

const unitsMs = [86_400_000, 3_600_000, 60_000, 1_000, 1];

/**
 * Milliseconds of a duration such as `7d`, `12h`, `30m`, `10s`, `500ms` or `1h 30m`, greatest unit first. Undefined
 * when `text` is none.
 */
export function parseDuration(text: string): number | undefined {
  const match = text === text.trim() ? form.exec(text) : null;
  if (match === null || text === "") return undefined;
  return unitsMs.reduce((sum, unit, i) => sum + unit * Number(match[i + 1] ?? 0), 0);
}
