import { expect, test } from "vitest";
import type { DeliveryQueue } from "../../../src/fanout/delivery-queue.js";
import { loadDeliveryScripts } from "../../../src/fanout/delivery-records.js";
import { LeavingConsumers } from "../../../src/fanout/leaving.js";
import { Retirement } from "../../../src/fanout/retirement.js";
import type { Lease, SettleAction } from "../../../src/fanout/types.js";
import { ledgerKeys } from "../../../src/redis/keys.js";
import { justBefore } from "../../../src/redis/ledger-id.js";
import {
  type Belt,
  belt,
  event,
  eventThrough,
  keyedEvent,
  numberIn,
  policy,
  silent,
  subscriptionOf,
  topic,
} from "../../support/belt.js";
import { eachOnABelt } from "../../support/belt-tests.js";
import { eventually } from "../../support/eventually.js";
import { type Death, Life } from "../../support/mortal.js";
import type { TestRedis } from "../../support/redis.js";

const consumer = "city-health";
let server: TestRedis;
let bus: Belt;
let errors: string[];
const never = new AbortController().signal;
const everything = { from: "0-0", redo: false };

eachOnABelt((given) => {
  ({ server, bus, errors } = given);
});

const numbers = (leases: readonly Lease[]) => leases.flatMap(({ bodies }) => bodies.map(numberIn));
const tokens = (leases: readonly Lease[]) =>
  leases.flatMap(({ lease, indexes }) => indexes.map((index) => `${lease}.${index}`));

async function settle(queue: DeliveryQueue, leases: readonly Lease[], action: SettleAction): Promise<void> {
  const asked = tokens(leases).map((token) => ({ token, action, delayMs: 0, reason: "because" }));
  const settled = await queue.settle(asked);
  expect(settled.map(({ result }) => result)).toEqual(asked.map(() => "ok"));
}

/** All that can be had now, each lease settled as it comes unless told otherwise. */
async function pullAll(queue: DeliveryQueue, action: SettleAction | "keep" = "ack"): Promise<Lease[]> {
  const leases: Lease[] = [];
  for (let quiet = 0; quiet < 2; ) {
    await queue.catchUp();
    await queue.sweep();
    const more = await queue.pull(500, 50, never);
    if (action !== "keep") await settle(queue, more, action);
    leases.push(...more);
    quiet = more.length === 0 ? quiet + 1 : 0;
  }
  return leases;
}

const isOver = async (queue: DeliveryQueue) => (await queue.counts()).replay === undefined;

test("a replay brings the window again in ledger order, marked, and counts it as owed and acked", async () => {
  const queue = await bus.queue(consumer, { run: 4 });
  const sent = await bus.publish(10, queue);
  expect(numbers(await pullAll(queue))).toEqual(sent);
  const begun = await queue.replay(everything);
  expect(begun).toMatchObject({ count: 10 });
  const again = await pullAll(queue);
  expect(numbers(again)).toEqual(sent);
  expect(again.every(({ replayed, redo, attempt }) => replayed && redo === undefined && attempt === 1)).toBe(
    true,
  );
  expect(await queue.counts()).toMatchObject({ open: 0, acked: 20, replayed: 0, ordinal: 10 });
  expect(await isOver(queue)).toBe(true);
  expect(numbers(await pullAll(queue))).toEqual([]);
});

/** Ledger ids of all that was recorded. */
const ledgerIds = async () => (await bus.redis.xrange(ledgerKeys(topic).stream, "-", "+")).map(([id]) => id);
const floors = () => bus.redis.hgetall(ledgerKeys(topic).floors);
const kept = async () => (await bus.ledger.tail(topic)).kept;
const trimAll = () => bus.ledger.trim(topic, Date.now() + 3_600_000, [consumer]);

test("only the window is replayed: after `from`, up to `until`, and never what the consumer has not been handed", async () => {
  const queue = await bus.queue(consumer);
  const sent = await bus.publish(6, queue);
  await pullAll(queue);
  const ids = await ledgerIds();
  expect(await queue.replay({ from: ids[1]!, until: ids[3]!, redo: false })).toMatchObject({
    ...{ count: 2, first: ids[2], last: ids[3] },
  });
  expect(numbers(await pullAll(queue))).toEqual(sent.slice(2, 4));
  expect(await queue.replay({ from: ids[3]!, until: `${Date.now() + 60_000}-0`, redo: false })).toMatchObject(
    {
      ...{ count: 2, first: ids[4], last: ids[5] },
    },
  );
  const live = await bus.publish(3, queue);
  const got = await pullAll(queue);
  expect(numbers(got.filter(({ replayed }) => replayed))).toEqual(sent.slice(4));
  expect(numbers(got.filter(({ replayed }) => !replayed))).toEqual(live);
});

