import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { archiveLines } from "../../../src/fanout/archive.js";
import type { DeliveryQueue } from "../../../src/fanout/delivery-queue.js";
import { loadDeliveryScripts } from "../../../src/fanout/delivery-records.js";
import { LeavingConsumers } from "../../../src/fanout/leaving.js";
import { LeftDelivery } from "../../../src/fanout/left-delivery.js";
import { Retirement } from "../../../src/fanout/retirement.js";
import { StreamLedger } from "../../../src/ledger/stream-ledger.js";
import { deliveryKeys, ledgerKeys } from "../../../src/redis/keys.js";
import { type Belt, belt, eventThrough, keyedEvent, numberIn, silent, topic } from "../../support/belt.js";
import { type Death, Life } from "../../support/mortal.js";
import { startRedis, type TestRedis } from "../../support/redis.js";

const consumer = "city-health";
let server: TestRedis;
let bus: Belt;
const never = new AbortController().signal;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  bus = belt(server.url);
  await bus.redis.flushall();
});
afterEach(() => bus.close());

/** The retirement of one sidecar, which dies as `life` says. `served`: the registry has the consumer. */
function retirement(other: Belt, options: { life?: Life; served?: () => boolean } = {}): Retirement {
  const queueConnection = other.redis.duplicate();
  options.life?.bind(queueConnection);
  const scripts = loadDeliveryScripts();
  const leaving = new LeavingConsumers(other.redis, scripts, other.ledger);
  closing.push(() => queueConnection.disconnect());
  return new Retirement({
    ...{ redis: other.redis, queueConnection, scripts, ledger: other.ledger, leaving, log: silent },
    subscriptions: () => (options.served?.() === true ? [{ consumer, topic }] : []),
    confirmRegistry: async () => {},
  });
}
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function settle(queue: DeliveryQueue, count: number, action: "ack" | "nack" | "term"): Promise<void> {
  const leases = await queue.pull(count, 5_000, never);
  const tokens = leases.flatMap(({ lease, indexes }) => indexes.map((index) => `${lease}.${index}`));
  expect(tokens).toHaveLength(count);
  await queue.settle(tokens.map((token) => ({ token, action, reason: "because" })));
}

/** Events acked, dead, delayed one by one, leased, waiting, and behind the cursor; resolves to how many are left. */
async function workedOn(each: number): Promise<{ owed: number; dead: number }> {
  await bus.redis.sadd("hms-sync:topics", topic);
  const queue = await bus.queue(consumer, { run: 500 });
  for (const [count, action] of [
    [5, "ack"],
    [3, "term"],
    [each, "nack"],
  ] as const) {
    await bus.publish(count, queue);
    await settle(queue, count, action);
  }
  await bus.publish(7, queue);
  expect(await queue.pull(4, 5_000, never)).not.toEqual([]);
  await bus.publish(11, queue);
  await queue.sweep();
  await queue.close();
  await bus.publish(13);
  return { owed: each + 7 + 11 + 13, dead: 3 };
}

async function archived(
  ledger = bus.ledger,
): Promise<{ kind: string; ledger_id?: string; id?: string; envelope: object | null }[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of archiveLines([new LeftDelivery(bus.redis, ledger, consumer, topic)])) {
    chunks.push(chunk);
  }
  const lines = Buffer.concat(chunks).toString().trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}

/** Keys of the consumer in Redis; those that end by themselves do not count. */
async function keysLeft(): Promise<string[]> {
  const keys = await bus.redis.keys(`*{${consumer}/${topic}}*`);
  const lasting = await Promise.all(keys.map(async (key) => [key, await bus.redis.pttl(key)] as const));
  return lasting.filter(([, ttl]) => ttl === -1).map(([key]) => key);
}

const floors = () => bus.redis.hkeys(ledgerKeys(topic).floors);

