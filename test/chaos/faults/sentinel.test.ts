import { afterEach, beforeEach, expect, test } from "vitest";
import { type BusFolder, busFolder, type RunningBus, startBus } from "../../support/bus.js";
import { eventually } from "../../support/eventually.js";
import { callBus } from "../sidecar-node.js";
import { type SentinelGroup, startSentinelGroup } from "./sentinel.js";

const topic = "inspections.status";
const topics = `${topic}: {qos: exactly_once, retention: 7d, schema: v1, producers: [hms-api], consumers: [city-health]}\n`;

let group: SentinelGroup;
let folder: BusFolder;

beforeEach(async () => {
  group = await startSentinelGroup();
  folder = await busFolder(topics, [topic]);
}, 90_000);
afterEach(async () => {
  await group.close();
  folder.remove();
});

const url = `/v1/topics/${topic}`;

async function publish(bus: RunningBus, n: number): Promise<{ status: number; duplicate: boolean }> {
  const headers = { "idempotency-key": `e${n}` };
  const answer = await callBus(`${bus.url}${url}/events`, "POST", { token: bus.token, body: { n }, headers });
  return { status: answer.status, duplicate: answer.body.duplicate };
}

async function publishAll(bus: RunningBus, from: number, to: number): Promise<boolean[]> {
  const duplicates: boolean[] = [];
  for (let n = from; n <= to; n++) {
    const { status, duplicate } = await publish(bus, n);
    expect(status).toBe(202);
    duplicates.push(duplicate);
  }
  return duplicates;
}

/** Pulls and acks until nothing is owed; the numbers that came. */
async function takeAll(bus: RunningBus): Promise<number[]> {
  const taken: number[] = [];
  for (;;) {
    const { body } = await bus.call("POST", `${url}/pull`, { max: 500, wait_ms: 300 }, "city-health");
    if (body.deliveries.length === 0) return taken;
    const settle = body.deliveries.map(({ token }: { token: string }) => ({ token, action: "ack" }));
    await bus.call("POST", `${url}/settle`, { settle }, "city-health");
    taken.push(
      ...body.deliveries.map((each: { envelope: { payload: { n: number } } }) => each.envelope.payload.n),
    );
  }
}

const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("a failover to a lagging replica is noticed; sent again, the lost events and no others are recorded and delivered, also when the old master returns", async () => {
  const bus = await startBus(folder, { HMS_SYNC_REDIS_URL: group.url });
  await publishAll(bus, 1, 10);
  expect(sorted(await takeAll(bus))).toEqual(numbers(1, 10));
  await group.lag();
  await publishAll(bus, 11, 15); // 202, and the replica never hears of it
  expect(sorted(await takeAll(bus))).toEqual(numbers(11, 15));
  await group.failOver();

  const status = () => bus.call("GET", "/v1/status");
  await eventually(async () => (await status()).body.ledger_went_back?.length === 1, { timeoutMs: 30_000 });
  expect((await status()).body).toMatchObject({ state: "red", topics: { [topic]: { recorded: 10 } } });
  expect(await publishAll(bus, 1, 15)).toEqual(numbers(1, 15).map((n) => n <= 10));
  // Delivered once more with their old ids: `once` knows them.
  expect(sorted(await takeAll(bus))).toEqual(numbers(11, 15));

  await group.oldMasterReturns();
  await publishAll(bus, 16, 18);
  expect(sorted(await takeAll(bus))).toEqual(numbers(16, 18));
  const { body } = await status();
  expect(body.topics[topic]).toMatchObject({
    recorded: 18,
    consumers: { "city-health": { owed: 0, dead: 0 } },
  });
  await bus.process.kill("SIGTERM");
  expect(await bus.process.exited).toMatchObject({ code: 0 });
}, 180_000);
