import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  type AdapterName,
  idsIn,
  inspectionsIn,
  type RunningAdapter,
  startAdapter,
  tokenOf,
} from "../support/adapters.js";
import { type BusFolder, busFolder, type RunningBus, startBus } from "../support/bus.js";
import { eventually } from "../support/eventually.js";
import { startGatewayProxy } from "../support/gateway-proxy.js";
import {
  completeInspections,
  embeddedRedisUrl,
  type Fired,
  numbers,
  startCompleting,
} from "../support/laravel.js";
import { freePort } from "../support/port.js";
import { sendSignal } from "../support/process-table.js";
import { startRedis } from "../support/redis.js";

// Real Laravel, real bus, real Redis, real adapters; each of them is killed or stopped at work.
const topics = `
inspections.status:
  qos: exactly_once
  retention: 7d
  schema: v1
  producers: [hms-api]
  consumers:
    - { name: city-health, ack_wait: 2s, backoff: [100ms] }
    - { name: ehr-clinic, ack_wait: 2s, backoff: [100ms] }
inspections.schedule:
  qos: exactly_once
  retention: 7d
  schema: v1
  producers: [hms-api]
  consumers: [city-health, ehr-clinic]
`;
const schema = {
  type: "object",
  properties: {
    inspectionId: { type: "integer" },
    newStatus: { type: "string", default: "Completed" },
    timestamp: { type: "string", format: "date-time" },
  },
  required: ["inspectionId", "newStatus"],
};

vi.setConfig({ testTimeout: 90_000 });

let folder: BusFolder;

beforeEach(async () => {
  const names = ["inspections.status", "inspections.schedule"];
  folder = await busFolder(topics, names, { "inspections.status": schema });
});

afterEach(() => folder.remove());

async function adapterOf(bus: RunningBus, name: AdapterName, url = bus.url): Promise<RunningAdapter> {
  const database = join(mkdtempSync(join(folder.path, "data-")), `${name}.sqlite`);
  return await startAdapter(name, database, { url, token: await tokenOf(bus, name) });
}

/** Both databases have these inspections, all of them completed, each in one row. */
async function haveExactly(adapters: readonly RunningAdapter[], ids: readonly number[]): Promise<void> {
  await eventually(() => eachHas(adapters, (has) => ids.every((id) => has.has(id))), { timeoutMs: 30_000 });
  for (const adapter of adapters) {
    expect(await idsIn(adapter)).toEqual(ids);
    expect((await inspectionsIn(adapter)).every(({ status }) => status === "Completed")).toBe(true);
  }
}

async function eachHas(
  adapters: readonly RunningAdapter[],
  enough: (ids: ReadonlySet<number>) => boolean,
): Promise<boolean> {
  const found = await Promise.all(adapters.map(idsIn));
  return found.every((ids) => enough(new Set(ids)));
}

async function allSettled(bus: RunningBus): Promise<void> {
  await eventually(
    async () => {
      const { body } = await bus.call("GET", "/v1/status");
      const consumers: { owed: number }[] = Object.values(body.topics["inspections.status"].consumers);
      return consumers.every(({ owed }) => owed === 0);
    },
    { timeoutMs: 30_000 },
  );
}

test("an adapter killed between row and ack makes no second row and loses nothing", async () => {
  const bus = await startBus(folder);
  const proxy = await startGatewayProxy(bus.url);
  const other = await adapterOf(bus, "city-health");
  const token = await tokenOf(bus, "ehr-clinic");
  const database = join(folder.path, "ehr-clinic.sqlite");
  try {
    const doomed = await startAdapter("ehr-clinic", database, { url: proxy.url, token });
    const ack = proxy.holdAcks();
    await completeInspections(numbers(1, 5), await embeddedRedisUrl(folder));
    await ack;
    await doomed.process.kill("SIGKILL");
    expect((await idsIn(doomed)).length).toBeGreaterThan(0);
  } finally {
    await proxy.close();
  }
  await completeInspections(numbers(6, 8), await embeddedRedisUrl(folder));
  const restarted = await startAdapter("ehr-clinic", database, { url: bus.url, token });
  await allSettled(bus);
  await haveExactly([other, restarted], numbers(1, 8));
});

