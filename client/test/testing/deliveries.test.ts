import { afterEach, expect, test } from "vitest";
import { Permanent } from "../../src/index.js";
import { createTestBus, type TestBus, type TestTopicOptions } from "../../src/testing/index.js";
import { next } from "../support/fixture.js";

const topic = "payments.issued";
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
let bus: TestBus | undefined;

function kit(options: TestTopicOptions = {}): TestBus {
  bus = createTestBus({ consumer: "treasury-payroll", topics: { [topic]: options } });
  return bus;
}

afterEach(async () => {
  await bus?.close();
  bus = undefined;
});

test("what is acked is told with id, payload and attempt", async () => {
  const bus = kit();
  const client = await bus.connect();
  void client.handle(topic, () => new Promise((resolve) => setTimeout(resolve, 20)));
  await bus.publish(topic, { amount: 1 }, { id: "p-1" });
  await bus.publish(topic, { amount: 2 }, { id: "p-2" });
  await bus.idle();
  expect(bus.acked(topic)).toMatchObject([
    { id: "p-1", payload: { amount: 1 }, attempts: 1, reason: "", replayed: false },
    { id: "p-2", payload: { amount: 2 }, attempts: 1, reason: "", replayed: false },
  ]);
  expect([bus.owed(topic), bus.deadLetters(topic)]).toEqual([[], []]);
});

test("an event whose handler throws waits for its backoff, attempt by attempt, and is a dead letter at last", async () => {
  const bus = kit({ maxDeliver: 3, backoff: ["1s", "5s"] });
  const client = await bus.connect({ logger: quiet });
  const attempts: number[] = [];
  void client.handle(topic, ({ attempt }) => {
    attempts.push(attempt);
    throw Object.assign(new Error("no such row 4711"), { code: "ER_NO_ROW" });
  });
  await bus.publish(topic, {}, { id: "p-1" });
  await bus.idle();
  expect(bus.owed(topic)).toMatchObject([
    { id: "p-1", attempts: 1, reason: "ER_NO_ROW", waiting: "delayed" },
  ]);
  await bus.passTime(999);
  expect(attempts).toEqual([1]);
  await bus.passTime(1);
  await bus.idle();
  expect(attempts).toEqual([1, 2]);
  await bus.passTime("4999ms");
  expect(attempts).toEqual([1, 2]);
  await bus.passTime("1ms");
  await bus.idle();
  expect(bus.deadLetters(topic)).toMatchObject([{ id: "p-1", attempts: 3, reason: "ER_NO_ROW" }]);
  expect(bus.owed(topic)).toEqual([]);
});

test("Permanent makes a dead letter at once, and the next event goes on", async () => {
  const bus = kit();
  const client = await bus.connect({ logger: quiet });
  void client.handle<{ n: number }>(topic, ({ payload }) => {
    if (payload.n === 1) throw new Permanent("amount: too many digits");
  });
  await bus.publish(topic, { n: 1 }, { id: "p-1" });
  await bus.publish(topic, { n: 2 }, { id: "p-2" });
  await bus.idle();
  expect(bus.deadLetters(topic)).toMatchObject([
    { id: "p-1", attempts: 1, reason: "amount: too many digits" },
  ]);
  expect(bus.acked(topic)).toMatchObject([{ id: "p-2" }]);
});

test("a nack may say when the event comes again", async () => {
  const bus = kit();
  const subscription = (await bus.connect()).subscribe(topic);
  await bus.publish(topic, {});
  await (await next(subscription)).nack({ delay: 90_000, reason: "locked" });
  const coming = next(subscription);
  await bus.passTime("89s");
  expect(bus.owed(topic)).toMatchObject([{ reason: "locked", waiting: "delayed" }]);
  await bus.passTime("1s");
  const again = await coming;
  expect(again.attempt).toBe(2);
  await again.ack();
  expect(bus.acked(topic)).toMatchObject([{ attempts: 2, reason: "locked" }]);
});

