/** Ledger ids are Redis stream ids, `<ms>-<sequence>`; they order as numbers, not as text. */
export type LedgerId = string;

/** Before every event of a ledger. */
export const beforeAll: LedgerId = "0-0";

/** Negative when `a` comes first, 0 when equal, positive when `b` comes first. */
export function compareIds(a: LedgerId, b: LedgerId): number {
  if (a === b) return 0;
  const [aMs, aSequence] = split(a);
  const [bMs, bSequence] = split(b);
  return aMs === bMs ? aSequence - bSequence : aMs - bMs;
}

/** The id right below `id`: a range after it begins with `id` itself. */
export function justBefore(id: LedgerId): LedgerId {
  const [ms, sequence] = split(id);
  return sequence > 0 ? `${ms}-${sequence - 1}` : `${ms - 1}-18446744073709551615`;
}

/** After every event recorded before this time (ms since the epoch), and before all others. */
export function beforeTime(ms: number): LedgerId {
  return ms <= 0 ? beforeAll : `${Math.floor(ms) - 1}-18446744073709551615`;
}

/** Time the ledger recorded the event (ms since the epoch). */
export function recordedAt(id: LedgerId): number {
  return split(id)[0];
}

function split(id: LedgerId): [number, number] {
  const dash = id.indexOf("-");
  return [Number(id.slice(0, dash)), Number(id.slice(dash + 1))];
}
