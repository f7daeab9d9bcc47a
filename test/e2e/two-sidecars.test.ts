import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { acceptEvent, type BusFolder, busFolder, type RunningBus, startBus } from "../support/bus.js";
import { eventually } from "../support/eventually.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const topic = "inspections.status";
const topics = `
${topic}:
  qos: exactly_once
  retention: 7d
  schema: v1
  producers: [hms-api]
  consumers: [city-health, ehr-clinic]
`;
const consumers = ["city-health", "ehr-clinic"];

let redis: TestRedis;
let admin: Redis;
let folder: BusFolder;
let sent = 0;

beforeEach(async () => {
  sent = 0;
  redis = await startRedis();
  admin = new Redis(redis.url);
  folder = await busFolder(topics, [topic]);
});
afterEach(async () => {
  admin.disconnect();
  await redis.stop();
  folder.remove();
});

const start = () => startBus(folder, { HMS_SYNC_REDIS_URL: redis.url });
const leads = async (bus: RunningBus) => (await bus.call("GET", "/v1/status")).body.intake.leader === true;

async function accept(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await acceptEvent(admin, topic, ++sent);
}

/** Pulls what is owed through any of the buses and acks it; each delivery is written down. */
class Adapter {
  readonly delivered: number[] = [];

  constructor(private readonly consumer: string) {}

  async takeAll(buses: readonly RunningBus[], expected: number): Promise<void> {
    await eventually(async () => {
      for (const bus of buses) await this.round(bus);
      return this.delivered.length >= expected;
    });
  }

  async round(bus: RunningBus): Promise<number> {
    const path = `/v1/topics/${topic}`;
    const { body } = await bus.call("POST", `${path}/pull`, { max: 3, wait_ms: 20 }, this.consumer);
    const settle = body.deliveries.map(({ token }: { token: string }) => ({ token, action: "ack" }));
    const { body: answer } = await bus.call("POST", `${path}/settle`, { settle }, this.consumer);
    for (const { result } of answer.settled) expect(result).toBe("ok");
    this.delivered.push(
      ...body.deliveries.map((each: { envelope: { payload: { n: number } } }) => each.envelope.payload.n),
    );
    return body.deliveries.length;
  }
}

const numbers = () => Array.from({ length: sent }, (_, i) => i + 1);

test("a leader that is stopped until another leads and then goes on gives no consumer an event twice", async () => {
  const first = await start();
  await eventually(() => leads(first));
  const second = await start();
  const adapters = consumers.map((name) => new Adapter(name));
  await accept(5);
  for (const adapter of adapters) await adapter.takeAll([first, second], sent);

  process.kill(first.process.pid, "SIGSTOP");
  await accept(5);
  await eventually(() => leads(second), { timeoutMs: 20_000 });
  for (const adapter of adapters) await adapter.takeAll([second], sent);

  process.kill(first.process.pid, "SIGCONT");
  await accept(5);
  await eventually(async () => !(await leads(first)) && (await leads(second)));
  for (const adapter of adapters) await adapter.takeAll([first, second], sent);
  for (const adapter of adapters) {
    expect(await adapter.round(first)).toBe(0);
    expect(await adapter.round(second)).toBe(0);
    expect([...adapter.delivered].sort((a, b) => a - b)).toEqual(numbers());
  }
  expect((await second.call("GET", "/v1/status")).body.topics[topic].recorded).toBe(sent);
}, 90_000);

test.each(["the leader", "the follower"])(
  "two sidecars share the work, and %s may be killed",
  async (which) => {
    const leader = await start();
    await eventually(() => leads(leader));
    const follower = await start();
    await eventually(async () => (await leader.call("GET", "/v1/status")).body.sidecars === 2);
    const adapters = consumers.map((name) => new Adapter(name));
    await accept(6);
    // Each sidecar serves either consumer.
    await eventually(async () => (await adapters[0]!.round(follower)) > 0);
    await eventually(async () => (await adapters[1]!.round(leader)) > 0);
    for (const adapter of adapters) await adapter.takeAll([leader, follower], sent);

    const [killed, left] = which === "the leader" ? [leader, follower] : [follower, leader];
    await killed.process.kill("SIGKILL");
    await accept(6);
    await eventually(() => leads(left), { timeoutMs: 20_000 });
    for (const adapter of adapters) {
      await adapter.takeAll([left], sent);
      expect([...adapter.delivered].sort((a, b) => a - b)).toEqual(numbers());
    }
  },
  90_000,
);