test("a window without events is over at once", async () => {
  const queue = await bus.queue(consumer);
  await bus.publish(2, queue);
  await pullAll(queue);
  expect(await queue.replay({ from: `${Date.now() + 60_000}-0`, redo: false })).toMatchObject({ count: 0 });
  await eventually(() => isOver(queue));
  expect(await pullAll(queue)).toEqual([]);
});

test("a preview counts the window and begins nothing", async () => {
  const queue = await bus.queue(consumer);
  await bus.publish(4, queue);
  await pullAll(queue);
  const ids = await ledgerIds();
  expect(await queue.previewReplay({ from: ids[0]!, redo: false })).toEqual({
    count: 3,
    first: ids[1],
    last: ids[3],
  });
  expect(await queue.previewReplay({ from: ids[0]!, until: ids[2]!, redo: false })).toMatchObject({
    count: 2,
  });
  expect(await pullAll(queue)).toEqual([]);
  expect(Object.keys(await floors())).toEqual([consumer]);
});

test("what is live flows on beside a replay", async () => {
  const queue = await bus.queue(consumer, { run: 10 });
  await bus.publish(100, queue);
  await pullAll(queue);
  await queue.replay(everything);
  const before = await queue.pull(10, 5_000, never);
  expect(before.every(({ replayed }) => replayed)).toBe(true);
  const live = await bus.publish(1, queue);
  const next = [...(await queue.pull(10, 5_000, never)), ...(await queue.pull(10, 5_000, never))];
  expect(numbers(next.filter(({ replayed }) => !replayed))).toEqual(live);
  await settle(queue, [...before, ...next], "ack");
  await pullAll(queue);
  expect(await queue.counts()).toMatchObject({ open: 0, acked: 201 });
});

test("what is owed already when it begins is not replayed: it comes as it would have", async () => {
  const queue = await bus.queue(consumer, { run: 3 });
  const sent = await bus.publish(12, queue);
  const [acked] = await queue.pull(3, 5_000, never);
  await settle(queue, [acked!], "ack");
  await queue.catchUp();
  const [nacked] = await queue.pull(3, 5_000, never);
  const delayed = tokens([nacked!]).slice(1);
  await settle(queue, [{ ...nacked!, indexes: [0], bodies: nacked!.bodies.slice(0, 1) }], "ack");
  await queue.settle(delayed.map((token) => ({ token, action: "nack", delayMs: 60_000 })));
  await queue.catchUp();
  const [leased] = await queue.pull(2, 5_000, never);
  await queue.replay(everything);
  await bus.pass(consumer, 60_000);
  await settle(queue, [leased!], "release");
  const got = await pullAll(queue);
  const replayed = numbers(got.filter((lease) => lease.replayed));
  const live = numbers(got.filter((lease) => !lease.replayed));
  expect(replayed).toEqual(sent.slice(0, 4));
  expect(live.sort((a, b) => a - b)).toEqual(sent.slice(4));
  expect(await queue.counts()).toMatchObject({ open: 0, acked: 16 });
});

test("an event that became a dead letter is replayed from the ledger; its letter stays", async () => {
  const queue = await bus.queue(consumer);
  const sent = await bus.publish(2, queue);
  await settle(queue, await queue.pull(2, 5_000, never), "term");
  await eventually(async () => (await queue.counts()).dead === 2);
  await queue.replay(everything);
  expect(numbers(await pullAll(queue))).toEqual(sent);
  expect(await queue.counts()).toMatchObject({ open: 0, dead: 2, acked: 2 });
});

