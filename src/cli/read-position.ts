import { readSince } from "../gateway/events-route.js";

/** Read again at a reconnect, in ms: systems' clocks may differ by that much. */
const overlapMs = 120_000;
/** Printed events that are remembered, so that what is read again is not printed again. */
const maxRemembered = 100_000;

/**
 * How far a reader of the ledger has come, told by what it printed: envelopes hold no position in the ledger. After a
 * reconnect it asks for a little more than it lacks and leaves out what it had. A line is missed only when the
 * connection breaks inside a backlog and its producer's clock is ahead by more than `overlapMs`; one is repeated only
 * when more than `maxRemembered` came within that time.
 */
export class ReadPosition {
  private readonly printed = new Set<string>();
  private start: number | undefined;
  private newest = Number.NEGATIVE_INFINITY;
  private reading = "first";

  /** `since` as the user wrote it; undefined: from now on. */
  constructor(private readonly since: string | undefined) {}

  /** The `since` to ask for; `now` by the gateway's clock (ms). */
  next(now: number): string | undefined {
    if (this.start === undefined) return this.since;
    const since = Math.max(this.start, Math.min(this.newest, now) - overlapMs);
    return since <= 0 ? "0" : new Date(since).toISOString();
  }

  /** A connection is open; `asked` is when it was asked for, by the gateway's clock (ms). */
  connected(asked: number): void {
    this.reading = this.start === undefined ? "first" : "again";
    this.start ??= this.since === undefined ? asked : readSince(this.since, asked);
  }

  /** Takes a line; false when it was printed before and is only read again. */
  take(line: Uint8Array, now: number): boolean {
    const event = eventOf(line);
    if (event === undefined) return true;
    if (this.reading === "again" && this.printed.has(event.key)) return false;
    this.newest = Math.max(this.newest, Math.min(event.time, now));
    this.printed.add(event.key);
    if (this.printed.size > maxRemembered) this.printed.delete(this.printed.values().next().value!);
    return true;
  }
}

/** Undefined for a line that is no envelope: printed, but not remembered. */
function eventOf(line: Uint8Array): { key: string; time: number } | undefined {
  try {
    const { id, source, time } = JSON.parse(Buffer.from(line).toString()) as Record<string, unknown>;
    const ms = Date.parse(String(time));
    return { key: `${source}\n${id}`, time: Number.isNaN(ms) ? Number.NEGATIVE_INFINITY : ms };
  } catch {
    return undefined;
  }
}
