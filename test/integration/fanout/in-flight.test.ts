import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { DeliveryQueue } from "../../../src/fanout/delivery-queue.js";
import type { DeliveryPolicy, Lease, SettleAction } from "../../../src/fanout/types.js";
import { type Belt, belt, numberIn, policy, subscriptionOf } from "../../support/belt.js";
import { eventually } from "../../support/eventually.js";
import { startRedis, type TestRedis } from "../../support/redis.js";

let server: TestRedis;
let here: Belt;
let there: Belt;
let errors: string[];
const never = new AbortController().signal;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
let queueHere: DeliveryQueue;
let queueThere: DeliveryQueue;
/** Two sidecars that serve one consumer with at most 5 events in flight. */
beforeEach(async () => {
  errors = [];
  here = belt(server.url, { errors, waker: { alone: false, wakeElsewhere: () => queueThere?.wakeOne() } });
  there = belt(server.url, { errors, waker: { alone: false, wakeElsewhere: () => queueHere?.wakeOne() } });
  await here.redis.flushall();
  const limited: Partial<DeliveryPolicy> = { maxInFlight: 5 };
  queueHere = await here.queue("limited", limited);
  queueThere = await there.queue("limited", limited);
});
afterEach(async () => {
  await here.close();
  await there.close();
  expect(errors).toEqual([]);
});

const numbers = (leases: readonly Lease[]) => leases.flatMap(({ bodies }) => bodies.map(numberIn));
const tokens = (leases: readonly Lease[]) =>
  leases.flatMap(({ lease, indexes }) => indexes.map((index) => `${lease}.${index}`));
const settle = (leases: readonly Lease[], action: SettleAction, extra: object = {}) =>
  queueHere.settle(tokens(leases).map((token) => ({ token, action, ...extra })));

async function pullAll(queue: DeliveryQueue, max = 500): Promise<Lease[]> {
  const leases: Lease[] = [];
  for (;;) {
    await queue.catchUp();
    await queue.sweep();
    const more = await queue.pull(max, 0, never);
    if (more.length === 0) return leases;
    leases.push(...more);
  }
}

test("never more events are in flight than max_in_flight, over both sidecars", async () => {
  const sent = await here.publish(20, queueHere);
  const first = await queueHere.pull(3, 5_000, never);
  const second = await pullAll(queueThere);
  expect(numbers([...first, ...second])).toEqual(sent.slice(0, 5));
  expect(numbers(await pullAll(queueHere))).toEqual([]);
  await queueHere.settle([{ token: tokens(first)[0]!, action: "ack" }]);
  expect(numbers([...(await pullAll(queueThere)), ...(await pullAll(queueHere))])).toEqual([sent[5]]);
});

test("a pull that waits at the other sidecar gets what a settle made room for, at once", async () => {
  const sent = await here.publish(7, queueHere);
  const first = await pullAll(queueHere);
  expect(numbers(first)).toEqual(sent.slice(0, 5));
  const waiting = queueThere.pull(500, 20_000, never);
  await eventually(() => queueThere.waiting === 1);
  await queueHere.settle(
    tokens(first)
      .slice(0, 2)
      .map((token) => ({ token, action: "ack" })),
  );
  expect(numbers(await waiting)).toEqual(sent.slice(5));
});

test("a waiting pull is handed no more than fits", async () => {
  const waiting = queueHere.pull(500, 20_000, never);
  await eventually(() => queueHere.waiting === 1);
  const sent = await here.publish(8, queueHere);
  expect(numbers(await waiting)).toEqual(sent.slice(0, 5));
  expect(numbers(await pullAll(queueHere))).toEqual([]);
});

test.each([
  ["nacked", "nack", { delayMs: 3_600_000 }],
  ["terminated", "term", {}],
] as const)("an event that was %s makes room", async (_name, action, extra) => {
  const sent = await here.publish(10, queueHere);
  await settle(await pullAll(queueHere), action, extra);
  expect(numbers(await pullAll(queueThere))).toEqual(sent.slice(5));
});

test("retries count as well", async () => {
  const sent = await here.publish(7, queueHere);
  const first = await pullAll(queueHere);
  await settle(first, "nack", { delayMs: 20_000 });
  const second = await pullAll(queueHere);
  expect(numbers(second)).toEqual(sent.slice(5));
  await here.pass("limited", 20_000);
  const third = await pullAll(queueThere);
  expect(third.length).toBe(3);
  await settle(second, "ack");
  const fourth = await pullAll(queueThere);
  expect(fourth.length).toBe(2);
  expect(numbers([...third, ...fourth]).sort()).toEqual(sent.slice(0, 5));
});

test("a lapsed lease makes room when it is swept", async () => {
  const sent = await here.publish(6, queueHere);
  expect(numbers(await pullAll(queueHere))).toEqual(sent.slice(0, 5));
  expect(numbers(await pullAll(queueThere))).toEqual([]);
  await here.pass("limited", 30_001);
  const again = numbers(await pullAll(queueThere));
  expect(again.length).toBe(5);
});

test("events that wait for room are no lost tickets, and come when the limit is taken away", async () => {
  const sent = await here.publish(12, queueHere);
  const first = numbers(await pullAll(queueHere));
  expect(await queueHere.audit()).toBe(0);
  for (const queue of [queueHere, queueThere]) await queue.update(subscriptionOf("limited", policy));
  expect([...first, ...numbers(await pullAll(queueThere))]).toEqual(sent);
});

test("a limit that comes while more is in flight lets nothing out until there is room", async () => {
  for (const queue of [queueHere, queueThere]) await queue.update(subscriptionOf("limited", policy));
  const sent = await here.publish(8, queueHere);
  const first = await pullAll(queueHere);
  expect(numbers(first)).toEqual(sent);
  for (const queue of [queueHere, queueThere])
    await queue.update(subscriptionOf("limited", { ...policy, maxInFlight: 2 }));
  const more = await here.publish(4, queueHere);
  expect(numbers(await pullAll(queueThere))).toEqual([]);
  await queueHere.settle(
    tokens(first)
      .slice(0, 7)
      .map((token) => ({ token, action: "ack" })),
  );
  expect(numbers(await pullAll(queueThere))).toEqual(more.slice(0, 1));
});

test("with order by key, what is freed waits for room too", async () => {
  await here.close();
  await there.close();
  here = belt(server.url, { errors });
  there = belt(server.url, { errors });
  queueHere = await here.queue("both", { maxInFlight: 2, order: "key" });
  const sent = await here.publish(6, queueHere);
  const seen: number[] = [];
  for (let round = 0; round < 3; round++) {
    const leases = await pullAll(queueHere, 1);
    expect(numbers(leases).length).toBe(2);
    seen.push(...numbers(leases));
    await settle(leases, "ack");
  }
  expect(seen).toEqual(sent);
});
