import type { Redis } from "ioredis";
import { isReplay, knownTopicsKey } from "../redis/keys.js";
import { type DeliveryCounts, DeliveryRecords, type DeliveryScripts } from "./delivery-records.js";
import type { Subscription } from "./types.js";

/** A (consumer, topic) that the registry has no longer, and what it is still owed. */
export interface LeavingDelivery {
  readonly consumer: string;
  readonly topic: string;
  readonly counts: DeliveryCounts;
  /** Events recorded and not settled, those included that it would be skipped over. */
  readonly owed: number;
}

/**
 * Consumers that were taken out of the registry. Their trim floors stand, so the ledger keeps what they are owed until
 * they are put back or retired.
 */
export class LeavingConsumers {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: DeliveryScripts,
    private readonly ledger: {
      /** Who holds the topic's ledger. */
      holders(topic: string): Promise<readonly string[]>;
      tail(topic: string): Promise<{ total: number }>;
    },
  ) {}

  /** Remembers the topics, so that what one of them leaves behind is found when it is taken out itself. */
  async remember(topics: readonly string[]): Promise<void> {
    if (topics.length > 0) await this.redis.sadd(knownTopicsKey, ...topics);
  }

  /** All that is owed to nobody of `subscriptions`. */
  async list(subscriptions: readonly Pick<Subscription, "consumer" | "topic">[]): Promise<LeavingDelivery[]> {
    const served = new Set(subscriptions.map(({ consumer, topic }) => `${consumer}/${topic}`));
    const topics = await this.redis.smembers(knownTopicsKey);
    const left = await Promise.all(
      topics.map(async (topic) => {
        const holders = await this.ledger.holders(topic);
        return holders
          .filter((holder) => !isReplay(holder))
          .filter((consumer) => !served.has(`${consumer}/${topic}`))
          .map((consumer) => ({ consumer, topic }));
      }),
    );
    return await Promise.all(left.flat().map(({ consumer, topic }) => this.look(consumer, topic)));
  }

  private async look(consumer: string, topic: string): Promise<LeavingDelivery> {
    const [counts, { total }] = await Promise.all([
      new DeliveryRecords(this.redis, this.scripts, consumer, topic).counts(),
      this.ledger.tail(topic),
    ]);
    // Without a cursor its retirement broke off, and what was never cut is not owed any more.
    const uncut = counts.joined ? Math.max(0, total - counts.ordinal) : 0;
    return { consumer, topic, counts, owed: counts.open + uncut };
  }
}
