/** How far (ms) the clocks of producers and ledger may lie apart without a reader that reconnects missing anything. */
const SKEW_MS = 5_000;
/** How many events are remembered to tell those that come again after a reconnect. */
const REMEMBERED = 20_000;

const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Where a passing reader goes on after a reconnect. The ledger is asked by time of recording, which the reader does not
 * see; an event's own time is no later, so the latest one seen, less some seconds, is a safe place to begin. What comes
 * twice from there is known by its id.
 */
export class ResumePoint {
  private readonly seen = new Set<string>();
  private latest = Number.NEGATIVE_INFINITY;
  private begun: number | undefined;

  /** `since` as the gateway takes it (`10m`, RFC 3339, `0`), or undefined for what comes from now on. */
  constructor(private readonly since: string | undefined) {}

  /** The bus has answered the first request: `now` is its clock (ms since the epoch). */
  connected(now: number): void {
    this.begun ??= now;
  }

  /** Notes an event; false when it was seen before. `time` is that of its envelope. */
  note(source: string, id: string, time: string, now: number): boolean {
    const key = `${source} ${id}`;
    if (this.seen.has(key)) return false;
    this.seen.add(key);
    if (this.seen.size > REMEMBERED) this.seen.delete(this.seen.values().next().value as string);
    const at = Math.min(Date.parse(time), now); // a time to come says nothing about when it was recorded
    if (at > this.latest) this.latest = at;
    return true;
  }

  /** What to ask the ledger for now; undefined for what comes from now on. */
  query(): string | undefined {
    if (this.latest > Number.NEGATIVE_INFINITY) return new Date(this.latest - SKEW_MS).toISOString();
    if (this.begun === undefined) return this.since;
    if (this.since === undefined) return new Date(this.begun).toISOString();
    const span = durationMs(this.since);
    return span === undefined ? this.since : new Date(Math.max(0, this.begun - span)).toISOString();
  }
}

/** `10m` or `2h30m` in ms; undefined for anything else. */
export function durationMs(text: string): number | undefined {
  if (!/^(\d{1,9}(ms|s|m|h|d))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|s|m|h|d)/g)) total += Number(count) * units[unit!]!;
  return total;
}
