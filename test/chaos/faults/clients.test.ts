import { renameSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type BusFolder, busFolder, type RunningBus, startBus } from "../../support/bus.js";
import { eventually } from "../../support/eventually.js";
import { startRedis, type TestRedis } from "../../support/redis.js";
import { callBus } from "../sidecar-node.js";

// What clients and operators do to a bus that is well.
const topic = "inspections.status";
const registry = (consumers: string) =>
  `${topic}: {qos: exactly_once, retention: 7d, schema: v1, producers: [hms-api], consumers: [${consumers}]}\n`;
const before = "{name: city-health, max_deliver: 3, backoff: [10ms]}";
const route = `/v1/topics/${topic}`;

let redis: TestRedis;
let admin: Redis;
let folder: BusFolder;
let bus: RunningBus;

beforeAll(async () => {
  redis = await startRedis();
  admin = new Redis(redis.url);
});
afterAll(async () => {
  admin.disconnect();
  await redis.stop();
});
beforeEach(async () => {
  await admin.flushall();
  folder = await busFolder(registry(before), [topic]);
  bus = await startBus(folder, { HMS_SYNC_REDIS_URL: redis.url });
});
afterEach(async () => {
  await bus.process.kill("SIGTERM");
  folder.remove();
});

const post = (key: string, body: unknown) =>
  callBus(`${bus.url}${route}/events`, "POST", {
    token: bus.token,
    body,
    headers: { "idempotency-key": key },
  });
const topicStatus = async () => (await bus.call("GET", "/v1/status")).body.topics[topic];

interface Delivery {
  readonly token: string;
  readonly envelope: { readonly payload: { readonly n: number } };
}

async function pull(): Promise<Delivery[]> {
  const { body } = await bus.call("POST", `${route}/pull`, { max: 100, wait_ms: 200 }, "city-health");
  return body.deliveries;
}

async function settle(deliveries: readonly Delivery[], action: "ack" | "nack"): Promise<void> {
  const body = { settle: deliveries.map(({ token }) => ({ token, action })) };
  await bus.call("POST", `${route}/settle`, body, "city-health");
}

test("50 parallel POSTs with one key are one event, and each of them is told so", async () => {
  const answers = await Promise.all(Array.from({ length: 50 }, () => post("one", { n: 1 })));
  expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(202));
  expect(new Set(answers.map(({ body }) => body.id))).toEqual(new Set(["one"]));
  expect(answers.filter(({ body }) => !body.duplicate)).toHaveLength(1);
  expect((await topicStatus()).recorded).toBe(1);
});

test("a client that is gone before its answer has published once, and its repetition is told that it is one", async () => {
  const body = '{"n":1}';
  const head = `POST ${route}/events HTTP/1.1\r\nhost: bus\r\nauthorization: Bearer ${bus.token}\r\nidempotency-key: gone\r\n`;
  const socket = connect(Number(new URL(bus.url).port), "127.0.0.1");
  await new Promise((sent) =>
    socket.write(
      `${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      sent,
    ),
  );
  await eventually(async () => (await topicStatus()).recorded === 1);
  socket.destroy();
  expect((await post("gone", { n: 1 })).body).toMatchObject({ duplicate: true });
  expect((await topicStatus()).recorded).toBe(1);
});

test("a poison event dies alone after max_deliver attempts, its neighbours are delivered", async () => {
  for (let n = 1; n <= 5; n++) await post(`e${n}`, { n });
  const seen: number[] = [];
  await eventually(async () => {
    const deliveries = await pull();
    const poison = deliveries.filter(({ envelope }) => envelope.payload.n === 3);
    await settle(poison, "nack");
    await settle(
      deliveries.filter((each) => !poison.includes(each)),
      "ack",
    );
    seen.push(...deliveries.map(({ envelope }) => envelope.payload.n));
    return (await topicStatus()).consumers["city-health"].dead === 1;
  });
  expect(seen.sort()).toEqual([1, 2, 3, 3, 3, 4, 5]);
  expect((await topicStatus()).consumers["city-health"]).toMatchObject({ owed: 0, acked: 4, dead: 1 });
});

test("a sidecar told to end under load ends well, and whatever it accepted is in the ledger", async () => {
  const accepted: string[] = [];
  const publish = async (n: number) => {
    const answered = await post(`e${n}`, { n }).catch(() => undefined); // refused: it is ending
    if (answered?.status === 202) accepted.push(`e${n}`);
  };
  const load = Array.from({ length: 400 }, (_, n) => publish(n));
  await eventually(() => accepted.length >= 50);
  expect(await bus.process.kill("SIGTERM")).toEqual({ code: 0, signal: null });
  await Promise.all(load);
  const entries = await admin.xrange(`hms-sync:ledger:{${topic}}:events`, "-", "+");
  const recorded = new Set(entries.map(([, [, text]]) => JSON.parse(text!).id as string));
  expect(accepted.filter((id) => !recorded.has(id))).toEqual([]);
});

test("a registry reloaded under load costs no event: each is accepted, and the newcomer gets all of them", async () => {
  const published: Promise<{ status: number }>[] = [];
  const change = (consumers: string) => {
    writeFileSync(join(folder.path, "next.yaml"), registry(consumers));
    renameSync(join(folder.path, "next.yaml"), join(folder.path, "topics.yaml"));
  };
  for (let n = 0; n < 300; n++) {
    published.push(post(`e${n}`, { n }));
    if (n === 100) change(`${before}, treasury`);
    if (n % 10 === 0) await published.at(-1);
  }
  expect(new Set((await Promise.all(published)).map(({ status }) => status))).toEqual(new Set([202]));
  await eventually(async () => (await topicStatus()).consumers.treasury?.owed === 300);
  expect((await topicStatus()).consumers["city-health"].owed).toBe(300);
});
