import type { Ledger, RecordableEvent, Recorded } from "./ledger.js";

interface Waiting {
  readonly event: RecordableEvent;
  readonly resolve: (recorded: Recorded) => void;
  readonly reject: (error: unknown) => void;
}

/** Most events in one call of the ledger. */
const maxBatch = 500;

/**
 * Records single events of many callers, together where they come at the same time: while one batch of a topic is
 * under way, the next gathers.
 */
export class Recorder {
  private readonly waiting = new Map<string, Waiting[]>();
  private readonly running = new Set<string>();

  /** `onRecorded` is told the ledger's new end as soon as a batch is in. */
  constructor(
    private readonly ledger: Pick<Ledger, "record">,
    private readonly rememberMs: (topic: string) => number,
    private readonly onRecorded: (topic: string, last: string) => void,
  ) {}

  /** Resolves when the ledger has the event; rejects with the ledger's error. */
  record(topic: string, event: RecordableEvent): Promise<Recorded> {
    return new Promise((resolve, reject) => {
      const waiting = this.waiting.get(topic) ?? [];
      waiting.push({ event, resolve, reject });
      this.waiting.set(topic, waiting);
      if (!this.running.has(topic)) void this.drain(topic);
    });
  }

  private async drain(topic: string): Promise<void> {
    this.running.add(topic);
    for (;;) {
      const batch = this.waiting.get(topic)?.splice(0, maxBatch) ?? [];
      if (batch.length === 0) break;
      await this.recordBatch(topic, batch);
    }
    this.running.delete(topic);
  }

  private async recordBatch(topic: string, batch: readonly Waiting[]): Promise<void> {
    try {
      const events = batch.map(({ event }) => event);
      const recorded = await this.ledger.record(topic, events, { rememberMs: this.rememberMs(topic) });
      for (const [index, { resolve }] of batch.entries()) resolve(recorded[index]!);
      const last = recorded.findLast(({ status }) => status === "new");
      if (last !== undefined) this.onRecorded(topic, last.ledgerId);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
