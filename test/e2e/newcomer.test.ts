import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import knex, { type Knex } from "knex";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BusFolder, busFolder, cli, type RunningBus, startBus } from "../support/bus.js";
import type { Connection, DatabaseServer } from "../support/database-server.js";
import { eventually } from "../support/eventually.js";
import { startMariaDb } from "../support/mariadb.js";
import { mustRun, pack } from "../support/packages.js";
import { startPostgres } from "../support/postgres.js";
import { spawnProcess } from "../support/process.js";
import { blocks, commands, readme } from "../support/readme.js";

// The README's "Add a system", typed word for word by somebody who has its two packages and a legacy database.
const section = readme("Add a system");
const [topicsYaml, mappingYaml] = blocks(section, "yaml") as [string, string];
const lines = commands(section);
const topic = "payments.issued";
const system = "treasury-payroll";
const windowSize = 25;
const packages = mkdtempSync(join(tmpdir(), "packages-"));
let client: string;

/** As if both were in npm's registry: the scaffold stands where npx finds it, the client's version is its tarball. */
beforeAll(async () => {
  client = await pack("client", packages);
  const scaffold = await pack("create-hms-adapter", packages);
  await mustRun("npm", ["install", "--global", scaffold], packages, npm());
}, 120_000);

function npm(): Record<string, string> {
  return {
    npm_config_prefix: join(packages, "prefix"),
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    HMS_SYNC_CLIENT_PACKAGE: client,
    ...{ npm_config_audit: "false", npm_config_fund: "false", npm_config_prefer_offline: "true" },
  };
}

/** A shell of the newcomer: `cd` stays. */
class Shell {
  constructor(
    private cwd: string,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  path(file: string): string {
    return join(this.cwd, file);
  }

  async type(line: string): Promise<string> {
    const [, folder] = /^cd (\S+)$/.exec(line) ?? [];
    if (folder === undefined) return await mustRun("sh", ["-c", line], this.cwd, this.env);
    this.cwd = join(this.cwd, folder);
    return "";
  }

  /** What runs until it is killed. */
  start(line: string) {
    return spawnProcess("sh", ["-c", `exec ${line}`], { cwd: this.cwd, env: this.env });
  }
}

/** A payment as HMS sends it; the cents of each are its number's. */
const payment = (id: number) => ({
  paymentId: id,
  amount: Number(`${id}.${String(id % 100).padStart(2, "0")}`),
  payee: `Payee ${id}`,
  issuedOn: "2026-11-24",
});
const amountOf = (id: number) => `${id}.${String(id % 100).padStart(2, "0")}`;

describe.each([
  { db: "postgres", start: startPostgres, url: "postgres" },
  { db: "mysql", start: startMariaDb, url: "mysql" },
])("a newcomer with $db", ({ db, start, url }) => {
  let server: DatabaseServer;
  let connection: Connection;
  let legacy: Knex;
  let folder: BusFolder;
  let bus: RunningBus;

  beforeAll(async () => {
    const before = topicsYaml.replace(system, "treasury-archive");
    const schema = readFileSync(join(import.meta.dirname, `../../schemas/${topic}/v1.json`), "utf8");
    folder = await busFolder(before, [topic], { [topic]: JSON.parse(schema) });
    [bus, server] = await Promise.all([startBus(folder), start()]);
    connection = await server.freshDatabase();
    legacy = knex(server.config(connection));
    await legacy.schema.createTable("PAYMENTS", (table) => {
      table.bigInteger("PAY_NO").primary();
      table.decimal("PAY_AMT", 18, 2).notNullable();
      table.string("PAYEE", 40);
      table.date("PAY_DT");
    });
  }, 120_000);

  afterAll(async () => {
    await legacy?.destroy();
    await server?.stop();
    await bus?.process.kill("SIGTERM");
    await bus?.process.exited;
    folder?.remove();
  });

  const issue = async (id: number) => {
    const response = await fetch(`${bus.url}/v1/topics/${topic}/events`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${bus.token}`,
        "content-type": "application/json",
        "idempotency-key": `payment-${id}`,
      },
      body: JSON.stringify(payment(id)),
    });
    expect(response.status, await response.text()).toBe(202);
  };
  const stored = async () =>
    (await legacy("PAYMENTS").select("PAY_NO", "PAY_AMT", "PAYEE").orderBy("PAY_NO")).map(
      ({ PAY_NO, PAY_AMT, PAYEE }) => [Number(PAY_NO), PAY_AMT, PAYEE],
    );
  const issued = (count: number) =>
    Array.from({ length: count }, (_, index) => [index + 1, amountOf(index + 1), `Payee ${index + 1}`]);
  const consumers = async () => (await bus.call("GET", "/v1/status")).body.topics[topic].consumers;

  test("types the README's commands and sees the whole window, then new payments within 2 s", async () => {
    for (let id = 1; id <= windowSize; id++) await issue(id);

    // The pull request is merged.
    writeFileSync(join(folder.path, "topics.yaml"), `${topicsYaml}\n`);
    await eventually(async () => (await consumers())[system] !== undefined);

    const [makeKey, ...typed] = lines;
    const operator = new Shell(folder.path, {
      ...folder.env,
      HMS_SYNC_URL: bus.url,
      HMS_SYNC_TOKEN: bus.token,
    });
    const printed = await operator.type(makeKey!.replace(/^npx hms-sync/, `"${process.execPath}" "${cli}"`));
    const [token] = /hms_\S+/.exec(printed)!;

    const home = join(packages, db);
    mkdirSync(home);
    const shell = new Shell(home, { ...npm(), HMS_SYNC_URL: bus.url, HMS_SYNC_TOKEN: token });
    const outputs = new Map<string, string>();
    for (const line of typed.slice(0, -1)) {
      if (line === "npm run check") writeFileSync(shell.path("mapping.yaml"), `${mappingYaml}\n`);
      outputs.set(line, await shell.type(line.replace("--db postgres", `--db ${db}`)));
    }
    expect(outputs.get("npm run check")).toContain('PAY_AMT  "1234.56"  <- payload.amount');
    expect(outputs.get("npm test")).toMatch(/^\S pass 3\n\S fail 0$/m);
    expect(await stored()).toEqual([]);

    const { user, password, host, port, database } = connection;
    const example = readFileSync(shell.path(".env"), "utf8");
    const address = `${url}://${user}:${password}@${host}:${port}/${database}`;
    writeFileSync(shell.path(".env"), example.replace(/^DATABASE_URL=.*$/m, `DATABASE_URL=${address}`));
    expect(typed.at(-1)).toBe("npm start");
    const adapter = await shell.start("npm start");
    await eventually(async () => (await stored()).length >= windowSize, { timeoutMs: 60_000 });
    expect(await stored()).toEqual(issued(windowSize));

    for (let id = windowSize + 1; id <= windowSize + 3; id++) {
      const sent = performance.now();
      await issue(id);
      await eventually(async () => (await stored()).length === id);
      expect(performance.now() - sent).toBeLessThan(2_000);
    }
    expect(await stored()).toEqual(issued(windowSize + 3));
    await eventually(async () => (await consumers())[system].owed === 0);
    expect((await consumers())[system]).toMatchObject({ acked: windowSize + 3, dead: 0 });
    await adapter.killTree();
  }, 240_000);
});
