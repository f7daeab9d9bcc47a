import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { StreamLedger } from "../../../src/ledger/stream-ledger.js";
import { event } from "../../support/belt.js";
import { startRedis, type TestRedis } from "../../support/redis.js";

let server: TestRedis;
let redis: Redis;
let ledger: StreamLedger;
const hour = { rememberMs: 3_600_000 };

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await redis.flushall();
  ledger = new StreamLedger(redis);
});

test("an id is recorded once: the same body again is a duplicate, another body a conflict", async () => {
  const [first] = await ledger.record("t", [event(1)], hour);
  expect(first!.status).toBe("new");
  const again = await ledger.record("t", [event(1), { ...event(1), digest: "other" }, event(2)], hour);
  expect(again.map(({ status }) => status)).toEqual(["duplicate", "conflict", "new"]);
  expect(again[0]!.ledgerId).toBe(first!.ledgerId);
  expect(await ledger.tail("t")).toMatchObject({ total: 2, kept: 2, last: again[2]!.ledgerId });
});

test("the same id of another source, or on another topic, is another event", async () => {
  await ledger.record("t", [event(1)], hour);
  expect((await ledger.record("t", [{ ...event(1), source: "other" }], hour))[0]!.status).toBe("new");
  expect((await ledger.record("u", [event(1)], hour))[0]!.status).toBe("new");
});

test("an id is remembered for the time asked", async () => {
  await ledger.record("t", [event(1)], hour);
  const [key] = await redis.keys("hms-sync:ledger:{t}:seen:*");
  const ttl = await redis.pttl(key!);
  expect(ttl).toBeGreaterThan(3_500_000);
  expect(ttl).toBeLessThanOrEqual(3_600_000);
});

test("a reader of an older epoch is fenced out, a writer without one is not", async () => {
  await ledger.record("t", [event(1)], { ...hour, epoch: 2 });
  await expect(ledger.record("t", [event(2)], { ...hour, epoch: 1 })).rejects.toMatchObject({
    code: "fenced",
  });
  expect((await ledger.record("t", [event(2)], hour))[0]!.status).toBe("new");
  expect((await ledger.record("t", [event(3)], { ...hour, epoch: 2 }))[0]!.status).toBe("new");
});

test("a range is the same from memory and from Redis", async () => {
  const other = new StreamLedger(redis);
  const recorded = [
    ...(await ledger.record("t", [1, 2, 3].map(event), hour)),
    ...(await ledger.record("t", [event(4)], hour)),
  ];
  const [after, to] = [recorded[0]!.ledgerId, recorded[3]!.ledgerId];
  const fromMemory = await ledger.range("t", after, to, 500);
  expect(fromMemory).toEqual(await other.range("t", after, to, 500));
  expect(fromMemory.map(({ body }) => body.toString())).toEqual([2, 3, 4].map((n) => event(n).text));
  expect(await ledger.first("t")).toBe(recorded[0]!.ledgerId);
});

test("trimming waits for the lowest floor, and a floor never falls", async () => {
  const recorded = await ledger.record("t", [1, 2, 3, 4].map(event), hour);
  const later = Date.now() + 1_000_000;
  await ledger.raiseFloor("t", "slow", recorded[1]!.ledgerId);
  await ledger.raiseFloor("t", "fast", recorded[3]!.ledgerId);
  await ledger.raiseFloor("t", "fast", recorded[0]!.ledgerId);
  expect(await ledger.trim("t", later, ["slow", "fast"])).toBe(1);
  await ledger.raiseFloor("t", "slow", recorded[3]!.ledgerId);
  expect(await ledger.trim("t", later, ["slow", "fast"])).toBe(2);
  expect(await ledger.trim("t", 0, ["slow", "fast"])).toBe(0);
  expect(await ledger.tail("t")).toMatchObject({ total: 4, kept: 1 });
});