test("with redo every delivery names the replay: retries, and a dead letter that is redriven, too", async () => {
  const queue = await bus.queue(consumer, { maxDeliver: 2 });
  const [sent] = await bus.publish(1, queue);
  await pullAll(queue);
  const { replay } = await queue.replay({ from: "0-0", redo: true });
  const first = await queue.pull(1, 5_000, never);
  expect(first).toMatchObject([{ replayed: true, redo: replay, attempt: 1 }]);
  await settle(queue, first, "nack");
  const second = await queue.pull(1, 5_000, never);
  expect(second).toMatchObject([{ replayed: true, redo: replay, attempt: 2 }]);
  await settle(queue, second, "nack");
  await eventually(async () => (await queue.counts()).dead === 1);
  expect(await queue.counts()).toMatchObject({ open: 0, replayed: 0 });
  const [letter] = await queue.deadLetters(1);
  await queue.redrive([letter!.id]);
  expect(await queue.counts()).toMatchObject({ open: 1, replayed: 1 });
  const redriven = await queue.pull(1, 5_000, never);
  expect(redriven).toMatchObject([{ replayed: true, redo: replay, attempt: 1 }]);
  await settle(queue, redriven, "release");
  const released = await queue.pull(1, 5_000, never);
  expect(released).toMatchObject([{ redo: replay }]);
  expect(numbers(released)).toEqual([sent]);
  await settle(queue, released, "ack");
  expect(await queue.counts()).toMatchObject({ open: 0, replayed: 0, dead: 0 });
  const live = await bus.publish(1, queue);
  const after = await pullAll(queue);
  expect([numbers(after), after[0]!.redo, after[0]!.replayed]).toEqual([live, undefined, false]);
});

test("a lapsed run of a replay stays one, taken apart and divided as well", async () => {
  const queue = await bus.queue(consumer);
  const sent = await bus.publish(6, queue);
  await pullAll(queue);
  const { replay } = await queue.replay({ from: "0-0", redo: true });
  const divided = await queue.pull(2, 5_000, never);
  expect(numbers(divided)).toEqual(sent.slice(0, 2));
  for (let lapse = 0; lapse < 2; lapse++) {
    await bus.pass(consumer, 3_600_000);
    await queue.sweep();
    if (lapse === 0) expect(numbers(await queue.pull(4, 5_000, never))).not.toEqual([]);
  }
  const got: Lease[] = [];
  for (let round = 0; got.length < 6 && round < 20; round++) {
    await bus.pass(consumer, 3_600_000);
    await queue.sweep();
    const more = await queue.pull(1, 50, never);
    await settle(queue, more, "ack");
    got.push(...more);
  }
  expect(numbers(got).sort((a, b) => a - b)).toEqual(sent);
  expect(got.every((lease) => lease.replayed && lease.redo === replay)).toBe(true);
  expect(await queue.counts()).toMatchObject({ open: 0, replayed: 0 });
});

test("what came through the consumer, and what its filter passes over, is not replayed", async () => {
  const view = { wants: (body: Buffer) => numberIn(body) % 2 === 0, present: (body: Buffer) => body };
  const queue = await bus.queue(consumer, {}, { view: () => view });
  const events = [event(9_002), event(9_003), eventThrough(`x,${consumer}`, 9_004), event(9_006)];
  const recorded = await bus.ledger.record(topic, events, { rememberMs: 60_000 });
  queue.recorded(recorded.at(-1)!.ledgerId);
  expect(numbers(await pullAll(queue))).toEqual([9_002, 9_006]);
  await queue.replay(everything);
  expect(numbers(await pullAll(queue))).toEqual([9_002, 9_006]);
});

test("a file that changes over a replay counts from the next run on", async () => {
  const queue = await bus.queue(consumer, { run: 2 });
  const sent = await bus.publish(6, queue);
  await pullAll(queue);
  await queue.replay(everything);
  const first = await queue.pull(2, 5_000, never);
  // The second run may be cut already; it is presented as the new file says.
  const view = { wants: () => true, present: (body: Buffer) => Buffer.concat([body, Buffer.from(" ")]) };
  await queue.update({ ...subscriptionOf(consumer, { ...policy, run: 3 }), version: 2, view: () => view });
  await settle(queue, first, "ack");
  const rest = await pullAll(queue);
  expect(numbers([...first, ...rest])).toEqual(sent);
  expect(rest.flatMap(({ bodies }) => bodies).every((body) => body.toString().endsWith(" "))).toBe(true);
});

