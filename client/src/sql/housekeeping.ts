import type { OnceRecord, OnceScope, OnceStore } from "./once-store.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Events flow for so long before anything is pruned. */
const SETTLING_MS = 10 * MINUTE_MS;
/** A pause from which on the flow begins anew: half of what a record lives at least. */
const PAUSE_MS = 12 * HOUR_MS;
/** How far clocks of adapters on the same database may differ. */
const SKEW_MS = HOUR_MS;
/** One event of so many prunes; each prunes some hundred records. */
const EVERY = 50;

/**
 * Decides when records are pruned. After a pause, of this program or of the bus, the first events are those whose acks
 * were lost in it; their records may be past their time and are needed once more. So nothing is pruned until events
 * of that topic have come for ten minutes.
 */
export class Housekeeping {
  private readonly flows = new Map<string, { since: number; last: number }>();

  constructor(private readonly random: () => number = Math.random) {}

  /** Notes that an event of that topic is at work. */
  note({ consumer, topic }: OnceScope, now: number): void {
    const name = `${consumer} ${topic}`;
    const flow = this.flows.get(name);
    if (flow === undefined || now - flow.last > PAUSE_MS) this.flows.set(name, { since: now, last: now });
    else flow.last = now;
  }

  /** Prunes, in the transaction of `store`, when it is time. */
  async tidy(store: OnceStore, record: OnceRecord, now: number): Promise<void> {
    const flow = this.flows.get(`${record.consumer} ${record.topic}`);
    if (flow === undefined || now - flow.since < SETTLING_MS || this.random() >= 1 / EVERY) return;
    const { consumer, topic } = record;
    await store.prune(new Date(now - SKEW_MS), { consumer, topic });
  }
}
