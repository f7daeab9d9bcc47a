import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { createTestBus, type TestBus, type TestTopicOptions } from "../../src/testing/index.js";
import { next } from "../support/fixture.js";

const topic = "payments.issued";
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
let bus: TestBus | undefined;

function kit(options: TestTopicOptions = {}): TestBus {
  const startAt = "2024-04-23T15:00:00Z";
  bus = createTestBus({ consumer: "treasury-payroll", topics: { [topic]: options }, startAt });
  return bus;
}

afterEach(async () => {
  await bus?.close();
  bus = undefined;
});

test("the clock stands still until it is moved", async () => {
  const bus = kit({ ackWait: "20ms" });
  const subscription = (await bus.connect()).subscribe(topic);
  await bus.publish(topic, {});
  const message = await next(subscription);
  await sleep(60);
  expect(bus.now()).toEqual(new Date("2024-04-23T15:00:00Z"));
  expect(message.time).toBe("2024-04-23T15:00:00.000Z");
  await message.ack();
  await bus.passTime("1h30m");
  expect(bus.now()).toEqual(new Date("2024-04-23T16:30:00Z"));
});

test("what waits behind a handler at work is kept by the client's extensions as time passes", async () => {
  const bus = kit({ ackWait: "30s" });
  const subscription = (await bus.connect()).subscribe<{ n: number }>(topic);
  for (let n = 1; n <= 3; n++) await bus.publish(topic, { n });
  const slow = await next(subscription);
  for (let i = 0; i < 4; i++) {
    await bus.passTime("20s");
    await slow.working();
  }
  await slow.ack();
  for (const n of [2, 3]) {
    const message = await next(subscription);
    expect(message).toMatchObject({ payload: { n }, attempt: 1 });
    await message.ack();
  }
  expect(bus.acked(topic).map(({ attempts }) => attempts)).toEqual([1, 1, 1]);
});

test("a handler that is silent for ack_wait loses its event: the late ack is refused and the effect is not counted", async () => {
  const bus = kit({ ackWait: "30s" });
  const client = await bus.connect({ logger: quiet });
  const subscription = client.subscribe(topic);
  await bus.publish(topic, {});
  const silent = await next(subscription);
  const coming = next(subscription);
  expect(silent.leaseEndsAt).toBeGreaterThan(performance.now());
  await bus.passTime("31s");
  const again = await coming;
  expect(silent.leaseEndsAt).toBeLessThan(performance.now());
  await expect(silent.ack()).rejects.toMatchObject({ code: "stale_lease" });
  expect(bus.acked(topic)).toEqual([]);
  await again.ack();
  expect(bus.acked(topic)).toMatchObject([{ attempts: 2 }]);
});

test("time that passes in one step waits for handlers that begin in it", async () => {
  const bus = kit({ ackWait: "1s", backoff: ["1s"] });
  const client = await bus.connect({ logger: quiet });
  void client.handle(topic, async ({ attempt }) => {
    if (attempt === 1) throw new Error("not now");
    await sleep(50); // a database
  });
  await bus.publish(topic, {});
  await bus.idle();
  await bus.passTime("1h");
  expect(bus.acked(topic)).toMatchObject([{ attempts: 2 }]);
});

test("calls that are not awaited pass time one after the other, and idle waits for them", async () => {
  const bus = kit({ backoff: ["1s"], maxDeliver: 3 });
  const client = await bus.connect({ logger: quiet });
  void client.handle(topic, () => {
    throw new Error("never");
  });
  await bus.publish(topic, {});
  await bus.idle();
  void bus.passTime("1s");
  void bus.passTime("1s");
  await bus.idle();
  expect(bus.deadLetters(topic)).toMatchObject([{ attempts: 3 }]);
});

test("idle resolves with a forgotten ack: it waits for its lease", async () => {
  const bus = kit();
  const client = await bus.connect();
  const ends = new AbortController();
  const forgetful = (async () => {
    for await (const _ of client.subscribe(topic, { signal: ends.signal }));
  })();
  await bus.publish(topic, {}, { id: "p-1" });
  await bus.idle();
  expect(bus.owed(topic)).toMatchObject([{ id: "p-1", waiting: "leased" }]);
  ends.abort();
  await forgetful;
});

test("idle says which events nobody asks for and which no handler settles", async () => {
  const bus = kit();
  await bus.publish(topic, {}, { id: "p-1" });
  await expect(bus.idle({ timeoutMs: 20 })).rejects.toMatchObject({
    code: "not_idle",
    message: `not idle after 20 ms: ${topic}: 1 owed, and nobody asks for them (p-1)`,
  });
  const client = await bus.connect({ logger: quiet });
  void client.handle(topic, () => new Promise(() => undefined)).catch(() => undefined);
  await expect(bus.idle({ timeoutMs: 20 })).rejects.toMatchObject({
    message: `not idle after 20 ms: ${topic}: 1 handed out or fetched and not settled (p-1)`,
  });
});

test("close waits for no lease, and for no bus that is down", async () => {
  const bus = kit();
  const subscription = (await bus.connect({ logger: quiet })).subscribe(topic);
  for (let n = 1; n <= 2; n++) await bus.publish(topic, { n });
  const [message] = [await next(subscription), await next(subscription)];
  bus.down();
  message.ack().catch(() => undefined);
  const began = performance.now();
  await bus.close();
  expect(performance.now() - began).toBeLessThan(2_000);
});