test("a second replay is refused while one runs, and after its end is not given what is still open of it", async () => {
  const queue = await bus.queue(consumer, { run: 2 });
  const sent = await bus.publish(5, queue);
  await pullAll(queue);
  const { replay } = await queue.replay(everything);
  await expect(queue.replay(everything)).rejects.toMatchObject({
    ...{ code: "replay_running", status: 409, details: { replay, of: 5 } },
  });
  const leases: Lease[] = [];
  while (numbers(leases).length < 5) leases.push(...(await queue.pull(2, 5_000, never)));
  expect((await queue.counts()).replay).toEqual({ replay, running: false, done: 0, of: 5 });
  await settle(queue, leases.slice(0, 1), "ack");
  expect((await queue.counts()).replay).toEqual({ replay, running: false, done: 2, of: 5 });
  await queue.replay(everything);
  expect(numbers(await pullAll(queue))).toEqual(sent.slice(0, 2));
  await settle(queue, leases.slice(1), "ack");
  expect(await queue.counts()).toMatchObject({ open: 0, acked: 12 });
});

test("cancelled, what is cut of it stays owed and nothing more comes", async () => {
  const queue = await bus.queue(consumer, { run: 2 });
  const sent = await bus.publish(7, queue);
  await pullAll(queue);
  await expect(queue.cancelReplay()).rejects.toMatchObject({ code: "no_replay", status: 404 });
  await queue.replay(everything);
  const first = await queue.pull(2, 5_000, never);
  await eventually(async () => (await queue.counts()).replayed === 4);
  expect(await queue.cancelReplay()).toMatchObject({ running: false, done: 0, of: 4 });
  await settle(queue, first, "ack");
  expect(numbers([...first, ...(await pullAll(queue))])).toEqual(sent.slice(0, 4));
  expect(await isOver(queue)).toBe(true);
  await expect(queue.cancelReplay()).rejects.toMatchObject({ code: "no_replay" });
  await queue.replay({ from: (await ledgerIds())[4]!, redo: false });
  expect(numbers(await pullAll(queue))).toEqual(sent.slice(5));
});

test("the ledger is not trimmed past a replay, nor past what it brought, and is free when that is settled", async () => {
  const queue = await bus.queue(consumer, { run: 2 });
  const sent: number[] = [];
  for (let each = 0; each < 6; each++) {
    const before = Date.now();
    await eventually(() => Date.now() > before, { everyMs: 1 });
    sent.push(...(await bus.publish(1, queue)));
  }
  await pullAll(queue);
  await queue.raiseFloor();
  const got: Lease[] = [];
  const { replay } = await queue.replay(everything);
  for (let round = 0; round < 3; round++) {
    await queue.raiseFloor();
    await trimAll();
    expect(await kept()).toBeGreaterThanOrEqual(6 - 2 * round);
    expect(Object.keys(await floors()).sort()).toEqual([consumer, `${consumer}#${replay}`]);
    const lease = await queue.pull(2, 5_000, never);
    if (round === 0) await settle(queue, lease, "ack");
    got.push(...lease);
  }
  expect(numbers(got)).toEqual(sent);
  await queue.raiseFloor();
  await trimAll();
  expect(await kept()).toBeGreaterThanOrEqual(4);
  expect((await queue.counts()).replay).toMatchObject({ running: false });
  await settle(queue, got.slice(1), "ack");
  await queue.raiseFloor();
  expect(Object.keys(await floors())).toEqual([consumer]);
  await trimAll();
  expect(await kept()).toBe(1);
});

test("the floor of a replay that never began, or was cancelled, is dropped", async () => {
  const queue = await bus.queue(consumer);
  await bus.publish(3, queue);
  await pullAll(queue);
  await bus.ledger.raiseFloor(topic, `${consumer}#gone`, "0-0");
  await bus.ledger.raiseFloor(topic, `${consumer}-2#other`, "0-0");
  await queue.raiseFloor();
  expect(Object.keys(await floors()).sort()).toEqual([consumer, `${consumer}-2#other`]);
});

