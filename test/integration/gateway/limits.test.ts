import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ledgerKeys } from "../../../src/redis/keys.js";
import { type CallOptions, call, type Running, running } from "./harness.js";

/** A rate so slow that nothing comes back while a test runs. */
const systems = "$systems:\n  ehr-clinic: {rate: 1/m, body_limit: 1KiB}\n  hms-api: {body_limit: 1MiB}\n";
let bus: Running;
let redis: Redis;

beforeAll(async () => {
  bus = await running({ HMS_SYNC_RATE_LIMIT: "1" }, systems);
  redis = new Redis(bus.redis.url);
});
afterAll(async () => {
  redis.disconnect();
  await bus.close();
});

const admin = (method: string, path: string, options: CallOptions = {}) =>
  call(bus.sidecar.url, method, path, { token: bus.adminToken, ...options });
const key = async (system: string) => (await admin("POST", "/v1/keys", { body: { system } })).body.token;
const recorded = (topic: string) => redis.xlen(ledgerKeys(topic).stream);
let ids = 0;
const post = (topic: string, token: string, body: unknown, headers: Record<string, string> = {}) =>
  call(bus.sidecar.url, "POST", `/v1/topics/${topic}/events`, { token, body, headers });
const event = () => ({ specversion: "1.0", id: `e${++ids}`, source: "/s", type: "t", data: {} });
const batches = { "content-type": "application/cloudevents-batch+json" };

test("a system has its body limit, a larger or a smaller one than the others", async () => {
  const token = await key("ehr-clinic");
  const tooLarge = await post("notes.added", token, { x: "y".repeat(1_024) });
  expect(tooLarge).toMatchObject({ status: 413, body: { code: "body_too_large", limit: 1_024 } });
  expect(tooLarge.body.detail).toContain("body_limit of ehr-clinic");
  const large = { inspectionId: 1, x: "y".repeat(500_000) };
  const headers = { "idempotency-key": "large" };
  expect((await post("inspections.status", await key("hms-api"), large, headers)).status).toBe(202);
  expect((await post("inspections.status", bus.adminToken, large, headers)).status).toBe(413);
});

test("a system over its rate is refused with Retry-After and records nothing; admin never is", async () => {
  const token = await key("ehr-clinic"); // its one event of the minute went to the test before
  const before = await recorded("notes.added");
  const answer = await post("notes.added", token, {});
  expect(answer).toMatchObject({ status: 429, body: { code: "rate_limited" } });
  const seconds = Number(answer.headers.get("retry-after"));
  expect(seconds).toBeGreaterThanOrEqual(30);
  expect(seconds).toBeLessThanOrEqual(60);
  expect(answer.body.detail).toContain("1/m");
  expect(await recorded("notes.added")).toBe(before);
  for (let n = 0; n < 20; n++) expect((await post("notes.added", bus.adminToken, {})).status).toBe(202);
});

test("a batch costs as many events as it has", async () => {
  const token = await key("hms-api");
  const limit = () => post("inspections.status", token, [event(), event(), event(), event()], batches);
  const outcomes = [(await limit()).status, (await limit()).status];
  // 1/s by HMS_SYNC_RATE_LIMIT and 3 s of burst, of which one went to the test of the body limit.
  expect(outcomes).toContain(429);
  const answer = await limit();
  expect(answer.status).toBe(429);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
});

test("tokens cannot be tried at leisure, and who has a good one goes on", async () => {
  const whoami = (token: string) => call(bus.sidecar.url, "GET", "/v1/whoami", { token });
  expect((await whoami(bus.adminToken)).status).toBe(200);
  const tried = await Promise.all(Array.from({ length: 90 }, (_, n) => whoami(`hms_guess${n}`)));
  const statuses = tried.map(({ status }) => status);
  expect(statuses.filter((status) => status === 401).length).toBeGreaterThanOrEqual(60);
  expect((await whoami("hms_more")).body.code).toBe("too_many_failures");
  expect((await whoami("hms_more")).headers.get("retry-after")).toBe("1");
  expect((await whoami(bus.adminToken)).status).toBe(200);
  expect((await call(bus.sidecar.url, "GET", "/v1/whoami")).status).toBe(401);
});
