import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { WentBack } from "../../../src/ledger/high-water.js";
import { StreamLedger } from "../../../src/ledger/stream-ledger.js";
import { LedgerLosses } from "../../../src/ops/ledger-losses.js";
import { deliveryKeys, ledgerKeys } from "../../../src/redis/keys.js";
import { belt, event, freshName, numberIn, silent, topic } from "../../support/belt.js";
import { startRedis, type TestRedis } from "../../support/redis.js";

let server: TestRedis;
let redis: Redis;
const hour = { rememberMs: 3_600_000 };

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
afterEach(() => redis.flushall());

/** Every key as it is now, and the way back to that: what a Redis does that restarts without its latest writes. */
async function snapshot(): Promise<() => Promise<void>> {
  const kept: [string, Buffer, number][] = [];
  for (const key of await redis.keys("*"))
    kept.push([key, (await redis.dumpBuffer(key))!, Math.max(0, await redis.pttl(key))]);
  return async () => {
    await redis.flushall();
    for (const [key, dump, ttl] of kept) await redis.restore(key, ttl, dump);
  };
}

function watched(): { ledger: StreamLedger; losses: WentBack[] } {
  const ledger = new StreamLedger(redis);
  const losses: WentBack[] = [];
  ledger.onWentBack = (loss) => losses.push(loss);
  return { ledger, losses };
}

const record = async (ledger: StreamLedger, ...numbers: number[]) =>
  (await ledger.record("t", numbers.map(event), hour)).at(-1)!.ledgerId;

test("a ledger that lost its latest entries is noticed by the next look at its end, once", async () => {
  const { ledger, losses } = watched();
  const end = await record(ledger, 1);
  const goBack = await snapshot();
  const known = await record(ledger, 2, 3);
  await goBack();
  await ledger.tail("t");
  await ledger.tail("t");
  expect(losses).toEqual([{ topic: "t", known, end }]);
});

test("it is noticed by the next record although that makes the ledger longer than before, and nothing lost is read from memory", async () => {
  const { ledger, losses } = watched();
  const end = await record(ledger, 1);
  const goBack = await snapshot();
  const known = await record(ledger, 2);
  await goBack();
  const last = await record(ledger, 3, 4, 5);
  expect(losses).toEqual([{ topic: "t", known, end }]);
  expect((await ledger.range("t", "0-0", last, 10)).map(({ body }) => numberIn(body))).toEqual([1, 3, 4, 5]);
});

test("a lost event that is sent again is recorded, and one that was kept is a duplicate", async () => {
  const { ledger } = watched();
  await record(ledger, 1);
  const goBack = await snapshot();
  await record(ledger, 2);
  await goBack();
  const again = await ledger.record("t", [event(1), event(2)], hour);
  expect(again.map(({ status }) => status)).toEqual(["duplicate", "new"]);
});

test("another sidecar has recorded more since: the missing entry is noticed after a new connection", async () => {
  const { ledger, losses } = watched();
  const end = await record(ledger, 1);
  const goBack = await snapshot();
  const known = await record(ledger, 2);
  await goBack();
  await record(new StreamLedger(redis), 3, 4);
  await ledger.verify("t");
  expect(losses).toEqual([{ topic: "t", known, end }]);
});

test("a mark that an earlier sidecar wrote down is compared with the ledger; one that was trimmed is no loss", async () => {
  const first = watched();
  const end = await record(first.ledger, 1);
  const known = await record(first.ledger, 2);
  const { ledger, losses } = watched();
  await ledger.verify("t", { last: known, total: 2 });
  await ledger.raiseFloor("t", "c", known);
  await ledger.trim("t", Date.now() + 10_000, ["c"]);
  await ledger.verify("t", { last: end, total: 1 });
  expect(losses).toEqual([]);
  await redis.flushall();
  await ledger.verify("t", { last: known, total: 2 });
  expect(losses).toEqual([{ topic: "t", known, end: "0-0" }]);
});

test("a Redis that came back empty and has newer events already is noticed by how few they are", async () => {
  const { ledger, losses } = watched();
  const known = await record(ledger, 1, 2, 3);
  const { last, total } = await ledger.tail("t");
  await redis.flushall();
  await record(new StreamLedger(redis), 4);
  await ledger.verify("t", { last, total });
  expect(losses).toEqual([{ topic: "t", known, end: "0-0" }]);
});

test("a run that was lost has a token that settles nothing of the runs cut since", async () => {
  const consumer = freshName("city");
  const bus = belt(server.url);
  const queue = await bus.queue(consumer);
  const goBack = await snapshot();
  await bus.publish(2, queue);
  const [lost] = await queue.pull(10, 0, AbortSignal.timeout(5_000));
  await goBack();

  const after = belt(server.url);
  const reopened = await after.queue(consumer);
  await after.publish(2, reopened);
  const [lease] = await reopened.pull(10, 0, AbortSignal.timeout(5_000));
  const [answer] = await reopened.settle([{ token: `${lost!.lease}.0`, to: 1, action: "ack" }]);
  expect(answer!.result).toBe("unknown");
  expect(lease!.lease).not.toBe(lost!.lease);
  expect((await reopened.counts()).acked).toBe(0);
  await bus.close();
  await after.close();
});

test("a cursor that names a lost entry is brought back, so that what is recorded with an earlier clock is owed", async () => {
  const consumer = freshName("city");
  const bus = belt(server.url);
  const queue = await bus.queue(consumer);
  await bus.publish(2, queue);
  await queue.pull(10, 0, AbortSignal.timeout(5_000));
  const { last: end } = await bus.ledger.tail(topic);
  // The Redis of the ledger fell back and that of the cursor did not, as on a cluster.
  const beyond = `${Number(end.split("-")[0]) + 60_000}-0`;
  await redis.hset(deliveryKeys(consumer, topic).state, { cursor: beyond, ordinal: 9 });
  bus.ledger.onWentBack = ({ end }) => queue.ledgerWentBack(end);
  await redis.hset(ledgerKeys(topic).meta, "last", beyond);
  await bus.ledger.tail(topic); // known up to there
  await redis.hset(ledgerKeys(topic).meta, "last", end);
  const numbers = await bus.publish(2, queue);
  const [lease] = await queue.pull(10, 5_000, AbortSignal.timeout(5_000));
  expect(lease!.bodies.map(numberIn)).toEqual(numbers);
  expect((await queue.counts()).ordinal).toBe(4);
  await bus.close();
});

test("a loss is told with its window by every sidecar, joined with others of its topic, until it is acknowledged", async () => {
  const errors: string[] = [];
  const log = { ...silent, error: (text: string) => errors.push(text) };
  const [one, other] = [new LedgerLosses(redis, "one", log), new LedgerLosses(redis, "other", log)];
  one.report({ topic: "t", known: "90000-0", end: "70000-0" });
  other.report({ topic: "t", known: "80000-0", end: "60000-0" });
  await Promise.all([one.save(), other.save()]);
  expect(await new LedgerLosses(redis, "third", log).list()).toMatchObject([
    { topic: "t", known: "90000-0", end: "60000-0" },
  ]);
  expect(errors[0]).toMatch(/ledger_went_back/);
  expect(await one.acknowledge()).toEqual(["t"]);
  expect(await other.list()).toEqual([]);
  expect(await redis.hget("hms-sync:counters", "ledger.went_back")).toBe("2");
});
