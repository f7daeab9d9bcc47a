import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import knex, { type Knex } from "knex";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { tokenOf } from "../support/adapters.js";
import { type BusFolder, busFolder, type RunningBus, startBus } from "../support/bus.js";
import type { DatabaseServer } from "../support/database-server.js";
import { eventually } from "../support/eventually.js";
import { startGatewayProxy } from "../support/gateway-proxy.js";
import { startPostgres } from "../support/postgres.js";
import { type SpawnedProcess, spawnNode } from "../support/process.js";

// The adapter's real process, on a real bus and a PostgreSQL whose database is Latin-1, as Treasury's is.
const root = resolve(import.meta.dirname, "../..");
const project = join(root, "adapters/treasury-payroll");
const topic = "payments.issued";
const system = "treasury-payroll";
const [, ddl] = /```sql\n([\s\S]*?)```/.exec(readFileSync(join(project, "README.md"), "utf8"))!;

vi.setConfig({ testTimeout: 60_000 });

let server: DatabaseServer;
let folder: BusFolder;
let bus: RunningBus;
let token: string;
let database: Knex;
let address: string;
let adapter: SpawnedProcess;

beforeAll(async () => {
  const schema = JSON.parse(readFileSync(join(root, `schemas/${topic}/v1.json`), "utf8"));
  const topics = `${topic}:\n  qos: exactly_once\n  retention: 7d\n  schema: v1\n  producers: [hms-api]\n  consumers:\n    - { name: ${system}, ack_wait: 2s, backoff: [50ms] }\n`;
  folder = await busFolder(topics, [topic], { [topic]: schema });
  [bus, server] = await Promise.all([startBus(folder), startPostgres()]);
  token = await tokenOf(bus, system);
}, 120_000);

afterAll(async () => {
  await bus?.process.kill("SIGTERM");
  await bus?.process.exited;
  await server?.stop();
  folder?.remove();
});

/** An empty database for each test: all that was owed before has been settled. */
beforeEach(async () => {
  const connection = await server.freshDatabase("ENCODING 'LATIN1' TEMPLATE template0");
  const { user, password, host, port } = connection;
  address = `postgres://${user}:${password}@${host}:${port}/${connection.database}`;
  database = knex(server.config(connection));
  await database.raw(ddl!);
  adapter = await start();
});

afterEach(async () => {
  await adapter.kill("SIGTERM");
  await database.destroy();
});

const start = (url = bus.url) =>
  spawnNode([join(project, "dist/src/main.js")], {
    cwd: folder.path,
    env: { HMS_SYNC_URL: url, HMS_SYNC_TOKEN: token, DATABASE_URL: address },
  });

/** As its text, so that no number passes through a float on the way. */
async function issue(payload: Readonly<Record<string, string>>): Promise<number> {
  const members = { payee: '"Maria Núñez"', issuedOn: '"2026-11-24"', ...payload };
  const response = await fetch(`${bus.url}/v1/topics/${topic}/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${bus.token}`,
      "content-type": "application/json",
      "idempotency-key": `payment-${payload.paymentId}`,
    },
    body: `{${Object.entries(members).map(([name, text]) => `"${name}":${text}`)}}`,
  });
  await response.body?.cancel();
  return response.status;
}

const consumer = async () => (await bus.call("GET", "/v1/status")).body.topics[topic].consumers[system];
const settled = () => eventually(async () => (await consumer()).owed === 0, { timeoutMs: 30_000 });
const rows = () => database("PAYMENTS").orderBy("PAY_NO");
const numbers = async () => (await rows()).map(({ PAY_NO }) => Number(PAY_NO));

test("amounts are kept digit by digit: beyond 2^53 cents, what a float cannot hold, less than nothing", async () => {
  const amounts = {
    "0.1": "0.10",
    "0.3": "0.30",
    "4.35": "4.35",
    "1.10": "1.10",
    "1e3": "1000.00",
    "0": "0.00",
    "-1234.56": "-1234.56",
    "-0.01": "-0.01",
    "90071992547409.93": "90071992547409.93",
    "-9007199254740993.01": "-9007199254740993.01",
    "9999999999999999.99": "9999999999999999.99",
  };
  const first = 101;
  for (const [index, amount] of Object.keys(amounts).entries())
    expect([amount, await issue({ paymentId: String(first + index), amount })]).toEqual([amount, 202]);
  await settled();
  expect((await rows()).map(({ PAY_AMT }) => PAY_AMT)).toEqual(Object.values(amounts));
});

