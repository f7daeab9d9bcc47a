import type { Redis } from "ioredis";
import type { LedgerId } from "../redis/ledger-id.js";
import { DeliveryQueue } from "./delivery-queue.js";
import { DeliveryRecords, loadDeliveryScripts } from "./delivery-records.js";
import { countRemoved, type RemovedEvents } from "./removed-events.js";
import { Tickets } from "./tickets.js";
import type { FanoutLog, LedgerReader, Subscription, Waker } from "./types.js";

export interface FanoutParts {
  readonly redis: Redis;
  /** Connection that all BullMQ queues share. */
  readonly queueConnection: Redis;
  readonly ledger: LedgerReader;
  readonly waker: Waker;
  /** False while another registry than this sidecar's is in force: nothing is cut or handed out. */
  readonly mayServe: () => boolean;
  /** The same, asked of Redis: before a newcomer joins. */
  readonly mayJoin: () => Promise<boolean>;
  readonly log: FanoutLog;
}

const sweepMs = 2_000;
const auditMs = 30_000;

/** All delivery queues of a sidecar, and the periodic work that lets any sidecar repair what another left. */
export class Fanout {
  private readonly queues = new Map<string, DeliveryQueue>();
  private readonly records = new Map<DeliveryQueue, DeliveryRecords>();
  /** The end of the ledger up to which no event of the queue was missing. */
  private readonly complete = new Map<DeliveryQueue, LedgerId>();
  private byTopic = new Map<string, DeliveryQueue[]>();
  private readonly scripts = loadDeliveryScripts();
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly periodic = new Set<Promise<void>>();
  private sweeping = false;

  constructor(
    private readonly parts: FanoutParts,
    subscriptions: readonly Subscription[],
  ) {
    for (const subscription of subscriptions) this.add(subscription);
  }

  /** Opens every queue, then keeps sweeping and auditing until `close`. */
  async start(): Promise<void> {
    for (const queue of this.queues.values()) await queue.open();
    this.every(sweepMs, () => this.sweepAll());
    this.every(auditMs, () => this.auditAll());
  }

  /**
   * Serves these subscriptions instead, from this turn on. Resolves when newcomers are opened and those taken out are
   * closed; what such a consumer is owed stays as it is. An opening that fails is repeated by the sweep.
   */
  async replace(subscriptions: readonly Subscription[]): Promise<void> {
    const wanted = new Set(subscriptions.map(keyOf));
    const leaving = [...this.queues].filter(([key]) => !wanted.has(key));
    for (const [key, queue] of leaving) {
      this.queues.delete(key);
      this.records.delete(queue);
      this.complete.delete(queue);
    }
    const work: Promise<void>[] = leaving.map(([, queue]) => queue.close());
    for (const subscription of subscriptions) {
      const queue = this.queues.get(keyOf(subscription));
      work.push(queue === undefined ? this.add(subscription).open() : queue.update(subscription));
    }
    this.byTopic = byTopicOf(this.queues.values());
    for (const { status, reason } of (await Promise.allSettled(work)) as PromiseRejectedResult[]) {
      if (status === "rejected")
        this.parts.log.error("a consumer is not served yet; the sweep tries again", {
          error: String(reason),
        });
    }
  }

  /** The ledger has new events of the topic up to `last`. */
  recorded(topic: string, last: LedgerId): void {
    for (const queue of this.byTopic.get(topic) ?? []) queue.recorded(last);
  }

  /** The topic's ledger lost what came after `end`. */
  ledgerWentBack(topic: string, end: LedgerId): void {
    for (const queue of this.byTopic.get(topic) ?? []) queue.ledgerWentBack(end);
  }

  queue(consumer: string, topic: string): DeliveryQueue | undefined {
    return this.queues.get(keyOf({ consumer, topic }));
  }

  all(): readonly DeliveryQueue[] {
    return [...this.queues.values()];
  }

  /** What was taken out of the ledgers before it was cut, and no operator has acknowledged yet. */
  async removedEvents(): Promise<RemovedEvents[]> {
    const removed = await Promise.all(
      [...this.records].map(async ([{ consumer, topic }, records]) => ({
        ...{ consumer, topic },
        ...(await records.unseenRemoved()),
      })),
    );
    return removed.filter(({ count }) => count > 0);
  }

  /** An operator has seen these. */
  async acknowledgeRemoved(removed: readonly RemovedEvents[]): Promise<void> {
    for (const { consumer, topic, count } of removed) {
      const queue = this.queue(consumer, topic);
      if (queue !== undefined) await this.records.get(queue)?.acknowledgeRemoved(count);
    }
  }

  /** Another sidecar has work for a pull that waits here. */
  woken(consumer: string, topic: string): void {
    this.queue(consumer, topic)?.wakeOne();
  }

  async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await Promise.all(this.periodic);
    await Promise.all(this.all().map((queue) => queue.close()));
  }

  private add(subscription: Subscription): DeliveryQueue {
    const { consumer, topic } = subscription;
    const { redis, queueConnection, ledger, waker, mayServe, mayJoin, log } = this.parts;
    const records = new DeliveryRecords(redis, this.scripts, consumer, topic);
    const tickets = new Tickets(queueConnection, consumer, topic, (error) =>
      log.error("queue error", { consumer, topic, error: String(error) }),
    );
    const parts = { consumer, topic, records, tickets, ledger, waker, mayServe, mayJoin, log };
    const queue = new DeliveryQueue(parts, subscription);
    this.records.set(queue, records);
    this.queues.set(keyOf(subscription), queue);
    this.byTopic.set(topic, [...(this.byTopic.get(topic) ?? []), queue]);
    return queue;
  }

  private every(ms: number, work: () => Promise<void>): void {
    const timer = setInterval(() => {
      const done = work()
        .catch((error: unknown) =>
          this.parts.log.error("periodic delivery work failed", { error: String(error) }),
        )
        .finally(() => this.periodic.delete(done));
      this.periodic.add(done);
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
    if (!queue.opened) return await queue.open();
    await queue.sweep();
    queue.advanceTo(last);
    queue.wakeOne();
    await this.countRemoved(queue, last);
  }

  // An idle topic is not looked at again and again.
  private async countRemoved(queue: DeliveryQueue, last: LedgerId): Promise<void> {
    const records = this.records.get(queue);
    if (records === undefined || this.complete.get(queue) === last) return;
    const end = await countRemoved(queue, records, this.parts.ledger, this.parts.log);
    if (end === undefined) this.complete.delete(queue);
    else this.complete.set(queue, end);
  }

  private async auditAll(): Promise<void> {
    for (const queue of this.queues.values()) await queue.audit();
  }
}

function keyOf({ consumer, topic }: { consumer: string; topic: string }): string {
  return `${consumer}/${topic}`;
}

function byTopicOf(queues: Iterable<DeliveryQueue>): Map<string, DeliveryQueue[]> {
  const grouped = new Map<string, DeliveryQueue[]>();
  for (const queue of queues) grouped.set(queue.topic, [...(grouped.get(queue.topic) ?? []), queue]);
  return grouped;
}