test("the silent lapse at ack_wait and no earlier; after two lapses they go out one by one and die alone", async () => {
  const bus = kit({ ackWait: "10s", maxDeliver: 2, backoff: ["1s"] });
  const client = await bus.connect({ logger: quiet });
  const seen: string[] = [];
  const forgetful = (async () => {
    for await (const { id, attempt } of client.subscribe(topic)) seen.push(`${id}/${attempt}`);
  })();
  for (const id of ["a", "b"]) await bus.publish(topic, {}, { id });
  await bus.idle();
  expect(seen.splice(0)).toEqual(["a/1", "b/1"]);
  await bus.passTime(9_999);
  expect(seen).toEqual([]);
  await bus.passTime(1);
  expect(seen.splice(0)).toEqual(["a/2", "b/2"]);
  expect(bus.owed(topic).map(({ attempts }) => attempts)).toEqual([1, 1]);
  await bus.passTime("10s");
  expect(seen.splice(0)).toEqual(["a/3"]);
  expect(bus.owed(topic)).toMatchObject([
    { id: "a", attempts: 1, waiting: "leased" },
    { id: "b", attempts: 0, waiting: "held" },
  ]);
  await bus.passTime("1m");
  const reason = "no answer within ack_wait";
  expect(bus.deadLetters(topic)).toMatchObject([
    { id: "a", attempts: 2, reason },
    { id: "b", attempts: 2, reason },
  ]);
  expect(seen).toEqual(["b/3", "a/4", "b/4"]);
  await bus.close();
  await forgetful;
});

test("with order by key the next event of a key waits for the one before, other keys do not", async () => {
  const bus = kit({ order: "key", key: "/case" });
  const client = await bus.connect({ logger: quiet });
  const seen: string[] = [];
  void client.handle<{ case: string }>(topic, ({ id, attempt }) => {
    seen.push(id);
    if (id === "a1" && attempt === 1) throw new Error("not now");
  });
  for (const id of ["a1", "a2", "b1"]) await bus.publish(topic, { case: id[0] }, { id });
  await bus.publish(topic, { case: "other" }, { id: "a3", subject: "a" });
  await bus.idle();
  expect(seen).toEqual(["a1", "b1"]);
  expect(bus.owed(topic)).toMatchObject([
    { id: "a1", waiting: "delayed" },
    { id: "a2", subject: "a", waiting: "held" },
    { id: "a3", waiting: "held" },
  ]);
  await bus.passTime("1s");
  await bus.idle();
  expect(seen).toEqual(["a1", "b1", "a1", "a2", "a3"]);
});

test("a replay brings what was acked once more, what is owed only once, and counts as new when it is a redo", async () => {
  const bus = kit({ retention: "2h" });
  const client = await bus.connect({ logger: quiet });
  const seen: string[] = [];
  let fails = false;
  void client.handle(topic, ({ id, replayed, redo }) => {
    seen.push(`${id} ${replayed} ${redo}`);
    if (fails) throw new Error("not now");
  });
  await bus.publish(topic, {}, { id: "old" });
  await bus.idle();
  await bus.passTime("1h");
  await bus.publish(topic, {}, { id: "new" });
  await bus.idle();
  fails = true;
  await bus.publish(topic, {}, { id: "owed" });
  await bus.idle();
  fails = false;
  seen.length = 0;
  expect(await bus.replay(topic, { since: "30m" })).toMatchObject({ events: 1 });
  await bus.idle();
  expect(seen.splice(0)).toEqual(["new true undefined"]);
  const { replay, events } = await bus.replay(topic, { since: "0", redo: true });
  expect(events).toBe(2);
  await bus.idle();
  expect(seen.splice(0)).toEqual([`old true ${replay}`, `new true ${replay}`]);
  expect(bus.acked(topic).map(({ id, replayed }) => `${id} ${replayed}`)).toEqual([
    ...["old false", "new false", "new true", "old true", "new true"],
  ]);
  await bus.passTime("90m");
  await bus.idle();
  expect(await bus.replay(topic, { since: new Date(0) })).toMatchObject({ events: 2 }); // old is past its window
});

test("a second replay is refused while one is to be handed out", async () => {
  const bus = kit();
  const subscription = (await bus.connect()).subscribe(topic);
  await bus.publish(topic, {});
  await (await next(subscription)).ack();
  await subscription.close();
  await bus.replay(topic, { since: "1h" });
  await expect(bus.replay(topic, { since: "1h" })).rejects.toMatchObject({ code: "replay_running" });
});
