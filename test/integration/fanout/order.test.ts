import { expect, test } from "vitest";
import type { DeliveryQueue } from "../../../src/fanout/delivery-queue.js";
import type { DeliveryPolicy, Lease, SettleAction } from "../../../src/fanout/types.js";
import {
  type Belt,
  belt,
  event,
  keyedEvent,
  numberIn,
  policy,
  subscriptionOf,
  topic,
} from "../../support/belt.js";
import { eachOnABelt } from "../../support/belt-tests.js";
import { eventually } from "../../support/eventually.js";
import type { TestRedis } from "../../support/redis.js";

let server: TestRedis;
let bus: Belt;
let errors: string[];
const never = new AbortController().signal;

eachOnABelt((given) => {
  ({ server, bus, errors } = given);
});

/** Publishes an event for each name, `a1` being event 1 of key a; a name without a letter has no key. */
async function publish(names: readonly string[], ...queues: DeliveryQueue[]): Promise<void> {
  for (let at = 0; at < names.length; at += 500) {
    const events = names.slice(at, at + 500).map((name) => {
      const n = Number(name.slice(1));
      return name.startsWith("-") ? event(n) : { ...keyedEvent(n, name[0]!), id: name };
    });
    const recorded = await bus.ledger.record(topic, events, { rememberMs: 3_600_000 });
    for (const queue of queues) queue.recorded(recorded.at(-1)!.ledgerId);
  }
}

const nameOf = (body: Buffer) => `${/"subject":"(.)"/.exec(body.toString())?.[1] ?? "-"}${numberIn(body)}`;
const names = (leases: readonly Lease[]) => leases.flatMap(({ bodies }) => bodies.map(nameOf));
const ordered = (overrides: Partial<DeliveryPolicy> = {}) =>
  bus.queue("ordered", { order: "key", ...overrides });

/** All that can be had now, without what only time would bring. */
async function pullAll(queue: DeliveryQueue): Promise<Lease[]> {
  const leases: Lease[] = [];
  for (;;) {
    await queue.catchUp();
    await queue.sweep();
    const more = await queue.pull(500, 0, never);
    if (more.length === 0) return leases;
    leases.push(...more);
  }
}

function tokenOf(leases: readonly Lease[], name: string): string {
  for (const { lease, indexes, bodies } of leases) {
    const at = bodies.findIndex((body) => nameOf(body) === name);
    if (at !== -1) return `${lease}.${indexes[at]}`;
  }
  throw new Error(`${name} was not handed out`);
}

async function settle(
  queue: DeliveryQueue,
  leases: readonly Lease[],
  name: string,
  action: SettleAction,
  delayMs = 0,
) {
  const [settled] = await queue.settle([{ token: tokenOf(leases, name), action, delayMs }]);
  expect(settled!.result).toBe("ok");
}

test("the next event of a key comes when the earlier one is acked; other keys flow on meanwhile", async () => {
  const queue = await ordered();
  await publish(["a1", "a2", "b1", "a3", "c1", "b2"], queue);
  const first = await pullAll(queue);
  expect(names(first)).toEqual(["a1", "b1", "c1"]);
  await publish(["d1", "a4", "c2"], queue);
  const second = await pullAll(queue);
  expect(names(second)).toEqual(["d1"]);
  await settle(queue, first, "a1", "ack");
  const third = await pullAll(queue);
  expect(names(third)).toEqual(["a2"]);
  await settle(queue, first, "c1", "ack");
  await settle(queue, first, "b1", "ack");
  expect(names(await pullAll(queue)).sort()).toEqual(["b2", "c2"]);
  await settle(queue, third, "a2", "ack");
  const fourth = await pullAll(queue);
  expect(names(fourth)).toEqual(["a3"]);
  await settle(queue, fourth, "a3", "ack");
  expect(names(await pullAll(queue))).toEqual(["a4"]);
});

test("a nacked event keeps its key until it is acked", async () => {
  const queue = await ordered();
  await publish(["a1", "a2", "b1"], queue);
  const first = await pullAll(queue);
  await settle(queue, first, "a1", "nack", 60_000);
  await settle(queue, first, "b1", "ack");
  expect(names(await pullAll(queue))).toEqual([]);
  await bus.pass("ordered", 60_000);
  const again = await pullAll(queue);
  expect(names(again)).toEqual(["a1"]);
  expect(again[0]!.attempt).toBe(2);
  await settle(queue, again, "a1", "ack");
  expect(names(await pullAll(queue))).toEqual(["a2"]);
});

test("a released event keeps its key", async () => {
  const queue = await ordered();
  await publish(["a1", "b1", "a2"], queue);
  const first = await pullAll(queue);
  await settle(queue, first, "a1", "release");
  const again = await pullAll(queue);
  expect(names(again)).toEqual(["a1"]);
  await settle(queue, again, "a1", "ack");
  expect(names(await pullAll(queue))).toEqual(["a2"]);
});

