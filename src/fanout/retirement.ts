import type { Redis } from "ioredis";
import { HmsSyncError } from "../errors.js";
import { replayOf } from "../redis/keys.js";
import { archiveLines } from "./archive.js";
import { DeliveryRecords, type DeliveryScripts } from "./delivery-records.js";
import type { LeavingConsumers } from "./leaving.js";
import { LeftDelivery } from "./left-delivery.js";
import { Tickets } from "./tickets.js";
import type { FanoutLog, LedgerReader, Subscription } from "./types.js";

export interface RetirementParts {
  readonly redis: Redis;
  /** Connection that all BullMQ queues share. */
  readonly queueConnection: Redis;
  readonly scripts: DeliveryScripts;
  readonly ledger: LedgerReader;
  readonly leaving: LeavingConsumers;
  /** Whom the registry has right now. */
  readonly subscriptions: () => readonly Pick<Subscription, "consumer" | "topic">[];
  /** Rejects with `registry_mismatch` while another registry than this sidecar's is in force. */
  readonly confirmRegistry: () => Promise<void>;
  readonly log: FanoutLog;
}

/** What a consumer has left of one topic. `owed` counts events too that it would be skipped over. */
export interface Left {
  readonly topic: string;
  readonly owed: number;
  readonly dead: number;
}

/**
 * Takes leave of consumers that the registry has no longer. Rejects with `still_a_consumer` (409) while the registry
 * lists it, and with `unknown_consumer` (404) when nothing of it is left; `topic` restricts all to one topic.
 */
export class Retirement {
  constructor(private readonly parts: RetirementParts) {}

  /** What is left of it, by topic. */
  async left(consumer: string, topic?: string): Promise<Left[]> {
    await this.parts.confirmRegistry();
    const all = await this.parts.leaving.list(this.parts.subscriptions());
    const left = all.filter((each) => each.consumer === consumer && each.topic === (topic ?? each.topic));
    if (left.length === 0) throw this.nothingLeft(consumer, topic);
    return left.map(({ topic: name, owed, counts }) => ({ topic: name, owed, dead: counts.dead }));
  }

  /** The lines of its archive (see archive.ts); changes nothing. */
  async archive(consumer: string, topic?: string): Promise<AsyncIterable<Buffer>> {
    const { redis, ledger } = this.parts;
    const left = await this.left(consumer, topic);
    return archiveLines(left.map((each) => new LeftDelivery(redis, ledger, consumer, each.topic)));
  }

  /**
   * Removes all that is left of it, for good, its hold on the ledger last; what breaks off half-way is finished by the
   * next call. Resolves to what was removed.
   */
  async retire(consumer: string, topic?: string): Promise<Left[]> {
    const left = await this.left(consumer, topic);
    for (const { topic: name, owed, dead } of left) {
      await this.retireOf(consumer, name);
      this.parts.log.info("consumer was retired", { consumer, topic: name, owed, dead });
    }
    return left;
  }

  private async retireOf(consumer: string, topic: string): Promise<void> {
    const { redis, scripts, ledger, queueConnection, log } = this.parts;
    const records = new DeliveryRecords(redis, scripts, consumer, topic);
    this.checkGone(consumer, topic);
    await records.beginRetiring();
    const tickets = new Tickets(queueConnection, consumer, topic, (error) =>
      log.error("queue error", { consumer, topic, error: String(error) }),
    );
    try {
      await tickets.ready();
      await tickets.obliterate();
    } finally {
      await tickets.close();
    }
    await records.remove();
    // Put back meanwhile, it is a newcomer, and the floor is its own.
    this.checkGone(consumer, topic);
    for (const holder of await ledger.holders(topic))
      if (replayOf(consumer, holder) !== undefined) await ledger.dropFloor(topic, holder);
    await ledger.dropFloor(topic, consumer);
  }

  private checkGone(consumer: string, topic: string): void {
    if (this.consumes(consumer, topic)) throw stillConsumer(consumer, [topic]);
  }

  private consumes(consumer: string, topic: string): boolean {
    return this.parts.subscriptions().some((each) => each.consumer === consumer && each.topic === topic);
  }

  private nothingLeft(consumer: string, topic: string | undefined): HmsSyncError {
    const consumed = this.parts
      .subscriptions()
      .filter((each) => each.consumer === consumer && each.topic === (topic ?? each.topic));
    if (consumed.length > 0)
      return stillConsumer(
        consumer,
        consumed.map((each) => each.topic),
      );
    const of = topic === undefined ? "any topic" : `"${topic.slice(0, 100)}"`;
    return new HmsSyncError(
      "unknown_consumer",
      `"${consumer.slice(0, 100)}" is no consumer of ${of} and nothing is left of it; hms-sync status lists who was taken out and is not retired`,
      { status: 404 },
    );
  }
}

function stillConsumer(consumer: string, topics: readonly string[]): HmsSyncError {
  const where = topics.map((topic) => `${topic}: consumers`).join(", ");
  return new HmsSyncError(
    "still_a_consumer",
    `topics.yaml lists ${consumer} under ${where}; take it out there first, then retire it`,
    { status: 409 },
  );
}