test("a replay is a part of no list of consumers that left; retired, nothing of it stays", async () => {
  const queue = await bus.queue(consumer, { run: 3, order: "key" });
  const events = Array.from({ length: 30 }, (_, n) => keyedEvent(9_100 + n, `key ${n % 3}`));
  const recorded = await bus.ledger.record(topic, events, { rememberMs: 60_000 });
  queue.recorded(recorded.at(-1)!.ledgerId);
  await pullAll(queue);
  await queue.replay({ from: "0-0", redo: true });
  await queue.pull(3, 5_000, never);
  await eventually(async () => (await queue.counts()).parked > 0);
  await queue.close();
  await bus.redis.sadd("hms-sync:topics", topic);
  const scripts = loadDeliveryScripts();
  const leaving = new LeavingConsumers(bus.redis, scripts, bus.ledger);
  expect((await leaving.list([])).map((left) => left.consumer)).toEqual([consumer]);
  expect(await leaving.list([{ consumer, topic }])).toEqual([]);
  const queueConnection = bus.redis.duplicate();
  const retirement = new Retirement({
    ...{ redis: bus.redis, queueConnection, scripts, ledger: bus.ledger, leaving, log: silent },
    subscriptions: () => [],
    confirmRegistry: async () => {},
  });
  await retirement.retire(consumer);
  queueConnection.disconnect();
  const keys = await bus.redis.keys(`*{${consumer}/${topic}}*`);
  const lasting = await Promise.all(keys.map(async (key) => [key, await bus.redis.pttl(key)] as const));
  expect(lasting.filter(([, ttl]) => ttl === -1)).toEqual([]);
  expect(await floors()).toEqual({});
});

test("never more than max_in_flight of live and replayed events together are in flight", async () => {
  const queue = await bus.queue(consumer, { maxInFlight: 3 });
  await bus.publish(10, queue);
  await pullAll(queue);
  await queue.replay(everything);
  await bus.publish(5, queue);
  for (let settled = 0; settled < 15; ) {
    await queue.catchUp();
    const leases = await queue.pull(500, 1_000, never);
    const count = numbers(leases).length;
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThanOrEqual(3);
    await settle(queue, leases, "ack");
    settled += count;
  }
  expect(await queue.counts()).toMatchObject({ open: 0, acked: 25 });
});

/** Publishes an event for each name, `a1` being event 1 of key a. */
async function publishKeyed(queue: DeliveryQueue, names: readonly string[]): Promise<void> {
  const events = names.map((name) => ({ ...keyedEvent(Number(name.slice(1)), name[0]!), id: name }));
  const recorded = await bus.ledger.record(topic, events, { rememberMs: 3_600_000 });
  queue.recorded(recorded.at(-1)!.ledgerId);
}
const nameOf = (body: Buffer) => `${/"subject":"(.)"/.exec(body.toString())![1]}${numberIn(body)}`;
const named = (leases: readonly Lease[]) =>
  leases.flatMap(({ bodies, replayed }) => bodies.map((body) => nameOf(body) + (replayed ? "r" : "")));

test("with order by key, replayed and live events of a key take turns, the replayed ones in order", async () => {
  const queue = await bus.queue(consumer, { order: "key" });
  await publishKeyed(queue, ["a1", "b1", "a2", "a3"]);
  expect(named(await pullAll(queue))).toEqual(["a1", "b1", "a2", "a3"]);
  await publishKeyed(queue, ["a4"]);
  const live = await pullAll(queue, "keep");
  expect(named(live)).toEqual(["a4"]);
  await queue.replay({ from: "0-0", redo: true });
  const others = await pullAll(queue, "keep");
  expect(named(others)).toEqual(["b1r"]);
  await publishKeyed(queue, ["a5", "b2"]);
  expect(await pullAll(queue, "keep")).toEqual([]);
  await settle(queue, live, "ack");
  const order: string[] = [];
  for (let each = 0; each < 4; each++) {
    const one = await pullAll(queue, "keep");
    order.push(...named(one));
    expect(one).toHaveLength(1);
    expect(one[0]!.redo === undefined).toBe(!one[0]!.replayed);
    await settle(queue, one, "ack");
  }
  expect(order).toEqual(["a1r", "a2r", "a3r", "a5"]);
  await settle(queue, others, "ack");
  expect(named(await pullAll(queue))).toEqual(["b2"]);
  expect(await queue.counts()).toMatchObject({ open: 0, replayed: 0, parked: 0 });
  const left = await bus.redis.keys(`hms-sync:delivery:{${consumer}/*`);
  expect(
    left.filter((key) => /:(held|parked|freed|blocks|left|spared|replay_ready|run:.*)$/.test(key)),
  ).toEqual([]);
});

