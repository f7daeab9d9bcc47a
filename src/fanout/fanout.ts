import type { Redis } from "ioredis";
import type { LedgerId } from "../redis/ledger-id.js";
import { DeliveryQueue } from "./delivery-queue.js";
import { DeliveryRecords, loadDeliveryScripts } from "./delivery-records.js";
import { Tickets } from "./tickets.js";
import type { DeliveryPolicy, FanoutLog, LedgerReader, Waker } from "./types.js";

export interface FanoutParts {
  readonly redis: Redis;
  /** Connection that all BullMQ queues share. */
  readonly queueConnection: Redis;
  readonly ledger: LedgerReader;
  readonly waker: Waker;
  readonly log: FanoutLog;
}

/** One delivery of the registry: this consumer is owed this topic. */
export interface Subscription {
  readonly consumer: string;
  readonly topic: string;
  readonly policy: DeliveryPolicy;
}

const sweepMs = 2_000;
const auditMs = 30_000;

/** All delivery queues of a sidecar, and the periodic work that lets any sidecar repair what another left. */
export class Fanout {
  private readonly queues = new Map<string, DeliveryQueue>();
  private readonly byTopic = new Map<string, DeliveryQueue[]>();
  private readonly timers: NodeJS.Timeout[] = [];
  private sweeping = false;

  constructor(
    private readonly parts: FanoutParts,
    subscriptions: readonly Subscription[],
  ) {
    const scripts = loadDeliveryScripts();
    for (const { consumer, topic, policy } of subscriptions) {
      const { redis, queueConnection, ledger, waker, log } = parts;
      const records = new DeliveryRecords(redis, scripts, consumer, topic);
      const tickets = new Tickets(queueConnection, consumer, topic, (error) =>
        log.error("queue error", { consumer, topic, error: String(error) }),
      );
      const queue = new DeliveryQueue({ consumer, topic, policy, records, tickets, ledger, waker, log });
      this.queues.set(`${consumer}/${topic}`, queue);
      this.byTopic.set(topic, [...(this.byTopic.get(topic) ?? []), queue]);
    }
  }

  /** Opens every queue, then keeps sweeping and auditing until `close`. */
  async start(): Promise<void> {
    for (const queue of this.queues.values()) await queue.open();
    this.every(sweepMs, () => this.sweepAll());
    this.every(auditMs, () => this.auditAll());
  }

  /** The ledger has new events of the topic up to `last`. */
  recorded(topic: string, last: LedgerId): void {
    for (const queue of this.byTopic.get(topic) ?? []) queue.recorded(last);
  }

  queue(consumer: string, topic: string): DeliveryQueue | undefined {
    return this.queues.get(`${consumer}/${topic}`);
  }

  all(): readonly DeliveryQueue[] {
    return [...this.queues.values()];
  }

  /** Another sidecar has work for a pull that waits here. */
  woken(consumer: string, topic: string): void {
    this.queue(consumer, topic)?.wakeOne();
  }

  async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await Promise.all(this.all().map((queue) => queue.close()));
  }

  private every(ms: number, work: () => Promise<void>): void {
    const timer = setInterval(() => {
      work().catch((error: unknown) =>
        this.parts.log.error("periodic delivery work failed", { error: String(error) }),
      );
    }, ms);
    timer.unref();
    this.timers.push(timer);
  }

  // Looking up the ledger's end as well heals a cursor that a sidecar left behind when it died before fan-out.
  private async sweepAll(): Promise<void> {
    if (this.sweeping) return;
    this.sweeping = true;
    try {
      for (const [topic, queues] of this.byTopic) {
        const { last } = await this.parts.ledger.tail(topic);
        await Promise.all(queues.map((queue) => this.lookAfter(queue, last)));
      }
    } finally {
      this.sweeping = false;
    }
  }

  private async lookAfter(queue: DeliveryQueue, last: LedgerId): Promise<void> {
    await queue.sweep();
    queue.recorded(last);
    queue.wakeOne();
  }

  private async auditAll(): Promise<void> {
    for (const queue of this.queues.values()) await queue.audit();
  }
}