test("a memo that is null or absent is NULL; names are cut to the column and to Latin-1; the currency has a default", async () => {
  await issue({ paymentId: "201", amount: "1", memo: "null" });
  await issue({ paymentId: "202", amount: "1", payee: JSON.stringify(`Łukasz ${"é".repeat(60)}`) });
  await issue({ paymentId: "203", amount: "1", currency: '"CAD"', memo: '"Inspection 42"' });
  await settled();
  const [none, long, full] = await rows();
  expect(none).toMatchObject({ MEMO_TX: null, PAYEE_NM: "Maria Núñez", CUR_CD: "USD", SRC_CD: "HMS" });
  expect(long).toMatchObject({ MEMO_TX: null, PAYEE_NM: `?ukasz ${"é".repeat(33)}` });
  expect(full).toMatchObject({ CUR_CD: "CAD", MEMO_TX: "Inspection 42" });
  const [{ day }] = await database("PAYMENTS").select(database.raw(`"PAY_DT"::text as day`));
  expect(day).toBe("2026-11-24");
});

test("half a cent and no amount are refused at the door; what the column cannot hold is a dead letter, alone", async () => {
  expect(await issue({ paymentId: "301", amount: "0.005" })).toBe(422);
  expect(await issue({ paymentId: "302", amount: "null" })).toBe(422);
  expect(await issue({ paymentId: "303", amount: "0.30000000000000004" })).toBe(422);
  await issue({ paymentId: "304", amount: "10000000000000000" });
  await issue({ paymentId: "305", amount: "90071992547409.931" }); // a double cannot tell it from .94
  await issue({ paymentId: "306", amount: "7.77" });
  await settled();
  expect(await numbers()).toEqual([306]);
  const { body } = await bus.call("GET", `/v1/dead-letters?topic=${topic}`);
  expect(body.dead_letters.map(({ reason }: { reason: string }) => reason).sort()).toEqual([
    "mapping: payload.amount -> PAY_AMT decimal(18,2): too large",
    "mapping: payload.amount -> PAY_AMT decimal(18,2): too many decimal places",
  ]);
  expect(adapter.output()).toContain('"payment-304"');
  expect(adapter.output()).not.toMatch(/Núñez|9007199254|7\.77/);
});

test("killed between commit and ack, it does not write again: what Treasury changed meanwhile stays", async () => {
  const proxy = await startGatewayProxy(bus.url);
  try {
    await adapter.kill();
    adapter = await start(proxy.url);
    const ack = proxy.holdAcks();
    await issue({ paymentId: "401", amount: "4.01" });
    await ack;
    await adapter.kill();
  } finally {
    await proxy.close();
  }
  expect(await consumer()).toMatchObject({ owed: 1 });
  expect(await database("PAYMENTS").update({ MEMO_TX: "paid" })).toBe(1);
  adapter = await start();
  await settled();
  expect(await rows()).toMatchObject([{ PAY_NO: "401", PAY_AMT: "4.01", MEMO_TX: "paid" }]);
});

test("killed before the commit, it leaves nothing, and the next one writes the row", async () => {
  const holder = await database.transaction();
  await holder.raw('lock table "PAYMENTS" in exclusive mode');
  await issue({ paymentId: "501", amount: "5.01" });
  await eventually(async () => {
    const { rows } = await database.raw("select 1 from pg_locks where not granted");
    return rows.length === 1;
  });
  await adapter.kill();
  await holder.commit();
  expect(await numbers()).toEqual([]);
  adapter = await start();
  await settled();
  expect(await numbers()).toEqual([501]);
});

test("while PostgreSQL is away the payment waits, and is written when it is back; SIGTERM ends it with 0", async () => {
  await issue({ paymentId: "601", amount: "6.01" });
  await settled();
  const { dead } = await consumer();
  await database.destroy();
  await server.kill();
  await issue({ paymentId: "602", amount: "6.02" });
  const [line] = await adapter.waitForLine(/^.*the database is away.*$/, 30_000);
  expect(JSON.parse(line)).toMatchObject({ level: "warn", topic, id: "payment-602" });
  await server.restart();
  database.initialize();
  await settled();
  expect(await numbers()).toEqual([601, 602]);
  expect((await consumer()).dead).toBe(dead);
  expect(await adapter.kill("SIGTERM")).toEqual({ code: 0, signal: null });
});
