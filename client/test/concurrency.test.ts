import { expect, test } from "vitest";
import { eventually } from "../../test/support/eventually.js";
import type { Message, Subscription } from "../src/index.js";
import { fixture, next } from "./support/fixture.js";
import { deliver } from "./support/scripted-bus.js";

const at = fixture();

async function subscribed(concurrency: number): Promise<Subscription> {
  const bus = await at.connect();
  return bus.subscribe("t", { concurrency });
}

/** Whether a promise has been kept by the time that everything at hand has been done. */
async function isKept(promise: Promise<unknown>): Promise<boolean> {
  let kept = false;
  void promise.then(() => {
    kept = true;
  });
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  return kept;
}

test.each(["ack", "nack", "term"] as const)(
  "the loop waits at its limit until an %s makes room",
  async (how) => {
    at.server.on("pull", deliver("r1.1", 5));
    const subscription = await subscribed(2);
    const [one, two] = [await next(subscription), await next(subscription)];
    const third = next(subscription);
    expect(await isKept(third)).toBe(false);
    void two[how]("reason" as never);
    expect((await third).id).toBe("r1.1.2");
    void one.ack();
    expect((await next(subscription)).id).toBe("r1.1.3");
  },
);

test("several readers that wait share the room, and never exceed the limit", async () => {
  at.server.on("pull", deliver("r1.1", 40));
  const subscription = await subscribed(3);
  let out = 0;
  let most = 0;
  const handled: string[] = [];
  const loop = async () => {
    while (handled.length < 40) {
      const message = await next(subscription);
      most = Math.max(most, ++out);
      await new Promise((resolve) => setImmediate(resolve));
      out--;
      handled.push(message.id);
      void message.ack();
    }
  };
  void Promise.all(Array.from({ length: 8 }, () => loop().catch(() => undefined)));
  await eventually(() => handled.length === 40);
  expect(most).toBe(3);
  expect(new Set(handled).size).toBe(40);
});

test("without a limit the loop gets whatever it asks for", async () => {
  at.server.on("pull", deliver("r1.1", 20));
  const bus = await at.connect();
  const subscription = bus.subscribe("t");
  const messages: Message[] = [];
  for (let i = 0; i < 20; i++) messages.push(await next(subscription));
  expect(bus.health().subscriptions).toMatchObject([{ handedOut: 20, waiting: 0 }]);
});

test("a message that is silent past its time no longer counts, and the loop goes on", async () => {
  at.server.on("pull", deliver("r1.1", 2, { ackWaitMs: 300 }));
  const subscription = await subscribed(1);
  await next(subscription); // forgotten
  expect((await next(subscription)).id).toBe("r1.1.1");
});

test("a drain waits for handlers side by side though the loop has come back long ago", async () => {
  at.server.on("pull", deliver("r1.1", 2));
  const bus = await at.connect();
  const subscription = bus.subscribe("t", { concurrency: 3 });
  const [one, two] = [await next(subscription), await next(subscription)];
  const last = subscription.next(); // the loop waits for more
  const draining = (subscription as unknown as { end(how: "drain"): Promise<void> }).end("drain");
  void one.ack();
  expect(await isKept(draining)).toBe(false);
  void two.ack();
  await draining;
  expect(await last).toEqual({ done: true, value: undefined });
  expect(at.server.settles().join()).toMatch(/ack r1\.1\.0.*1/);
});

test.each([0, -1, 1.5, 10_001, Number.NaN])("concurrency %d is refused", async (concurrency) => {
  const bus = await at.connect();
  expect(() => bus.subscribe("t", { concurrency })).toThrow(
    expect.objectContaining({ code: "invalid_option" }),
  );
});