test("parked and freed events are owed already and not replayed", async () => {
  const queue = await bus.queue(consumer, { order: "key" });
  await publishKeyed(queue, ["a1", "b1", "a2", "a3", "b2", "c1"]);
  const first = await pullAll(queue, "keep");
  expect(named(first)).toEqual(["a1", "b1", "c1"]);
  await queue.settle([{ token: tokens(first)[2]!, action: "ack" }]);
  await queue.settle([{ token: tokens(first)[0]!, action: "ack" }]);
  await queue.replay(everything);
  await queue.settle([{ token: tokens(first)[1]!, action: "ack" }]);
  const got = named(await pullAll(queue));
  expect(got.filter((name) => !name.endsWith("r"))).toEqual(["a2", "b2", "a3"]);
  expect(got.filter((name) => name.endsWith("r")).sort()).toEqual(["a1r", "c1r"]);
});

test("a replay of a hot key parks no more than leaves room for live events", async () => {
  const queue = await bus.queue(consumer, { order: "key" });
  const hot = Array.from({ length: 3_000 }, (_, n) => `a${n + 1}`);
  await bus.queue("other"); // holds nothing of ours
  for (let at = 0; at < hot.length; at += 500) await publishKeyed(queue, hot.slice(at, at + 500));
  // Settled without order, which is faster.
  await queue.update(subscriptionOf(consumer, policy));
  await pullAll(queue);
  await queue.update(subscriptionOf(consumer, { ...policy, order: "key" }));
  await queue.replay(everything);
  const [first] = await queue.pull(500, 5_000, never);
  await queue.sweep();
  await queue.catchUp();
  expect((await queue.counts()).parked).toBeLessThan(1_600);
  await publishKeyed(queue, ["b1"]);
  expect(named(await queue.pull(500, 5_000, never))).toEqual(["b1"]);
  await settle(queue, [first!], "ack");
  expect(named(await queue.pull(500, 5_000, never))).toEqual(["a2r"]);
}, 60_000);

test("what was trimmed before is in no replay, though this sidecar still has it in memory", async () => {
  const queue = await bus.queue(consumer, { run: 2 });
  const sent: number[] = [];
  for (let each = 0; each < 6; each++) {
    const before = Date.now();
    await eventually(() => Date.now() > before, { everyMs: 1 });
    sent.push(...(await bus.publish(1, queue)));
  }
  await pullAll(queue);
  await bus.ledger.raiseFloor(topic, consumer, (await ledgerIds())[3]!);
  await trimAll();
  expect(await queue.replay(everything)).toMatchObject({ count: 3 });
  // Cut here, read by one that has nothing in memory.
  const there = belt(server.url, { errors });
  const elsewhere = await there.queue(consumer, { run: 2 });
  expect(numbers(await pullAll(elsewhere))).toEqual(sent.slice(3));
  expect(await elsewhere.counts()).toMatchObject({ open: 0, dead: 0 });
  await there.close();
});

test("one sidecar goes on where another one left off", async () => {
  const queue = await bus.queue(consumer, { run: 5 });
  const sent = await bus.publish(23, queue);
  await pullAll(queue);
  await queue.replay(everything);
  const first = await queue.pull(5, 5_000, never);
  await settle(queue, first, "ack");
  await queue.close();
  const there = belt(server.url, { errors });
  const rest = await pullAll(await there.queue(consumer, { run: 5 }));
  expect(numbers([...first, ...rest])).toEqual(sent);
  await there.close();
});

test("a sidecar that read the replay's cursor too early, or of an earlier replay, cuts nothing", async () => {
  const queue = await bus.queue(consumer, { run: 2 });
  await bus.publish(6, queue);
  await pullAll(queue);
  const ids = await ledgerIds();
  const { replay } = await queue.replay(everything);
  await eventually(async () => (await queue.counts()).replayed === 2);
  const [first] = await queue.pull(2, 5_000, never);
  const early = { replay, from: justBefore(ids[0]!), to: ids[1]!, count: 2, states: "" };
  await eventually(async () => (await queue.counts()).replayed === 4);
  const second = await queue.pull(2, 5_000, never);
  expect(await bus.records(consumer).replays.cut(early)).not.toHaveProperty("ticket");
  await eventually(async () => (await queue.counts()).replayed === 6);
  await settle(queue, [first!, ...second, ...(await queue.pull(2, 5_000, never))], "ack");
  expect(await bus.records(consumer).replays.cut(early)).toEqual({ outcome: "over" });
  await queue.replay({ from: ids[5]!, redo: false });
  expect(await bus.records(consumer).replays.cut(early)).toEqual({ outcome: "over" });
  expect(await pullAll(queue)).toEqual([]);
});

