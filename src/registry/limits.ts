import type { SystemLimits } from "./types.js";

/** A system below `$systems`, after its structure was checked. */
export interface SystemEntry {
  readonly timezone?: string;
  readonly rate?: string;
  readonly body_limit?: string;
}

const units: Record<string, number> = { B: 1, KiB: 1_024, MiB: 1_048_576 };

/** What `parseSize` takes, as a pattern of JSON Schema. */
export const sizePattern = "^(\\d{1,9})(B|KiB|MiB)$";
const sizeForm = new RegExp(sizePattern);

/** Bytes of a size such as `512B`, `64KiB` or `1MiB`; undefined when `text` is none. */
export function parseSize(text: string): number | undefined {
  const [, count, unit] = sizeForm.exec(text) ?? [];
  return unit === undefined ? undefined : Number(count) * units[unit]!;
}

/** The limits of a system, of those options that its entry has. */
export function limitsOf({ rate, body_limit }: SystemEntry): SystemLimits {
  const bodyLimit = body_limit === undefined ? undefined : parseSize(body_limit);
  return {
    ...(rate === undefined ? {} : { rate: perSecond(rate) }),
    ...(bodyLimit === undefined ? {} : { bodyLimit }),
  };
}

/** `50/s`, `600/m` or `none` as events per second; `none` is 0. */
function perSecond(rate: string): number {
  if (rate === "none") return 0;
  const [count, unit] = rate.split("/");
  return Number(count) / (unit === "m" ? 60 : 1);
}
