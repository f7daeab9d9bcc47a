import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type BusFolder, busFolder, type RunningBus, startBus } from "../../support/bus.js";
import { eventually } from "../../support/eventually.js";
import { startRedis, type TestRedis } from "../../support/redis.js";
import { callBus } from "../sidecar-node.js";

// An operator runs XTRIM on a ledger stream while events are owed. They cannot be brought back; each must be told.
const topics = ["uncut", "gone", "cut", "headless", "remembered"] as const;
type Topic = (typeof topics)[number];
const consumers = "consumers: [{name: city-health, ack_wait: 1s, backoff: [10ms]}, treasury]";
const registry = topics
  .map(
    (topic) =>
      `${topic}: {qos: exactly_once, retention: 7d, schema: v1, producers: [hms-api], ${consumers}}\n`,
  )
  .join("");

let redis: TestRedis;
let admin: Redis;
let folder: BusFolder;
let bus: RunningBus;

beforeAll(async () => {
  redis = await startRedis();
  admin = new Redis(redis.url);
  folder = await busFolder(registry, topics);
  bus = await startBus(folder, { HMS_SYNC_REDIS_URL: redis.url });
}, 60_000);
afterAll(async () => {
  await bus.process.kill("SIGTERM");
  folder.remove();
  admin.disconnect();
  await redis.stop();
});

async function publish(topic: Topic, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) {
    const headers = { "idempotency-key": `e${n}` };
    const call = { token: bus.token, body: { n }, headers };
    expect((await callBus(`${bus.url}/v1/topics/${topic}/events`, "POST", call)).status).toBe(202);
  }
}

async function trim(topic: Topic, kept: number): Promise<void> {
  await admin.xtrim(`hms-sync:ledger:{${topic}}:events`, "MAXLEN", kept);
}

/** No sidecar has entries of the ledger in its memory any more: a new connection makes it read them again. */
async function forget(): Promise<void> {
  const ready = async () => (await fetch(`${bus.url}/readyz`)).status === 200;
  await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await eventually(async () => !(await ready()), { everyMs: 1 });
  await eventually(ready);
}

interface Delivery {
  readonly token: string;
  readonly envelope: { readonly payload: { readonly n: number } };
}

async function pull(topic: Topic, consumer = "city-health"): Promise<Delivery[]> {
  const path = `/v1/topics/${topic}/pull`;
  return (await bus.call("POST", path, { max: 100, wait_ms: 200 }, consumer)).body.deliveries;
}

async function take(topic: Topic, consumer = "city-health"): Promise<number[]> {
  const deliveries = await pull(topic, consumer);
  const settle = deliveries.map(({ token }) => ({ token, action: "ack" }));
  if (settle.length > 0) await bus.call("POST", `/v1/topics/${topic}/settle`, { settle }, consumer);
  return deliveries.map(({ envelope }) => envelope.payload.n);
}

const status = async () => (await bus.call("GET", "/v1/status")).body;
const consumerStatus = async (topic: Topic, consumer = "city-health") =>
  (await status()).topics[topic].consumers[consumer];
/** What the status says to an operator of this topic. */
const problems = async (topic: Topic) =>
  ((await status()).problems as string[]).filter((problem) => problem.includes(` ${topic} `));

test("events trimmed before they were cut: what is left is delivered, the rest is counted, red in the status until acknowledged, and owed no more", async () => {
  await publish("uncut", 1, 10);
  expect(await take("uncut", "treasury")).toHaveLength(10);
  await trim("uncut", 4);
  await forget();
  expect(await take("uncut")).toEqual([7, 8, 9, 10]);
  await eventually(async () => (await consumerStatus("uncut")).removed === 6);
  expect(await consumerStatus("uncut")).toMatchObject({ owed: 0, acked: 4, dead: 0 });
  expect(await consumerStatus("uncut", "treasury")).toMatchObject({ owed: 0, acked: 10, removed: 0 });
  expect(await problems("uncut")).toEqual([
    expect.stringMatching(
      /^events_removed: .* lost 6 events from before \d+-\d+ .* that city-health was owed/,
    ),
  ]);
  expect(await status()).toMatchObject({
    state: "red",
    events_removed: [{ consumer: "city-health", topic: "uncut", count: 6 }],
  });
  expect(bus.process.output().match(/"level":"error".*events_removed: .*"topic":"uncut"/g)).toHaveLength(1);

  expect((await bus.call("POST", "/v1/ledger-losses/acknowledge", {})).body.acknowledged).toEqual(["uncut"]);
  expect(await status()).toMatchObject({ state: "ok", problems: [], events_removed: [] });
  await publish("uncut", 11, 12);
  expect([...(await take("uncut")), ...(await take("uncut"))]).toEqual([11, 12]);
  expect(await consumerStatus("uncut")).toMatchObject({ owed: 0, acked: 6, removed: 6 });
});

test("a backlog that is gone altogether is told before its consumer is there, and what comes later is delivered", async () => {
  await publish("gone", 1, 10);
  expect(await take("gone", "treasury")).toHaveLength(10);
  await trim("gone", 0);
  await forget();
  await eventually(async () => (await consumerStatus("gone")).removed === 10);
  expect(await consumerStatus("gone")).toMatchObject({ owed: 0, acked: 0, dead: 0 });
  expect(await problems("gone")).toHaveLength(1);
  await publish("gone", 11, 11);
  expect(await take("gone")).toEqual([11]);
  expect(await consumerStatus("gone")).toMatchObject({ owed: 0, acked: 1, removed: 10 });
});

test("events trimmed after they were cut: each is a dead letter that says so, and an error in the log", async () => {
  await publish("cut", 1, 10);
  expect(await pull("cut")).toHaveLength(10);
  await trim("cut", 4);
  await forget();
  await eventually(async () => {
    await take("cut"); // the lease of before has to lapse
    return (await consumerStatus("cut")).dead === 10;
  });
  expect(await consumerStatus("cut")).toMatchObject({ owed: 0, acked: 0, removed: 0 });
  const letters = (await bus.call("GET", "/v1/dead-letters?topic=cut&consumer=city-health")).body
    .dead_letters as { reason: string }[];
  expect(letters.map(({ reason }) => reason)).toEqual(
    Array(10).fill("the ledger no longer holds this event"),
  );
  expect(bus.process.output()).toMatch(/"level":"error".*no longer holds an owed run.*"topic":"cut"/);
});

test("an event whose place in the ledger is gone is never given as another one: it is a dead letter", async () => {
  await publish("headless", 1, 10);
  const first = (await pull("headless")).filter(({ envelope }) => envelope.payload.n === 1);
  await trim("headless", 8);
  await forget();
  const settle = first.map(({ token }) => ({ token, action: "nack" }));
  await bus.call("POST", "/v1/topics/headless/settle", { settle }, "city-health");
  const again: Delivery[] = [];
  await eventually(async () => {
    again.push(...(await pull("headless")));
    return (await consumerStatus("headless")).dead >= 1;
  });
  expect(again).toEqual([]); // the nacked one needs no more entries of its run than are left
});

test("what the ledger lost and a sidecar still has in memory is delivered, and told as removed no longer", async () => {
  await publish("remembered", 1, 10);
  await trim("remembered", 4);
  await eventually(async () => (await consumerStatus("remembered")).removed === 6);
  expect(await take("remembered")).toHaveLength(10);
  await eventually(async () => (await consumerStatus("remembered")).removed === 0);
  expect(await consumerStatus("remembered")).toMatchObject({ owed: 0, acked: 10 });
  expect(await take("remembered", "treasury")).toHaveLength(10);
  await eventually(async () => (await problems("remembered")).length === 0);
});