test("one whose cursor another sidecar has moved is told so", async () => {
  const queue = await bus.queue(consumer);
  const sent = await bus.publish(4, queue);
  await pullAll(queue);
  const ids = await ledgerIds();
  const { replays } = bus.records(consumer);
  expect(await replays.begin("p", "0-0", undefined, false)).toEqual({ outcome: "begun", to: ids[3] });
  await replays.start("p", 4, "0-0");
  const step = { replay: "p", from: "0-0", to: ids[1]!, count: 2, states: "" };
  const cut = await replays.cut(step);
  expect(cut).toMatchObject({ outcome: "cut" });
  expect(await replays.cut(step)).toEqual({ outcome: "moved" });
  expect(numbers(await pullAll(queue))).toEqual(sent);
});

test("two sidecars that advance at once replay each event once", async () => {
  const here = await bus.queue(consumer, { run: 3 });
  const there = belt(server.url, { errors });
  const elsewhere = await there.queue(consumer, { run: 3 });
  const sent = await bus.publish(60, here);
  await pullAll(here);
  await here.replay(everything);
  const pulled = await Promise.all(
    [here, elsewhere].map(async (queue) => {
      const got: Lease[] = [];
      while ((await here.counts()).acked < 120) {
        await queue.sweep();
        const leases = await queue.pull(2, 20, never);
        await settle(queue, leases, "ack");
        got.push(...leases);
      }
      return numbers(got);
    }),
  );
  expect(pulled.flat().sort((a, b) => a - b)).toEqual(sent);
  await there.close();
});

// Each command in turn is the last one of the sidecar that was asked for the replay, carried out or not.
test.each([
  { executed: true, order: "none" },
  { executed: false, order: "none" },
  { executed: true, order: "key" },
] as const)(
  "a sidecar that dies over a replay leaves it to the others: $executed, order $order",
  { timeout: 120_000 },
  async ({ executed, order }) => {
    const overrides = { run: 3, order };
    let begun = 0;
    for (let atCommand = 1; ; atCommand++) {
      await bus.redis.flushall();
      const queue = await bus.queue(consumer, overrides);
      const events = Array.from({ length: 8 }, (_, n) => keyedEvent(9_200 + n, `key ${n % 2}`));
      const recorded = await bus.ledger.record(topic, events, { rememberMs: 60_000 });
      queue.recorded(recorded.at(-1)!.ledgerId);
      const sent = numbers(await pullAll(queue));
      await queue.raiseFloor();
      const finished = await diesReplaying({ atCommand, executed }, overrides);
      await queue.raiseFloor();
      const isBegun = (await queue.counts()).replay !== undefined;
      if (isBegun) begun++;
      const again = await pullAll(queue);
      const perKey = (all: number[]) => [0, 1].map((key) => all.filter((n) => n % 2 === key));
      expect([atCommand, perKey(numbers(again)), again.every(({ replayed }) => replayed)]).toEqual([
        ...[atCommand, perKey(isBegun ? sent : []), true],
      ]);
      expect(await isOver(queue)).toBe(true);
      await queue.raiseFloor();
      expect(Object.keys(await floors())).toEqual([consumer]);
      await queue.close();
      if (finished) break;
      expect(atCommand).toBeLessThan(200);
    }
    expect(begun).toBeGreaterThan(5);
  },
);

/** Resolves to whether the replay was begun, and cut as far as nobody pulled, before the death. */
async function diesReplaying(
  death: Death,
  overrides: { run: number; order: "none" | "key" },
): Promise<boolean> {
  // Counted from the replay on: opening takes commands of its own.
  const life = new Life({ ...death, atCommand: death.atCommand + 1_000_000 });
  const mortal = belt(server.url, { life });
  const queue = await mortal.queue(consumer, overrides);
  await queue.sweep();
  life.dieIn(death.atCommand);
  const work = queue.replay(everything).then(async () => {
    await queue.sweep();
    await mortal.close();
    return true;
  });
  const finished = (await life.unlessDead(work)) === true;
  if (!finished) await mortal.close();
  return finished;
}