test("the archive has every event owed once, in whatever state it is, and every dead letter, with its envelope", async () => {
  const { owed, dead } = await workedOn(450);
  const ledger = await bus.redis.xrange(ledgerKeys(topic).stream, "-", "+");
  const lines = await archived();
  expect(lines.at(-1)).toEqual({ kind: "end", owed, dead });
  const expected = new Map(ledger.slice(8).map(([id, [, envelope]]) => [id, JSON.parse(envelope!)]));
  const got = lines.filter(({ kind }) => kind === "owed");
  expect(new Map(got.map(({ ledger_id, envelope }) => [ledger_id, envelope]))).toEqual(expected);
  expect(got).toHaveLength(expected.size);
  const letters = lines.filter(({ kind }) => kind === "dead");
  expect(letters).toHaveLength(dead);
  expect(letters.map(({ envelope }) => envelope)).toEqual(
    expect.arrayContaining(ledger.slice(5, 8).map(([, [, envelope]]) => JSON.parse(envelope!))),
  );
  expect(letters[0]).toMatchObject({ topic, reason: "because", attempts: 1 });
});

test("events that came through the consumer are not in its archive", async () => {
  const queue = await bus.queue(consumer);
  await bus.ledger.record(
    topic,
    [eventThrough(`hms-api,${consumer}`, 9_001), eventThrough("hms-api", 9_002)],
    {
      rememberMs: 60_000,
    },
  );
  await queue.close();
  expect((await archived()).map(({ kind, envelope }) => [kind, envelope])).toMatchObject([
    ["owed", { id: "e9002" }],
    ["end", undefined],
  ]);
});

test("with order by key, events that wait for an earlier one of their key are in the archive", async () => {
  const queue = await bus.queue(consumer, { order: "key" });
  const events = Array.from({ length: 60 }, (_, n) => keyedEvent(9_100 + n, `key ${n % 3}`));
  const recorded = await bus.ledger.record(topic, events, { rememberMs: 60_000 });
  queue.recorded(recorded.at(-1)!.ledgerId);
  await settle(queue, 3, "ack");
  expect((await queue.counts()).parked).toBeGreaterThan(40);
  await queue.close();
  const lines = await archived();
  expect(lines.at(-1)).toEqual({ kind: "end", owed: 57, dead: 0 });
  const ids = lines.slice(0, -1).map(({ ledger_id }) => ledger_id);
  expect(new Set(ids)).toEqual(new Set(recorded.slice(3).map(({ ledgerId }) => ledgerId)));
  const before = { order: await keysLeft() };
  expect(before.order).toContain(`hms-sync:delivery:{${consumer}/${topic}}:parked`);
  await bus.redis.sadd("hms-sync:topics", topic);
  await retirement(bus).retire(consumer);
  expect(await keysLeft()).toEqual([]);
});

test("a redriven event is archived from its own copy", async () => {
  const queue = await bus.queue(consumer);
  await bus.publish(1, queue);
  await settle(queue, 1, "term");
  await queue.sweep();
  const [letter] = await queue.deadLetters(1);
  await queue.redrive([letter!.id]);
  await queue.close();
  const lines = await archived();
  expect(lines).toMatchObject([
    { kind: "owed", envelope: JSON.parse(letter!.envelope) },
    { owed: 1, dead: 0 },
  ]);
  expect(lines[0]).not.toHaveProperty("ledger_id");
});

test("an event that somebody removed from the ledger by hand is in the archive as missing", async () => {
  const queue = await bus.queue(consumer);
  await bus.publish(1, queue);
  expect(await queue.pull(1, 5_000, never)).toHaveLength(1);
  await queue.close();
  await bus.redis.xtrim(ledgerKeys(topic).stream, "MAXLEN", 0);
  const read = await archived(new StreamLedger(bus.redis)); // one that has it not in memory
  expect(read[0]).toMatchObject({ kind: "owed", envelope: null, missing: expect.any(String) });
});

test("an archive over which the deliveries are worked on has no end", async () => {
  const queue = await bus.queue(consumer);
  await bus.publish(3, queue);
  const [lease] = await queue.pull(3, 5_000, never);
  const lines = archiveLines([new LeftDelivery(bus.redis, bus.ledger, consumer, topic)]);
  await lines.next();
  await queue.settle([{ token: `${lease!.lease}.0`, action: "ack" }]);
  await expect(lines.next()).rejects.toMatchObject({ code: "archive_changed" });
});