test("a lapsed event keeps its key, taken apart from its run as well", async () => {
  const queue = await ordered();
  await publish(["a1", "b1", "a2", "b2"], queue);
  expect(names(await pullAll(queue))).toEqual(["a1", "b1"]);
  for (let lapse = 0; lapse < 4; lapse++) {
    await bus.pass("ordered", 3_600_000);
    await queue.sweep();
    await bus.pass("ordered", 3_600_000);
    const again = names(await pullAll(queue));
    expect(["a1", "b1"]).toEqual(expect.arrayContaining(again));
    expect(again.length).toBeGreaterThan(0);
  }
});

test.each([
  ["terminated", async (queue: DeliveryQueue, leases: Lease[]) => settle(queue, leases, "a1", "term")],
  [
    "nacked for the last time",
    async (queue: DeliveryQueue, leases: Lease[]) => settle(queue, leases, "a1", "nack"),
  ],
])("an event that was %s frees its key as a dead letter; redriven, it waits for none", async (_name, die) => {
  const queue = await ordered({ maxDeliver: 1 });
  await publish(["a1", "a2", "a3"], queue);
  await die(queue, await pullAll(queue));
  const next = await pullAll(queue);
  expect(names(next)).toEqual(["a2"]);
  await eventually(async () => (await queue.counts()).dead === 1);
  const [letter] = await queue.deadLetters(10);
  expect(await queue.redrive([letter!.id])).toEqual([letter!.id]);
  const redriven = await pullAll(queue);
  expect(names(redriven)).toEqual(["a1"]);
  await settle(queue, redriven, "a1", "ack");
  expect(names(await pullAll(queue))).toEqual([]);
  await settle(queue, next, "a2", "ack");
  expect(names(await pullAll(queue))).toEqual(["a3"]);
});

test("an event that was silent to the end of its attempts frees its key", async () => {
  const queue = await ordered({ maxDeliver: 1 });
  await publish(["a1", "a2"], queue);
  for (let lapse = 0; lapse < 3; lapse++) {
    expect(names(await pullAll(queue))).toEqual(["a1"]);
    await bus.pass("ordered", 3_600_000);
    await queue.sweep();
  }
  expect(names(await pullAll(queue))).toEqual(["a2"]);
  expect(await queue.counts()).toMatchObject({ dead: 1, open: 1 });
});

test("events without a key, and those that are not for the consumer, hold up nothing", async () => {
  const queue = await ordered();
  const echo = { ...keyedEvent(1, "a"), id: "echo", systems: "ordered" };
  await bus.ledger.record(topic, [echo], { rememberMs: 60_000 });
  await publish(["-2", "-3", "a4", "-5"], queue);
  expect(names(await pullAll(queue))).toEqual(["-2", "-3", "a4", "-5"]);
});

test("a pull of one event at a time does not change the order", async () => {
  const queue = await ordered();
  await publish(["a1", "b1", "a2", "b2"], queue);
  const [first, second] = [await queue.pull(1, 5_000, never), await queue.pull(1, 5_000, never)];
  expect(names([...first, ...second])).toEqual(["a1", "b1"]);
  await settle(queue, second, "b1", "ack");
  await settle(queue, first, "a1", "ack");
  expect(names(await queue.pull(1, 5_000, never))).toEqual(["b2"]);
  expect(names(await queue.pull(1, 5_000, never))).toEqual(["a2"]);
});

test("a waiting pull is handed the run without what is parked, and what an ack frees, at once", async () => {
  const queue = await ordered();
  const waiting = queue.pull(500, 20_000, never);
  await eventually(() => queue.waiting === 1);
  await publish(["a1", "a2", "b1", "a3"], queue);
  const first = await waiting;
  expect(names(first)).toEqual(["a1", "b1"]);
  const next = queue.pull(500, 20_000, never);
  await eventually(() => queue.waiting === 1);
  await settle(queue, first, "a1", "ack");
  expect(names(await next)).toEqual(["a2"]);
  await settle(queue, first, "b1", "ack");
});

test("a pull that waits at another sidecar gets what an ack here freed", async () => {
  const there = belt(server.url, { errors });
  const queueThere = await there.queue("ordered", { order: "key" });
  bus = belt(server.url, { errors, waker: { alone: false, wakeElsewhere: () => queueThere.wakeOne() } });
  const queue = await ordered();
  await publish(["a1", "a2"], queue);
  const first = await pullAll(queue);
  const waiting = queueThere.pull(500, 20_000, never);
  await eventually(() => queueThere.waiting === 1);
  await settle(queue, first, "a1", "ack");
  expect(names(await waiting)).toEqual(["a2"]);
  await there.close();
  await bus.close();
});

test("what one settle frees comes in one run, and gathers while the consumer is busy", async () => {
  const queue = await ordered();
  const keys = [..."abcdefghij"];
  await publish([...keys.map((key) => `${key}1`), ...keys.map((key) => `${key}2`)], queue);
  const first = await pullAll(queue);
  expect(first.length).toBe(1);
  for (const key of keys) await settle(queue, first, `${key}1`, "ack");
  const second = await pullAll(queue);
  expect(names(second)).toEqual(keys.map((key) => `${key}2`));
  // The first ack's event made a run at once; the other nine waited for it to be leased.
  expect(second.map(({ bodies }) => bodies.length)).toEqual([1, 9]);
});

