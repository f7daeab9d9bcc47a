import { EventEmitter, once } from "node:events";
import { beforeTime, compareIds, type LedgerId } from "../redis/ledger-id.js";
import type { Ledger } from "./ledger.js";

const batchSize = 500;
/** How often a follower looks for events of other sidecars (ms); those recorded here it hears of at once. */
const lookAgainMs = 250;

/** Reads topics from the ledger as they grow, for readers that are owed nothing. */
export class LedgerFollower {
  private readonly recordedHere = new EventEmitter();

  constructor(private readonly ledger: Pick<Ledger, "range" | "tail">) {
    this.recordedHere.setMaxListeners(0);
  }

  /** Tells followers of the topic that the ledger has grown. */
  recorded(topic: string): void {
    this.recordedHere.emit(topic);
  }

  /**
   * Envelope texts in ledger order, in batches: those recorded from `sinceMs` (ms since the epoch) on, or, undefined,
   * those that come after this call resolved. Ends at the ledger's end, or with `follow` when `signal` aborts.
   */
  async read(
    topic: string,
    sinceMs: number | undefined,
    follow: boolean,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Buffer[]>> {
    const { last } = await this.ledger.tail(topic);
    return this.batches(topic, sinceMs === undefined ? last : beforeTime(sinceMs), last, follow, signal);
  }

  private async *batches(
    topic: string,
    from: LedgerId,
    to: LedgerId,
    follow: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer[]> {
    let after = from;
    let last = to;
    while (!signal.aborted) {
      const entries =
        compareIds(after, last) < 0 ? await this.ledger.range(topic, after, last, batchSize) : [];
      if (entries.length > 0) {
        after = entries.at(-1)!.id;
        yield entries.map(({ body }) => body);
        continue;
      }
      if (!follow) return;
      await this.somethingRecorded(topic, signal);
      if (!signal.aborted) last = (await this.ledger.tail(topic)).last;
    }
  }

  private async somethingRecorded(topic: string, signal: AbortSignal): Promise<void> {
    const waiting = AbortSignal.any([signal, AbortSignal.timeout(lookAgainMs)]);
    // Both ends of the wait are ordinary: an event here, or time to look again.
    await once(this.recordedHere, topic, { signal: waiting }).catch(() => {});
  }
}
