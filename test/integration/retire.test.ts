import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readConfig } from "../../src/config.js";
import { createLogger } from "../../src/log.js";
import { type Sidecar, startSidecar } from "../../src/sidecar.js";
import { StateDirectory } from "../../src/state-dir.js";
import { type BusFolder, busFolder } from "../support/bus.js";
import { eventually } from "../support/eventually.js";
import { run } from "../support/process.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { type Answer, type CallOptions, call } from "./gateway/harness.js";

const topic = "inspections.status";
const main = resolve(import.meta.dirname, "../../dist/cli/main.js");

let redis: TestRedis;
let direct: Redis;
let folder: BusFolder;
let bus: Sidecar;
let token: string;
const closing: (() => Promise<void>)[] = [];

beforeEach(async () => {
  redis = await startRedis();
  direct = new Redis(redis.url);
  folder = await busFolder(registry("city-health, ehr-clinic"), [topic]);
  bus = await sidecar(folder);
  token = (await new StateDirectory(folder.env.HMS_SYNC_STATE!).developmentToken(false))!;
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  direct.disconnect();
  await redis.stop();
  folder.remove();
});

function registry(consumers: string): string {
  return `${topic}: {qos: exactly_once, retention: 7d, schema: v1, producers: [hms-api], consumers: [${consumers}]}\n`;
}

async function sidecar(of: BusFolder): Promise<Sidecar> {
  const log = createLogger({ level: "error", write: () => {} });
  const started = await startSidecar(readConfig({ ...of.env, HMS_SYNC_REDIS_URL: redis.url }, of.path), log);
  closing.push(() => started.close());
  return started;
}

async function change(consumers: string): Promise<void> {
  await writeFile(join(folder.path, "topics.yaml"), registry(consumers));
  await bus.reload();
}

const admin = (method: string, path: string, options: CallOptions = {}) =>
  call(bus.url, method, path, { token, ...options });
const asClinic = (action: string, body: object) =>
  admin("POST", `/v1/topics/${topic}/${action}`, { consumer: "ehr-clinic", body });

/** Payloads whose bytes a careless writer would change. */
const payload = (n: number) =>
  `{"n":${n},"big":12345678901234567890,"text":"\\u00e9\\/ é 🦠","none":{},"list":[1.0,1e3]}`;

async function publish(from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) {
    const headers = { "idempotency-key": `e${n}` };
    const { status } = await admin("POST", `/v1/topics/${topic}/events`, { headers, body: payload(n) });
    expect(status).toBe(202);
  }
}

type Delivery = { token: string; envelope: { payload: { n: number } } };

/** Pulls until `count` events were handed out. */
async function pull(count: number): Promise<Delivery[]> {
  const pulled: Delivery[] = [];
  await eventually(async () => {
    const { body } = await asClinic("pull", { max: count - pulled.length, wait_ms: 1_000 });
    pulled.push(...body.deliveries);
    return pulled.length === count;
  });
  return pulled;
}

async function settle(deliveries: readonly Delivery[], action: string, extra = {}): Promise<Answer> {
  const settles = deliveries.map((each) => ({ token: each.token, action, ...extra }));
  return await asClinic("settle", { settle: settles });
}

/** 1 is acked, 2 a dead letter, 3 nacked, 4 and 5 leased, 6 and 7 not handed out; the clinic is taken out. */
async function takenOut(): Promise<Delivery[]> {
  await publish(1, 3);
  const [one, two, three] = await pull(3);
  await settle([one!], "ack");
  await settle([two!], "term");
  await settle([three!], "nack", { delay_ms: 600_000 });
  await publish(4, 5);
  const leased = await pull(2);
  await publish(6, 7);
  const deadLetters = () => admin("GET", `/v1/dead-letters?consumer=ehr-clinic`);
  await eventually(async () => (await deadLetters()).body.dead_letters.length === 1);
  await change("city-health");
  return leased;
}

const hmsSync = (...args: string[]) =>
  run(process.execPath, [main, ...args], {
    cwd: folder.path,
    env: { ...process.env, ...folder.env, HMS_SYNC_URL: bus.url, HMS_SYNC_TOKEN: token },
  });

const floors = () => direct.hkeys(`hms-sync:ledger:{${topic}}:floors`);

/** The envelopes of the ledger by their number. */
async function recorded(): Promise<Map<number, { id: string; text: string }>> {
  const entries = await direct.xrange(`hms-sync:ledger:{${topic}}:events`, "-", "+");
  return new Map(entries.map(([id, [, text]]) => [JSON.parse(text!).payload.n, { id, text: text! }]));
}

