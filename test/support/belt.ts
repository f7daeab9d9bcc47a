import { createHash, randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { DeliveryQueue } from "../../src/fanout/delivery-queue.js";
import {
  DeliveryRecords,
  type DeliveryScripts,
  loadDeliveryScripts,
} from "../../src/fanout/delivery-records.js";
import { Tickets } from "../../src/fanout/tickets.js";
import type { DeliveryPolicy, Subscription, Waker } from "../../src/fanout/types.js";
import type { RecordableEvent } from "../../src/ledger/ledger.js";
import { type LedgerScripts, StreamLedger } from "../../src/ledger/stream-ledger.js";
import { deliveryKeys, queueName, queuePrefix } from "../../src/redis/keys.js";
import type { Life } from "./mortal.js";

export const policy: DeliveryPolicy = {
  start: "window",
  ackWaitMs: 30_000,
  maxDeliver: 20,
  backoffMs: [1_000, 5_000, 30_000],
  run: 500,
  order: "none",
};

/** The parts of one sidecar between ledger and gateway, on a real Redis, without its timers. */
export interface Belt {
  readonly redis: Redis;
  readonly ledger: StreamLedger;
  queue(
    consumer: string,
    overrides?: Partial<DeliveryPolicy>,
    subscription?: Partial<Subscription>,
  ): Promise<DeliveryQueue>;
  records(consumer: string): DeliveryRecords;
  /** Records `count` events and tells `queues`. Resolves to the payload numbers. */
  publish(count: number, ...queues: DeliveryQueue[]): Promise<number[]>;
  /** Lets time pass for the deadlines and delays of one consumer: what was due in `ms` is due now. */
  pass(consumer: string, ms: number): Promise<void>;
  close(): Promise<void>;
}

export const topic = "inspections.status";
let published = 0;

export function event(n: number): RecordableEvent {
  const text = `{"topic":"${topic}","version":1,"payload":{"n":${n}},"id":"e${n}"}`;
  return {
    id: `e${n}`,
    source: "test",
    systems: "test",
    text,
    digest: createHash("sha256").update(text).digest("base64url").slice(0, 22),
  };
}

/** An event with an ordering key, as the bus writes its envelope. */
export function keyedEvent(n: number, key: string): RecordableEvent {
  const text = `{"topic":"${topic}","version":1,"payload":{"n":${n}},"id":"e${n}","time":"2024-04-23T15:02:11Z","subject":${JSON.stringify(key)}}`;
  return { ...event(n), text };
}

/** An event that came from the first of the systems, and to it through the others. */
export function eventThrough(systems: string, n: number): RecordableEvent {
  return { ...event(n), systems };
}

/** The number in the envelope that `event` made. */
export function numberIn(body: Buffer): number {
  return Number(/"n":(\d+)/.exec(body.toString("utf8"))?.[1]);
}

export const silent = { info() {}, warn() {}, error() {} };

export interface BeltOptions {
  /** When and how this sidecar dies. */
  readonly life?: Life;
  readonly ledgerScripts?: LedgerScripts;
  readonly scripts?: DeliveryScripts;
  readonly waker?: Waker;
  readonly errors?: string[];
}

export function belt(url: string, options: BeltOptions = {}): Belt {
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  const queueConnection = new Redis(url, { maxRetriesPerRequest: null });
  options.life?.bind(redis);
  options.life?.bind(queueConnection);
  const ledger = new StreamLedger(redis, options.ledgerScripts);
  const scripts = options.scripts ?? loadDeliveryScripts();
  const open: DeliveryQueue[] = [];
  const log = {
    ...silent,
    error: (message: string, fields?: object) => options.errors?.push(`${message} ${JSON.stringify(fields)}`),
  };
  return {
    redis,
    ledger,
    records: (consumer) => new DeliveryRecords(redis, scripts, consumer, topic),
    async queue(consumer, overrides = {}, subscription = {}) {
      const parts = {
        consumer,
        topic,
        records: new DeliveryRecords(redis, scripts, consumer, topic),
        tickets: new Tickets(queueConnection, consumer, topic, (error) =>
          options.errors?.push(String(error)),
        ),
        ledger,
        waker: options.waker ?? { alone: true, wakeElsewhere() {} },
        mayServe: () => true,
        mayJoin: async () => true,
        log,
      };
      const queue = new DeliveryQueue(parts, {
        ...subscriptionOf(consumer, { ...policy, ...overrides }),
        ...subscription,
      });
      open.push(queue);
      await queue.open();
      return queue;
    },
    async publish(count, ...queues) {
      const numbers = Array.from({ length: count }, () => ++published);
      const recorded = await ledger.record(topic, numbers.map(event), { rememberMs: 3_600_000 });
      for (const queue of queues) queue.recorded(recorded.at(-1)!.ledgerId);
      return numbers;
    },
    async pass(consumer, ms) {
      await passTime(redis, consumer, ms);
      // The queues' own timers would have fired as well.
      for (const queue of open) if (queue.consumer === consumer) queue.wakeOne();
    },
    async close() {
      if (options.life?.dead !== true) for (const queue of open) await queue.close();
      redis.disconnect();
      queueConnection.disconnect();
    },
  };
}

/** A subscription to the test's topic that takes every event as it is. */
export function subscriptionOf(consumer: string, policy: DeliveryPolicy): Subscription {
  const view = { wants: () => true, present: (envelope: Buffer) => envelope };
  return { consumer, topic, policy, currentVersion: 1, view: () => view };
}

/** A consumer name of its own per test, so that tests can share a server. */
export function freshName(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`;
}

/**
 * Time is mocked by moving what is stored: deadlines and delays of the records, and the delayed jobs of the queue,
 * come `ms` nearer. (Redis TIME itself cannot be moved.)
 */
export async function passTime(redis: Redis, consumer: string, ms: number): Promise<void> {
  const keys = deliveryKeys(consumer, topic);
  for (const id of await redis.zrange(keys.open, "0", "-1")) {
    const key = `${keys.prefix}run:${id}`;
    const [deadline, due, deadlines] = await redis.hmget(key, "deadline", "due", "deadlines");
    if (deadline) await redis.hset(key, "deadline", Number(deadline) - ms);
    if (due && due !== "0") await redis.hset(key, "due", Number(due) - ms);
    const own = deadlines?.match(/\d{13}/g) ?? [];
    if (own.length > 0) {
      await redis.hset(
        key,
        "deadlines",
        own.map((value) => String(Number(value) - ms).padStart(13, "0")).join(""),
      );
    }
    for (const scheduled of [keys.schedule, keys.delayed])
      if ((await redis.zscore(scheduled, id)) !== null) await redis.zincrby(scheduled, -ms, id);
  }
  for (const [ticket, due] of Object.entries(await redis.hgetall(keys.pending))) {
    if (due !== "0") await redis.hset(keys.pending, ticket, Number(due) - ms);
  }
  const delayed = `${queuePrefix}:${queueName(consumer, topic)}:delayed`;
  // BullMQ keeps a delayed job's time in the upper bits of its score.
  for (const job of await redis.zrange(delayed, "0", "-1")) await redis.zincrby(delayed, -ms * 0x1000, job);
}