test("a bus killed in the middle of 50 events and started again: all 50 in both databases, no adapter restarted", async () => {
  const env = { HMS_SYNC_PORT: String(await freePort()) };
  const doomed = await startBus(folder, env);
  const adapters = [await adapterOf(doomed, "city-health"), await adapterOf(doomed, "ehr-clinic")];
  const laravel = await startCompleting(numbers(1, 50), await embeddedRedisUrl(folder), { intervalMs: 20 });
  await eventually(() => eachHas(adapters, ({ size }) => size >= 10));
  await doomed.process.kill("SIGKILL");
  expect((await idsIn(adapters[0]!)).length).toBeLessThan(50);
  await eventually(() => laravel.fired().length >= 35);
  const heir = await startBus(folder, env);
  expect(await laravel.ended).toEqual({ code: 0, signal: null });
  expect(laravel.fired()).toHaveLength(50);
  await haveExactly(adapters, numbers(1, 50));
  await allSettled(heir);
  await haveExactly(adapters, numbers(1, 50));
  await heir.process.kill("SIGTERM");
});

test("Redis killed under load, twice: every event whose call returned is in both databases", async () => {
  const redis = await startRedis({ appendonly: true });
  try {
    const bus = await startBus(folder, { HMS_SYNC_REDIS_URL: redis.url });
    const adapters = [await adapterOf(bus, "city-health"), await adapterOf(bus, "ehr-clinic")];
    const returned: number[] = [];
    const unsure: number[] = []; // their calls threw: Redis may have them all the same
    for (const first of [1, 1_001]) {
      const laravel = await startCompleting(numbers(first, first + 999), redis.url, { intervalMs: 4 });
      await eventually(() => laravel.fired().length >= 100);
      await redis.kill9();
      expect((await laravel.ended).code).toBe(1);
      const ids = laravel.fired().map(({ id }) => id);
      returned.push(...ids);
      unsure.push(ids.at(-1)! + 1);
      await redis.restart();
    }
    const last = numbers(3_001, 3_020);
    returned.push(...(await completeInspections(last, redis.url)).map(({ id }) => id));
    await eventually(() => eachHas(adapters, (ids) => ids.has(3_020)), { timeoutMs: 40_000 });
    await allSettled(bus);
    const kept = (await idsIn(adapters[0]!)).filter((id) => unsure.includes(id));
    await haveExactly(
      adapters,
      [...returned, ...kept].sort((a, b) => a - b),
    );
    for (const { process } of adapters) await process.kill("SIGTERM");
    await bus.process.kill("SIGTERM");
  } finally {
    await redis.stop();
  }
});

test("a consumer that stands still slows the other one down by nothing", async () => {
  const bus = await startBus(folder);
  const redisUrl = await embeddedRedisUrl(folder);
  const [still, other] = [await adapterOf(bus, "city-health"), await adapterOf(bus, "ehr-clinic")];
  await completeInspections(numbers(1, 30), redisUrl);
  await haveExactly([still, other], numbers(1, 30));

  sendSignal(still.process.pid, "SIGSTOP");
  const meanwhile = await completeInspections(numbers(31, 70), redisUrl, { intervalMs: 50 });
  await haveExactly([other], numbers(1, 70));
  expect(await idsIn(still)).toEqual(numbers(1, 30));
  // A few ms when the machine is quiet. Waiting for the one that stands still would take its ack_wait.
  expect(await medianLag(meanwhile, other)).toBeLessThan(500);

  sendSignal(still.process.pid, "SIGCONT");
  await haveExactly([still, other], numbers(1, 70));
  await allSettled(bus);
});

/** Milliseconds from the return of event() to the row. */
async function medianLag(fired: readonly Fired[], adapter: RunningAdapter): Promise<number> {
  const written = new Map((await inspectionsIn(adapter)).map(({ id, writtenAt }) => [id, writtenAt]));
  const lags = fired.map(({ id, at }) => written.get(id)! - at).sort((a, b) => a - b);
  return lags[Math.floor(lags.length / 2)]!;
}
