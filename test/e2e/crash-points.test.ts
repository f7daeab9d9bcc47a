import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { acceptEvent, type BusFolder, busFolder, type RunningBus, startBus } from "../support/bus.js";
import { eventually } from "../support/eventually.js";
import { type Fate, type FaultProxy, startFaultProxy } from "../support/fault-proxy.js";
import { startRedis, type TestRedis } from "../support/redis.js";

// Kill -9 of a real sidecar at each step an event takes, before Redis gets the command and after it carried it out.
const topics = `
inspections.status:
  qos: exactly_once
  retention: 7d
  schema: v1
  producers: [hms-api]
  consumers:
    - { name: city-health, ack_wait: 2s, backoff: [1s] }
    - { name: ehr-clinic, ack_wait: 2s, backoff: [1s] }
`;
const consumers = ["city-health", "ehr-clinic"];

/** A Redis, a proxy in front of it and a folder for the sidecars, for one test: the tests run side by side. */
interface Place {
  readonly redis: TestRedis;
  readonly admin: Redis;
  readonly proxy: FaultProxy;
  readonly folder: BusFolder;
}

async function inPlace(run: (place: Place) => Promise<void>): Promise<void> {
  const redis = await startRedis();
  const admin = new Redis(redis.url);
  const proxy = await startFaultProxy(redis.port);
  const folder = await busFolder(topics, ["inspections.status"]);
  try {
    await run({ redis, admin, proxy, folder });
  } finally {
    admin.disconnect();
    await proxy.close();
    await redis.stop();
    folder.remove();
  }
}

/** What adapters were told: deliveries and answers, over all sidecars. */
class Adapters {
  readonly acked = new Map(consumers.map((name) => [name, new Set<number>()]));
  readonly problems: string[] = [];
  private readonly seen = new Set<string>();
  /** Settles without an answer: repeated until there is one, as the client does. */
  private readonly unanswered: { consumer: string; n: number; settle: { token: string; action: string } }[] =
    [];

  /** Pulls and settles once; of each three events one is nacked and one is given back the first time it comes. Throws when the bus is gone. */
  async round(bus: RunningBus, consumer: string, waitMs: number): Promise<number> {
    const path = "/v1/topics/inspections.status";
    await this.settle(bus, consumer);
    const pulled = await bus.call("POST", `${path}/pull`, { max: 4, wait_ms: waitMs }, consumer);
    if (pulled.status !== 200) throw new Error(`pull answered ${pulled.status}`);
    for (const { token, envelope } of pulled.body.deliveries) {
      const n: number = envelope.payload.n;
      if (this.acked.get(consumer)!.has(n))
        this.problems.push(`${consumer} got ${n} after its ack was stored`);
      const again = this.seen.has(`${consumer} ${n}`);
      this.seen.add(`${consumer} ${n}`);
      const action = again ? "ack" : ["nack", "release", "ack"][n % 3]!;
      this.unanswered.push({ consumer, n, settle: { token, action } });
      await this.settle(bus, consumer);
    }
    return pulled.body.deliveries.length;
  }

  private async settle(bus: RunningBus, consumer: string): Promise<void> {
    for (const entry of this.unanswered.filter((each) => each.consumer === consumer)) {
      const path = "/v1/topics/inspections.status/settle";
      const { body } = await bus.call("POST", path, { settle: [entry.settle] }, consumer);
      this.unanswered.splice(this.unanswered.indexOf(entry), 1);
      if (entry.settle.action === "ack" && body.settled[0].result === "ok")
        this.acked.get(consumer)!.add(entry.n);
    }
  }
}

async function accept(admin: Redis, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) await acceptEvent(admin, "inspections.status", n);
}

const count = 9;
const stages: [string, string[]][] = [
  ["intake and ledger", ["record", "XACK"]],
  ["fan-out", ["advance", "addStandardJob"]],
  ["leasing", ["moveToActive", "lease", "moveToFinished"]],
  ["settling", ["settle", "sweep", "addDelayedJob"]],
];
const fates: Fate[] = ["drop", "executed"];

test.each(stages)(
  "killed at any command of %s, before or after it is carried out: every accepted event is acked once by each consumer, and none comes after its ack",
  async (_stage, steps) => {
    await Promise.all(steps.flatMap((step) => fates.map((fate) => killedAt(step, fate))));
  },
  120_000,
);

async function killedAt(step: string, fate: Fate): Promise<void> {
  try {
    await inPlace((place) => story(place, step, fate));
  } catch (cause) {
    throw new Error(`killed at ${step} (${fate})`, { cause });
  }
}

async function story({ redis, admin, proxy, folder }: Place, step: string, fate: Fate): Promise<void> {
  const doomed = await startBus(folder, { HMS_SYNC_REDIS_URL: proxy.url });
  const adapters = new Adapters();
  await accept(admin, 1, 3);
  let killed = false;
  proxy.decide(({ name }) => {
    if (killed) return "drop";
    if (name !== step) return "pass";
    killed = true;
    void doomed.process.kill("SIGKILL");
    return fate;
  });
  await accept(admin, 4, count);
  const working = consumers.map(async (name) => {
    while (!killed) await adapters.round(doomed, name, 100).catch(() => {});
  });
  await eventually(() => killed, { timeoutMs: 20_000 });
  await Promise.all(working);
  await doomed.process.exited;

  const heir = await startBus(folder, { HMS_SYNC_REDIS_URL: redis.url });
  const complete = (name: string) => adapters.acked.get(name)!.size === count;
  await Promise.all(
    consumers.map((name) =>
      eventually(
        async () => {
          await adapters.round(heir, name, 200);
          return complete(name);
        },
        { timeoutMs: 40_000 },
      ),
    ),
  );
  // Nothing is left over: no second copy of anything is owed.
  for (const name of consumers) expect(await adapters.round(heir, name, 0)).toBe(0);
  expect(adapters.problems).toEqual([]);
  const { body } = await heir.call("GET", "/v1/status");
  for (const name of consumers) {
    expect(body.topics["inspections.status"].consumers[name]).toMatchObject({
      owed: 0,
      acked: count,
      dead: 0,
    });
  }
  await heir.process.kill("SIGTERM");
  await heir.process.exited;
}
