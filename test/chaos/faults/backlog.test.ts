import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type BusFolder, busFolder, type RunningBus, startBus } from "../../support/bus.js";
import { eventually } from "../../support/eventually.js";
import { type SpawnedProcess, spawnNode } from "../../support/process.js";
import { startRedis, type TestRedis } from "../../support/redis.js";
import { isLong } from "./alone.js";

// One consumer is far slower than what is published, and the others are not to feel it.
const topic = "inspections.status";
const backlog = isLong ? 100_000 : 20_000;
const note = "x".repeat(200);
const registry = `${topic}: {qos: at_least_once, retention: 7d, schema: v1, producers: [hms-api], consumers: [slow, quick]}\n`;

let redis: TestRedis;
let admin: Redis;
let folder: BusFolder;
let bus: RunningBus;

beforeAll(async () => {
  redis = await startRedis();
  admin = new Redis(redis.url);
  folder = await busFolder(registry, [topic]);
  bus = await startBus(folder, { HMS_SYNC_REDIS_URL: redis.url });
}, 60_000);
afterAll(async () => {
  await bus.process.kill("SIGTERM");
  folder.remove();
  admin.disconnect();
  await redis.stop();
});

/** Events `from` to `to`, written to the intake as the PHP driver does, many in one round trip. */
async function publish(from: number, to: number): Promise<void> {
  for (let first = from; first <= to; first += 1_000) {
    const pipeline = admin.pipeline();
    for (let n = first; n < Math.min(first + 1_000, to + 1); n++) {
      const event = ["id", `e${n}`, "channels", `["${topic}"]`, "event", "Done"];
      const rest = ["time", "2024-04-23T15:02:11Z", "source", "hms-api", "timezone", "UTC"];
      pipeline.xadd("hms-sync:intake", "*", ...event, "data", JSON.stringify({ n, note }), ...rest);
    }
    for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
  }
}

function consume(consumer: string, slowMs: number): Promise<SpawnedProcess> {
  const settings = { url: bus.url, token: bus.token, topic, consumer, slowMs };
  const script = resolve(import.meta.dirname, "consumer.mjs");
  return spawnNode([script], { env: { CONSUMER: JSON.stringify(settings) } });
}

const taken = (consumer: SpawnedProcess) =>
  consumer
    .stdout()
    .split("\n")
    .filter(Boolean)
    .map(Number)
    .sort((one, other) => one - other);
const numbers = (to: number) => Array.from({ length: to }, (_, n) => n + 1);
const owed = async (consumer: string) =>
  (await bus.call("GET", "/v1/status")).body.topics[topic].consumers[consumer].owed as number;
const usedByRedis = async () => Number(/^used_memory:(\d+)/m.exec(await admin.info("memory"))![1]);
/** What Redis holds for a consumer beside the ledger. */
async function bytesOwedTo(consumer: string): Promise<number> {
  const keys = await admin.keys(`*{${consumer}/${topic}}*`);
  const sizes = await Promise.all(keys.map((key) => admin.memory("USAGE", key, "SAMPLES", 0)));
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}

/** Most memory that the sidecar ever had (bytes). */
const sidecarPeak = () =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${bus.process.pid}/status`, "utf8"))![1]) * 1_024;

test(`a slow consumer with a backlog of ${backlog.toLocaleString("en")}: the other keeps pace, memory is bounded, and it is drained with nothing missing and nothing twice`, async () => {
  const slow = await consume("slow", 200);
  const quick = await consume("quick", 0);
  const before = { redis: await usedByRedis(), sidecar: sidecarPeak() };
  await publish(1, backlog);
  await eventually(() => taken(quick).length === backlog, { timeoutMs: 120_000, everyMs: 200 });
  expect(await owed("slow")).toBeGreaterThan(backlog * 0.95);
  expect(((await usedByRedis()) - before.redis) / backlog).toBeLessThan(1_000); // one copy in the ledger, one id remembered
  expect((await bytesOwedTo("slow")) / backlog).toBeLessThan(10);

  const delays: number[] = [];
  for (let n = backlog + 1; n <= backlog + 20; n++) {
    const at = performance.now();
    await publish(n, n);
    await eventually(() => quick.stdout().endsWith(`${n}\n`), { everyMs: 1 });
    delays.push(performance.now() - at);
  }
  expect(delays.sort((one, other) => one - other)[10]).toBeLessThan(500); // with nothing else to do it takes a few ms
  const all = backlog + 20;

  process.kill(slow.pid, "SIGUSR2");
  await eventually(async () => (await owed("slow")) === 0, { timeoutMs: 120_000, everyMs: 200 });
  await eventually(async () => (await owed("quick")) === 0);
  expect(taken(slow)).toEqual(numbers(all));
  expect(taken(quick)).toEqual(numbers(all));
  expect(sidecarPeak() - before.sidecar).toBeLessThan(250 * 1_024 * 1_024); // whatever the backlog
  await Promise.all([slow, quick].map((consumer) => consumer.kill("SIGTERM")));
}, 300_000);
