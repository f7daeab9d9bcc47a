import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { connect, type Message } from "@hms-sync/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tokenOf } from "../support/adapters.js";
import { type BusFolder, busFolder, cli, type RunningBus, startBus } from "../support/bus.js";
import { eventually } from "../support/eventually.js";
import { embeddedRedisUrl, numbers, startCompleting } from "../support/laravel.js";
import { run } from "../support/process.js";

// A field is renamed while events flow: Laravel and one agency stay with version 1, another agency comes with version 2.
const root = resolve(import.meta.dirname, "../..");
const topic = "inspections.status";
const fromLaravel = 1_600;
const inspections = 80;
const fromCli = 20;
const total = fromLaravel + fromCli;

const before = `
${topic}:
  qos: exactly_once
  retention: 7d
  schema: v1
  key: /inspectionId
  producers: [hms-api]
  consumers:
    - {name: city-health, order: key}
`;
const after = `
${topic}:
  qos: exactly_once
  retention: 7d
  schema: v2
  key: /inspectionId
  producers: [hms-api]
  consumers:
    - {name: city-health, version: v1, order: key}
    - {name: treasury, version: v2, order: key}
`;
const casts = `
up:
  - rename: {from: /completedBy, to: inspector}
down:
  - rename: {from: /inspector, to: completedBy}
examples:
  - v1: {inspectionId: 7, newStatus: Completed, completedBy: I}
    v2: {inspectionId: 7, newStatus: Completed, inspector: I}
`;

let folder: BusFolder;
let bus: RunningBus;
let proposal: string;

beforeAll(async () => {
  proposal = mkdtempSync(join(tmpdir(), "proposal-"));
  folder = await busFolder(before, [topic], { [topic]: await v1() });
  bus = await startBus(folder);
});
afterAll(async () => {
  await bus?.process.kill("SIGTERM");
  folder?.remove();
  rmSync(proposal, { recursive: true, force: true });
});

async function v1() {
  const schema = JSON.parse(await readFile(join(root, `schemas/${topic}/v1.json`), "utf8"));
  return { ...schema, required: ["inspectionId", "newStatus", "completedBy"] };
}

/** Version 2 as its author writes it: `completedBy` is `inspector` now. */
async function v2() {
  const schema = await v1();
  const { completedBy, ...properties } = schema.properties;
  return {
    ...schema,
    properties: { ...properties, inspector: completedBy },
    required: ["inspectionId", "newStatus", "inspector"],
  };
}

interface Got {
  readonly id: string;
  readonly version: number;
  readonly payload: Record<string, unknown>;
}

/** An adapter in this process: writes down what it gets and acks it, but for every 25th, which it wants to have again. */
async function adapter(consumer: string): Promise<{ got: Got[]; close(): Promise<void> }> {
  const connection = await connect({ url: bus.url, token: await tokenOf(bus, consumer) });
  const got: Got[] = [];
  const running = (async () => {
    let handed = 0;
    for await (const message of connection.subscribe(topic) as AsyncIterable<Message>) {
      if (++handed % 25 === 0) {
        message.nack({ delay: 50 });
        continue;
      }
      got.push({ id: message.id, version: message.version, payload: message.payload as Got["payload"] });
      message.ack();
    }
  })();
  return {
    got,
    async close() {
      await connection.close();
      await running;
    },
  };
}

/** Puts version 2 into the folder of the running bus: the schema, its casts, and last the file that names it. */
async function merge(): Promise<void> {
  const schemas = join(folder.path, "schemas", topic);
  await writeFile(join(schemas, "v2.json"), JSON.stringify(await v2()));
  await writeFile(join(schemas, "v2.casts.yaml"), casts);
  await writeFile(join(folder.path, "next.yaml"), after);
  renameSync(join(folder.path, "next.yaml"), join(folder.path, "topics.yaml"));
}