test("parked events hold the ledger, are owed, and are no lost tickets", async () => {
  const queue = await ordered();
  await publish(["a1", "a2", "a3"], queue);
  const first = await pullAll(queue);
  expect(await queue.counts()).toMatchObject({ open: 3, parked: 2, ordinal: 3 });
  expect(await queue.audit()).toBe(0);
  await settle(queue, first, "a1", "ack");
  const second = await pullAll(queue);
  await settle(queue, second, "a2", "nack", 60_000);
  await queue.raiseFloor();
  expect(await bus.ledger.trim(topic, Date.now() + 3_600_000, ["ordered"])).toBe(0);
  await bus.pass("ordered", 60_000);
  const third = await pullAll(queue);
  await settle(queue, third, "a2", "ack");
  await settle(queue, await pullAll(queue), "a3", "ack");
  expect(await queue.counts()).toMatchObject({ open: 0, parked: 0, acked: 3 });
  await queue.raiseFloor();
  expect(await bus.ledger.trim(topic, Date.now() + 3_600_000, ["ordered"])).toBe(2);
  const left = await bus.redis.keys("hms-sync:delivery:{ordered/*");
  expect(left.filter((key) => /:(held|parked|freed|blocks|left|run:.*)$/.test(key))).toEqual([]);
});

test("an event that was freed and waits for a run holds the ledger", async () => {
  const queue = await ordered();
  await publish(["a1", "b1"], queue);
  const first = await pullAll(queue);
  for (const name of ["a2", "b2"]) {
    const before = Date.now();
    await eventually(() => Date.now() > before);
    await publish([name], queue);
    await queue.catchUp();
  }
  await settle(queue, first, "b1", "ack");
  await settle(queue, first, "a1", "ack");
  await queue.raiseFloor();
  await bus.ledger.trim(topic, Date.now() + 3_600_000, ["ordered"]);
  // A sidecar that has nothing of the ledger in memory.
  const there = belt(server.url, { errors });
  expect(names(await pullAll(await there.queue("ordered", { order: "key" }))).sort()).toEqual(["a2", "b2"]);
  await there.close();
});

test("10,000 events of one key come one after the other; parking is bounded, and the cursor goes on when there is room", async () => {
  const queue = await ordered();
  await publish(
    Array.from({ length: 10_000 }, (_, i) => `a${i + 1}`),
    queue,
  );
  await publish(["b1"], queue);
  await queue.catchUp();
  const seen: string[] = [];
  let most = 0;
  let otherAt = 0;
  while (seen.length < 10_001) {
    const leases = await queue.pull(500, 5_000, never);
    expect(leases.length).toBeGreaterThan(0);
    const got = names(leases);
    if (got.includes("b1")) otherAt = seen.length;
    seen.push(...got);
    if (seen.length % 500 === 0) most = Math.max(most, (await queue.counts()).parked);
    await queue.settle(
      leases.flatMap(({ lease, indexes }) =>
        indexes.map((index) => ({ token: `${lease}.${index}`, action: "ack" as const })),
      ),
    );
  }
  expect(seen.filter((name) => name !== "b1")).toEqual(Array.from({ length: 10_000 }, (_, i) => `a${i + 1}`));
  expect(most).toBeGreaterThan(4_000);
  expect(most).toBeLessThan(5_500);
  // It waited for the cursor, not for the last event of the hot key.
  expect(otherAt).toBeGreaterThan(4_000);
  expect(otherAt).toBeLessThan(6_500);
}, 180_000);

test("a consumer switched to order by key first finishes what was handed out without it", async () => {
  const queue = await bus.queue("ordered");
  await publish(["a1", "b1"], queue);
  const first = await pullAll(queue);
  await queue.update(subscriptionOf("ordered", { ...policy, order: "key" }));
  await publish(["a2", "a3", "c1"], queue);
  expect(names(await pullAll(queue))).toEqual([]);
  await settle(queue, first, "b1", "ack");
  await settle(queue, first, "a1", "nack", 60_000);
  expect(names(await pullAll(queue))).toEqual([]);
  await bus.pass("ordered", 60_000);
  const again = await pullAll(queue);
  expect(names(again)).toEqual(["a1"]);
  const waiting = queue.pull(500, 20_000, never);
  await eventually(() => queue.waiting === 1);
  await settle(queue, again, "a1", "ack");
  expect(names(await waiting)).toEqual(["a2", "c1"]);
  await publish(["a4", "d1"], queue);
  expect(names(await pullAll(queue))).toEqual(["d1"]);
});

test("a consumer switched from order by key gets what is parked in order, and all else freely", async () => {
  const queue = await ordered();
  await publish(["a1", "a2", "a3"], queue);
  const first = await pullAll(queue);
  await queue.update(subscriptionOf("ordered", policy));
  await publish(["a4", "a5"], queue);
  expect(names(await pullAll(queue))).toEqual(["a4", "a5"]);
  await settle(queue, first, "a1", "ack");
  const second = await pullAll(queue);
  expect(names(second)).toEqual(["a2"]);
  await settle(queue, second, "a2", "ack");
  expect(names(await pullAll(queue))).toEqual(["a3"]);
});