test("hms-sync retire archives byte for byte what is owed and dead, and nothing of the consumer is left", {
  timeout: 90_000,
}, async () => {
  const leased = await takenOut();
  const ledger = await recorded();
  const { code, stdout, stderr } = await hmsSync("retire", "ehr-clinic", "--yes");
  expect([code, stderr]).toEqual([
    0,
    `ehr-clinic is in topics.yaml no longer and is still owed:\nTOPIC               OWED  DEAD\n${topic}     5     1\n`,
  ]);
  const name = readdirSync(folder.path).find((file) => /^retired-ehr-clinic-.*Z\.ndjson$/.test(file))!;
  expect(stdout).toContain(`5 events owed and 1 dead letter are in ${join(folder.path, name)}\n`);

  const lines = readFileSync(join(folder.path, name), "utf8").trimEnd().split("\n");
  const owed = [3, 4, 5, 6, 7].map((n) => {
    const { id, text } = ledger.get(n)!;
    return `{"kind":"owed","topic":"${topic}","ledger_id":"${id}","envelope":${text}}`;
  });
  expect(lines.slice(0, 5).sort()).toEqual(owed.sort());
  expect(lines[5]).toMatch(
    /^\{"kind":"dead","topic":"inspections\.status","id":"\d+-\d+","at":".*Z","reason":/,
  );
  expect(lines[5]!.endsWith(`,"envelope":${ledger.get(2)!.text}}`)).toBe(true);
  expect(lines.slice(6)).toEqual(['{"kind":"end","owed":5,"dead":1}']);

  expect((await admin("GET", "/v1/status")).body.leaving).toEqual([]);
  expect(await floors()).toEqual(["city-health"]);
  const late = await settle(leased, "ack");
  expect([late.status, late.body.code]).toEqual([403, "not_a_consumer"]);
  const again = await hmsSync("retire", "ehr-clinic", "--yes");
  expect([again.code, again.stderr]).toEqual([
    1,
    expect.stringContaining('"ehr-clinic" is no consumer of any topic'),
  ]);
});

test("who retires must be admin, the consumer taken out, and something left of it", async () => {
  const key = (await admin("POST", "/v1/keys", { body: { system: "ehr-clinic" } })).body.token;
  const routes = [
    ["GET", "left"],
    ["GET", "archive"],
    ["POST", "retire"],
  ] as const;
  const codes = async (name: string, as = token) => {
    const answers = routes.map(([method, route]) =>
      admin(method, `/v1/consumers/${name}/${route}`, { token: as }),
    );
    return (await Promise.all(answers)).map(({ status, body }) => `${status} ${body.code}`);
  };
  expect(await codes("ehr-clinic", key)).toEqual(Array(3).fill("403 not_admin"));
  expect(await codes("ehr-clinic")).toEqual(Array(3).fill("409 still_a_consumer"));
  expect(await codes("nobody")).toEqual(Array(3).fill("404 unknown_consumer"));
  await publish(1, 1);
  await change("city-health");
  const other = await admin("POST", "/v1/consumers/ehr-clinic/retire", { body: { topic: "other" } });
  expect([other.status, other.body.code]).toEqual([404, "unknown_consumer"]);
  const wrong = await admin("POST", "/v1/consumers/ehr-clinic/retire", { body: { topic: 7 } });
  expect([wrong.status, wrong.body.code]).toEqual([400, "invalid_request"]);
  const { body } = await admin("POST", "/v1/consumers/ehr-clinic/retire", { body: { topic } });
  expect(body).toEqual({ consumer: "ehr-clinic", retired: [{ topic, owed: 1, dead: 0 }] });
});

test("a pull that waits is answered empty when its consumer is taken out and retired, and holds nothing", async () => {
  const waiting = asClinic("pull", { wait_ms: 25_000 });
  const pulls = async () =>
    (await admin("GET", "/v1/status")).body.topics[topic].consumers["ehr-clinic"].waiting_pulls;
  await eventually(async () => (await pulls()) === 1);
  await change("city-health");
  await admin("POST", "/v1/consumers/ehr-clinic/retire");
  expect(await waiting).toMatchObject({ status: 200, body: { deliveries: [] } });
  expect(await floors()).toEqual(["city-health"]);
});

test("put back after it was retired, the consumer is a newcomer: it gets the whole window", async () => {
  const [leased] = await takenOut();
  await admin("POST", "/v1/consumers/ehr-clinic/retire");
  await change("city-health, ehr-clinic");
  expect((await pull(7)).map(({ envelope }) => envelope.payload.n)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect((await settle([leased!], "ack")).body.settled).toEqual([
    { token: leased!.token, result: "unknown" },
  ]);
});

test("a sidecar that starts with the topics.yaml from before does not bring the retired consumer back", async () => {
  await takenOut();
  await admin("POST", "/v1/consumers/ehr-clinic/retire");
  const older = await busFolder(registry("city-health, ehr-clinic"), [topic]);
  closing.push(async () => older.remove());
  const stale = await sidecar(older);
  expect(await floors()).toEqual(["city-health"]);
  expect(await direct.exists(`hms-sync:delivery:{ehr-clinic/${topic}}:state`)).toBe(0);
  expect((await admin("GET", "/v1/status")).body.leaving).toEqual([]);

  const staleToken = (await new StateDirectory(older.env.HMS_SYNC_STATE!).developmentToken(false))!;
  const asked = await call(stale.url, "POST", "/v1/consumers/city-health/retire", { token: staleToken });
  expect([asked.status, asked.body.code]).toEqual([503, "registry_mismatch"]);
});
