import { mkdtempSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { idsIn, inspectionsIn, type RunningAdapter, startAdapter, tokenOf } from "../support/adapters.js";
import { type BusFolder, busFolder, type RunningBus, startBus } from "../support/bus.js";
import { eventually } from "../support/eventually.js";
import { completeInspections, embeddedRedisUrl, numbers } from "../support/laravel.js";

// The whole way, nothing mocked: Laravel, the driver, the bus with its own Redis, the adapters, their databases.
const root = resolve(import.meta.dirname, "../..");
const topic = "inspections.status";
const prefix = "hms_database_";

let folder: BusFolder;
let bus: RunningBus;
let redisUrl: string;
let adapters: RunningAdapter[];

beforeAll(async () => {
  const names = [topic, "inspections.rescheduled", "inspections.schedule", "payments.issued"];
  const schemaOf = async (name: string) =>
    [name, JSON.parse(await readFile(join(root, `schemas/${name}/v1.json`), "utf8"))] as const;
  const schemas = Object.fromEntries(await Promise.all(names.map(schemaOf)));
  folder = await busFolder(await readFile(join(root, "topics.yaml"), "utf8"), names, schemas);
  bus = await startBus(folder, { HMS_SYNC_LARAVEL_PREFIX: prefix });
  redisUrl = await embeddedRedisUrl(folder);
  adapters = await Promise.all(
    (["city-health", "ehr-clinic"] as const).map(async (name) =>
      startAdapter(name, join(mkdtempSync(join(tmpdir(), "data-")), `${name}.sqlite`), {
        url: bus.url,
        token: await tokenOf(bus, name),
      }),
    ),
  );
});

afterAll(async () => {
  for (const { process } of adapters ?? []) await process.kill("SIGTERM");
  await bus?.process.kill("SIGTERM");
  folder?.remove();
});

async function bothHave(ids: readonly number[]): Promise<void> {
  await eventually(async () => {
    const found = await Promise.all(adapters.map(idsIn));
    return found.every((has) => ids.every((id) => has.includes(id)));
  });
}

async function envelopes(): Promise<string[]> {
  const { body } = await bus.call("GET", `/v1/topics/${topic}/events?since=0`);
  return body.trim().split("\n");
}

test("an ordinary event fired with now() lands in both databases, and is exactly the design's envelope on the bus", async () => {
  const [fired] = await completeInspections([42], redisUrl);
  const both = await eventually(async () => {
    const found = await Promise.all(adapters.map(inspectionsIn));
    return found.every(({ length }) => length === 1) && found;
  });
  for (const rows of both)
    expect(rows).toMatchObject([{ id: 42, status: "Completed", by: "INSPECTOR_1337" }]);

  const [text] = await envelopes();
  const { id, time, replayable_until, payload } = JSON.parse(text!);
  expect(text).toBe(
    `{"topic":"inspections.status","version":1,` +
      `"payload":{"inspectionId":42,"newStatus":"Completed","completedBy":"INSPECTOR_1337","timestamp":"${payload.timestamp}"},` +
      `"qos":"exactly_once","replayable_until":"${replayable_until}",` +
      `"id":"${id}","source":"hms-api","type":"App\\\\Events\\\\InspectionCompleted","time":"${time}"}`,
  );
  expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  expect(payload.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  expect(Math.abs(Date.parse(payload.timestamp) - fired!.at)).toBeLessThan(2_000);
  expect(Math.abs(Date.parse(time) - fired!.at)).toBeLessThan(1_000);
  expect(Date.parse(replayable_until) - Date.parse(time)).toBe(7 * 24 * 3_600_000);
});

test("predis brings the same as phpredis", async () => {
  await completeInspections([43], redisUrl, { env: { REDIS_CLIENT: "predis" } });
  await bothHave([43]);
});

test("the stock redis driver needs no change in Laravel: what it publishes comes through the pub/sub door", async () => {
  await bus.process.waitForLine(/listening to Laravel's pub\/sub channels/);
  const ids = numbers(61, 65);
  const env = { BROADCAST_CONNECTION: "redis", REDIS_URL: redisUrl, REDIS_PREFIX: prefix };
  await completeInspections(ids, redisUrl, { env });
  await bothHave(ids);
  const { body } = await bus.call("GET", "/v1/status");
  expect(body.intake.doors.pubsub).toMatch(/^best effort/);
  expect(body.rejects).toBe(0);
});