test("retired, nothing of it is in Redis and the ledger is free", async () => {
  const left = await workedOn(450);
  expect(await bus.ledger.trim(topic, Date.now() + 60_000, [])).toBeLessThan(20);
  expect(await retirement(bus).retire(consumer)).toEqual([{ topic, ...left }]);
  expect(await keysLeft()).toEqual([]);
  expect(await floors()).toEqual([]);
  await bus.ledger.trim(topic, Date.now() + 60_000, []);
  expect((await bus.ledger.tail(topic)).kept).toBe(0);
  await expect(retirement(bus).retire(consumer)).rejects.toMatchObject({ code: "unknown_consumer" });
});

// Each command of a retirement in turn is the last one, carried out or not.
test.each([true, false])(
  "a sidecar that dies over a retirement leaves it to the next call (last command carried out: %s)",
  { timeout: 120_000 },
  async (executed) => {
    for (let atCommand = 1; ; atCommand++) {
      await bus.redis.flushall();
      await workedOn(220);
      if (await diesRetiring({ atCommand, executed })) break;
      const held = (await floors()).length > 0;
      if (held) await retirement(bus).retire(consumer);
      expect([atCommand, await keysLeft(), await floors()]).toEqual([atCommand, [], []]);
      expect(atCommand).toBeLessThan(200);
    }
  },
);

/** Resolves to whether the retirement came to its end before the death. */
async function diesRetiring(death: Death): Promise<boolean> {
  const life = new Life(death);
  const mortal = belt(server.url, { life });
  const work = retirement(mortal, { life }).retire(consumer);
  const done = await life.unlessDead(work);
  await mortal.close();
  return done !== undefined;
}

test("put back after a retirement that broke off, it is a newcomer: the whole window once, nothing left over", {
  timeout: 120_000,
}, async () => {
  const { state } = deliveryKeys(consumer, topic);
  let brokenOff = 0;
  for (let atCommand = 1; ; atCommand++) {
    await bus.redis.flushall();
    await workedOn(220);
    if (await diesRetiring({ atCommand, executed: true })) break;
    if ((await bus.redis.hexists(state, "retiring")) === 0) continue;
    brokenOff++;
    const queue = await bus.queue(consumer);
    const ledger = await bus.redis.xrangeBuffer(ledgerKeys(topic).stream, "-", "+");
    expect([atCommand, await everyPull(queue, ledger.length)]).toEqual([
      atCommand,
      ledger.map(([, fields]) => numberIn(fields![1]! as unknown as Buffer)),
    ]);
    expect((await queue.counts()).open).toBe(ledger.length);
    await queue.close();
  }
  expect(brokenOff).toBeGreaterThan(4);
});

/** Pulls until `count` events came, and then once more. */
async function everyPull(queue: DeliveryQueue, count: number): Promise<number[]> {
  const got: number[] = [];
  for (;;) {
    const leases = await queue.pull(500, got.length < count ? 5_000 : 20, never);
    if (leases.length === 0) return got;
    got.push(...leases.flatMap(({ bodies }) => bodies.map(numberIn)));
  }
}

test("put back while it is being retired, it is not retired further, and its floor stays", async () => {
  await workedOn(1);
  let asked = 0;
  const late = retirement(bus, { served: () => ++asked > 2 });
  await expect(late.retire(consumer)).rejects.toMatchObject({ code: "still_a_consumer" });
  expect(await floors()).toEqual([consumer]);
});

test("a token from before means nothing to the newcomer of the same name", async () => {
  await bus.redis.sadd("hms-sync:topics", topic);
  const before = await bus.queue(consumer);
  await bus.publish(2, before);
  const [old] = await before.pull(2, 5_000, never);
  await before.close();
  await retirement(bus).retire(consumer);
  const after = await bus.queue(consumer);
  const [lease] = await after.pull(2, 5_000, never);
  expect(lease!.lease).not.toBe(old!.lease);
  const late = { token: `${old!.lease}.0`, action: "ack" as const };
  expect(await after.settle([late])).toEqual([{ token: late.token, result: "unknown" }]);
  expect((await after.counts()).acked).toBe(0);
});