/** Ids of the ledger in its order, by ordering key. */
async function ledgerByKey(): Promise<Map<string, string[]>> {
  const { body } = await bus.call("GET", `/v1/topics/${topic}/events?since=0`);
  const byKey = new Map<string, string[]>();
  for (const line of (body as string).trim().split("\n")) {
    const { id, subject } = JSON.parse(line) as { id: string; subject: string };
    byKey.set(subject, [...(byKey.get(subject) ?? []), id]);
  }
  return byKey;
}

function byKey(got: readonly Got[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { id, payload } of got) {
    const key = String(payload.inspectionId);
    found.set(key, [...(found.get(key) ?? []), id]);
  }
  return found;
}

const sorted = (map: Map<string, string[]>) => [...map].sort(([a], [b]) => Number(a) - Number(b));

test("a field is renamed under way: who stays with version 1 sees no difference, who comes with version 2 has the whole window in it", async () => {
  const city = await adapter("city-health");
  const ids = numbers(1, fromLaravel).map((n) => (n % inspections) + 1);
  const laravel = await startCompleting(ids, await embeddedRedisUrl(folder), { intervalMs: 5 }); // 200 events/s
  await eventually(() => city.got.length >= 400, { timeoutMs: 30_000 });
  await merge();
  await eventually(async () => (await bus.call("GET", "/v1/status")).body.topics[topic].version === 2);
  const firedAtMerge = laravel.fired().length;
  expect(firedAtMerge).toBeLessThan(fromLaravel); // it was a change under way
  const treasury = await adapter("treasury");
  const producer = await connect({ url: bus.url, token: bus.token });
  for (const n of numbers(1, fromCli)) {
    const { version } = await producer.publish(topic, {
      inspectionId: n,
      newStatus: "Closed",
      inspector: "NEW",
    });
    expect(version).toBe(2);
  }
  await producer.close();
  expect((await laravel.ended).code).toBe(0);
  await eventually(() => city.got.length >= total && treasury.got.length >= total, { timeoutMs: 60_000 });
  await city.close();
  await treasury.close();

  const ledger = await ledgerByKey();
  expect([...ledger.values()].flat()).toHaveLength(total);
  // Each event once, and in the order of its key.
  expect(sorted(byKey(city.got))).toEqual(sorted(ledger));
  expect(sorted(byKey(treasury.got))).toEqual(sorted(ledger));
  for (const { version, payload } of city.got) {
    expect(version).toBe(1);
    expect(Object.keys(payload)).toContain("completedBy");
    expect(Object.keys(payload)).not.toContain("inspector");
  }
  for (const { version, payload } of treasury.got) {
    expect(version).toBe(2);
    expect(["INSPECTOR_1337", "NEW"]).toContain(payload.inspector);
    expect(Object.keys(payload)).not.toContain("completedBy");
  }
  const { body: status } = await bus.call("GET", "/v1/status");
  expect(status).toMatchObject({ state: "ok", rejects: 0 });
  for (const { owed, dead } of Object.values(status.topics[topic].consumers) as {
    owed: number;
    dead: number;
  }[])
    expect({ owed, dead }).toEqual({ owed: 0, dead: 0 });
}, 120_000);

test("the reviewer of that change is told that it breaks nobody", async () => {
  const files = await busFolder(before, [topic], { [topic]: await v1() });
  await writeFile(join(proposal, "topics.yaml"), after);
  const target = join(proposal, "schemas", topic);
  await mkdir(target, { recursive: true });
  await writeFile(join(target, "v1.json"), JSON.stringify(await v1()));
  await writeFile(join(target, "v2.json"), JSON.stringify(await v2()));
  await writeFile(join(target, "v2.casts.yaml"), casts);
  const args = [
    cli,
    "topics",
    "diff",
    join(proposal, "topics.yaml"),
    "--against",
    join(files.path, "topics.yaml"),
  ];
  const { code, stdout } = await run(process.execPath, [...args, "--offline"]);
  files.remove();
  expect(code).toBe(0);
  expect(stdout).toContain("treasury");
  expect(stdout).toContain("city-health");
});
