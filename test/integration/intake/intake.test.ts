import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { HmsSyncError } from "../../../src/errors.js";
import { Intake } from "../../../src/intake/intake.js";
import { Leadership } from "../../../src/intake/leadership.js";
import { Probes } from "../../../src/intake/probes.js";
import { IntakeProcessor } from "../../../src/intake/processor.js";
import { PubSubDoor } from "../../../src/intake/pubsub-door.js";
import { Rejects } from "../../../src/intake/rejects.js";
import { StreamDoor } from "../../../src/intake/stream-door.js";
import type { IntakeOutcome } from "../../../src/intake/types.js";
import { StreamLedger } from "../../../src/ledger/stream-ledger.js";
import { intakeLeaderKey, ledgerKeys } from "../../../src/redis/keys.js";
import { event, silent, topic } from "../../support/belt.js";
import { eventually } from "../../support/eventually.js";
import { startRedis, type TestRedis } from "../../support/redis.js";

let server: TestRedis;
let redis: Redis;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(() => redis.flushall());
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

/** What normalize would make of an entry whose data is a number; "bad" is no event. */
function read(data: string): IntakeOutcome {
  if (data === "bad") throw new HmsSyncError("malformed_json", "data is not JSON");
  if (data === "elsewhere") return { source: "test", events: [], rejects: [], ignored: ["elsewhere"] };
  return { source: "test", events: [{ topic, ...event(Number(data)) }], rejects: [], ignored: [] };
}

function sidecar(holder: string, digest = "registry") {
  const blocking = new Redis(server.url);
  const subscriber = new Redis(server.url);
  const ledger = new StreamLedger(redis);
  const processor = new IntakeProcessor({
    redis,
    ledger,
    rejects: new Rejects(redis),
    probes: new Probes(redis),
    rememberMs: () => 3_600_000,
    onRecorded() {},
    log: silent,
  });
  const door = new StreamDoor({
    redis,
    blocking,
    processor,
    read: (fields) => read(String(fields.get("data"))),
    log: silent,
  });
  const pubsub = new PubSubDoor({
    subscriber,
    prefix: "hms_",
    processor,
    read: (_channel, message) => read(String(message)),
    log: silent,
  });
  const intake = new Intake(new Leadership(redis, holder), [door, pubsub], digest, silent);
  const close = async () => {
    await intake.close();
    blocking.disconnect();
    subscriber.disconnect();
  };
  return { intake, door, processor, ledger, close };
}

async function started(holder: string, digest?: string) {
  const made = sidecar(holder, digest);
  await made.door.open();
  await made.intake.start();
  opened.push(made);
  return made;
}

const write = (...data: (string | number)[]) =>
  Promise.all(data.map((each) => redis.xadd("hms-sync:intake", "*", "id", "x", "data", each)));
const kept = async () => (await new StreamLedger(redis).tail(topic)).total;

test("what is in the stream reaches the ledger and is acknowledged only then", async () => {
  const { door } = await started("a");
  await write(1, 2, 3);
  await eventually(async () => (await kept()) === 3);
  await eventually(async () => (await door.backlog()) === 0);
});

test("what is no event is kept as a reject with its reason and its bytes, and stops nothing", async () => {
  await started("a");
  await write(1, "bad", "elsewhere", 2);
  await eventually(async () => (await kept()) === 2);
  await eventually(async () => (await new Rejects(redis).count()) === 1);
  const [reject] = await new Rejects(redis).newest(10);
  expect(reject).toMatchObject({ code: "malformed_json", reason: "data is not JSON", door: "stream" });
  expect(reject!.original.toString()).toContain("data: bad");
  await eventually(async () => (await redis.hget("hms-sync:counters", "stream.ignored")) === "1");
});

test("an id that comes again with another body is a reject; the first one stands", async () => {
  const { ledger } = await started("a");
  await ledger.record(topic, [{ ...event(7), digest: "another body" }], { rememberMs: 1_000_000 });
  await write(7);
  await eventually(async () => (await new Rejects(redis).count()) === 1);
  expect((await new Rejects(redis).newest(1))[0]).toMatchObject({ code: "id_reused", source: "test" });
  expect(await kept()).toBe(1);
});

test("what a dead reader had in hand is read first by the next", async () => {
  const dead = sidecar("dead");
  await dead.door.open();
  await write(1, 2);
  await redis.xreadgroup("GROUP", "hms-sync", "reader", "COUNT", 10, "STREAMS", "hms-sync:intake", ">");
  await write(3);
  await dead.close();
  const { ledger, door } = await started("heir");
  await eventually(async () => (await kept()) === 3);
  const entries = await ledger.range(topic, "0-0", (await ledger.tail(topic)).last, 10);
  expect(entries.map(({ body }) => body.toString())).toEqual([1, 2, 3].map((n) => event(n).text));
  await eventually(async () => (await door.backlog()) === 0);
});

test("what a fenced reader took while another leads is read by the leader all the same", async () => {
  const { door } = await started("leader");
  await write(1);
  await eventually(async () => (await kept()) === 1);
  // Claimed under the one name all readers share, by a reader that will never handle it.
  await redis
    .multi()
    .xadd("hms-sync:intake", "*", "id", "x", "data", 2)
    .xreadgroup("GROUP", "hms-sync", "reader", "COUNT", 10, "STREAMS", "hms-sync:intake", ">")
    .exec();
  await eventually(async () => (await kept()) === 2);
  await eventually(async () => (await door.backlog()) === 0);
});

test("one sidecar reads at a time; when it goes, the other takes over", async () => {
  const first = await started("first");
  const second = await started("second");
  expect([first.intake.state.leader, second.intake.state.leader]).toEqual([true, false]);
  opened.splice(opened.indexOf(first), 1);
  const { epoch } = first.intake.state;
  await first.close();
  await write(1);
  await eventually(() => second.intake.state.leader);
  await eventually(async () => (await kept()) === 1);
  expect(second.intake.state.epoch).toBeGreaterThan(epoch);
});

test("a Redis that lost who led gives out no epoch of before", async () => {
  const first = sidecar("first");
  await first.door.open();
  await first.intake.start();
  const { epoch } = first.intake.state;
  await first.close();
  await redis.del(intakeLeaderKey);
  const { intake } = await started("second");
  expect(intake.state.epoch).toBeGreaterThan(epoch);
});

test("a leader that is fenced though nobody else leads takes a newer epoch and reads on", async () => {
  const { intake, door } = await started("only");
  const inAnHour = intake.state.epoch + 3_600_000; // of a reader whose Redis had another clock
  await redis.hset(ledgerKeys(topic).meta, "epoch", inAnHour);
  await write(1, 2);
  await eventually(async () => (await kept()) === 2);
  await eventually(async () => (await door.backlog()) === 0);
  expect(intake.state.epoch).toBe(inAnHour + 1);
});

test("a leader that was stopped and goes on is fenced: it stores and acknowledges nothing", async () => {
  const old = sidecar("old");
  await old.door.open();
  await write(1);
  const stopped = new AbortController();
  const successor = await started("successor");
  await eventually(async () => (await kept()) === 1);
  // The successor's epoch is known to the topic as soon as it recorded; the old one wakes up with an older one.
  await write(2);
  await eventually(async () => (await kept()) === 2);
  await successor.intake.close();
  await write(3);
  await expect(old.door.run(successor.intake.state.epoch - 1, stopped.signal)).rejects.toMatchObject({
    code: "fenced",
  });
  expect(await kept()).toBe(2);
  expect(await old.door.backlog()).toBe(1);
  await old.close();
});

test("a sidecar with another topics.yaml does not take over from a living leader, and says so", async () => {
  await started("first", "registry A");
  const other = await started("second", "registry B");
  expect(other.intake.state).toEqual({ leader: false, epoch: 0, otherRegistry: true });
});

test("a sidecar that was started with another topics.yaml leads once the leader is gone", async () => {
  const first = await started("first", "registry A");
  const other = await started("second", "registry B");
  await first.intake.close();
  await other.intake.check();
  expect(other.intake.state).toMatchObject({ leader: true, otherRegistry: false });
});

test("a sidecar whose topics.yaml was replaced by a newer one does not bring the older one back", async () => {
  const first = await started("first", "registry A");
  const behind = await started("second", "registry A");
  await first.intake.adopt("registry B");
  await behind.intake.check();
  expect(behind.intake.state.otherRegistry).toBe(true);
  await first.intake.close();
  await behind.intake.check();
  expect(behind.intake.state).toEqual({ leader: false, epoch: 0, otherRegistry: true });
  await behind.intake.adopt("registry B");
  expect(behind.intake.state).toMatchObject({ leader: true, otherRegistry: false });
});

test("a leader that reads its topics.yaml anew goes on leading, in the same epoch", async () => {
  const { intake } = await started("first", "registry A");
  const { epoch } = intake.state;
  await intake.adopt("registry B");
  expect(intake.state).toEqual({ leader: true, epoch, otherRegistry: false });
});

test("pub/sub messages are heard by the leader alone and recorded", async () => {
  await started("first");
  await started("second");
  await eventually(async () => Number(await redis.pubsub("NUMPAT")) === 1);
  await redis.publish("hms_inspections.status", "5");
  await redis.publish("other_inspections.status", "6");
  await redis.publish("hms_inspections.status", "bad");
  await eventually(async () => (await kept()) === 1);
  await eventually(async () => (await redis.hget("hms-sync:counters", "pubsub.read")) === "2");
  expect((await new Rejects(redis).newest(1))[0]).toMatchObject({ door: "pubsub", code: "malformed_json" });
});

test("before it has claimed anything, a sidecar knows whether its topics.yaml is the one in force", async () => {
  await started("first", "registry A");
  const second = sidecar("second", "registry B");
  opened.push(second);
  const { intake } = second;
  expect(await intake.goesByTheOneInForce()).toBe(false);
  expect(intake.state).toEqual({ leader: false, epoch: 0, otherRegistry: true });
});
