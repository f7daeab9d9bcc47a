import { randomUUID } from "node:crypto";
import { copyFileSync, cpSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import Database from "libsql";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { processOutput } from "../../src/cli/output.js";
import { statusInWords } from "../../src/cli/status-text.js";
import { select, tokenOf } from "../support/adapters.js";
import { type BusFolder, busFolder, cli, type RunningBus, startBus } from "../support/bus.js";
import { eventually } from "../support/eventually.js";
import { run, type SpawnedProcess, spawnNode } from "../support/process.js";

const root = resolve(import.meta.dirname, "../..");
const guide = readFileSync(join(root, "docs/adapter-guide.md"), "utf8");
/** The guide's blocks by their kind and name: `js adapter.mjs`. */
const blocks = new Map(
  [...guide.matchAll(/^```(\w+ \S+)\n([\s\S]*?)^```$/gm)].map(([, name, text]) => [name!, text!]),
);
const schema = JSON.parse(readFileSync(join(root, "schemas/inspections.status/v1.json"), "utf8"));
/** As its first version, with `completedBy` called `inspector`. */
const renamed = JSON.parse(JSON.stringify(schema).replaceAll("completedBy", "inspector"));

const topics = ["ack", "schema", "qos", "replay"].map((pitfall) => `inspections.status.${pitfall}`);
const quick = "ack_wait: 1s, max_deliver: 2, backoff: [1s]"; // the guide tells the defaults: 30s, 20
const entry = (topic: string) => `${topic}:
  qos: exactly_once
  retention: 7d
  schema: v1
  producers: [hms-api]
  consumers:
    - {name: city-health${topic.endsWith("ack") ? `, ${quick}` : ""}}
    - ehr-clinic
`;
/** Programs stand below the workspace, so that they find @hms-sync/client and knex. */
const programs = join(root, ".cache", `guide-${process.pid}`);
const prelude = "globalThis.updateLegacyCalendar = async (id) => console.log(`calendar`, id);\n";

/** For a machine that does other things besides. */
const patience = { timeoutMs: 20_000 };
const output = processOutput();
let folder: BusFolder;
let bus: RunningBus;
let token: string;
let topic: string;

beforeAll(async () => {
  folder = await busFolder(
    topics.map(entry).join(""),
    topics,
    Object.fromEntries(topics.map((name) => [name, schema])),
  );
  await mkdir(programs, { recursive: true });
  await writeFile(join(programs, "prelude.mjs"), prelude);
  bus = await startBus(folder);
  token = await tokenOf(bus, "city-health");
});
afterAll(async () => {
  await bus.process.kill("SIGTERM");
  await bus.process.exited;
  folder.remove();
  await rm(programs, { recursive: true });
});
/** Each pitfall has a topic of its own on the one bus: none needs another to have run. */
beforeEach(({ task }) => {
  topic = topics.find((name) => task.name.startsWith(name.split(".").at(-1)!))!;
});

/** A block of the guide, with the topic of this test for its own. */
function block(name: string): string {
  const text = blocks.get(name);
  if (text === undefined) throw new Error(`docs/adapter-guide.md has no block ${name}`);
  return text.replaceAll("inspections.status", topic);
}

async function hmsSync(...words: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = { ...folder.env, HMS_SYNC_URL: bus.url, HMS_SYNC_TOKEN: bus.token };
  return await run(process.execPath, [cli, ...words], { cwd: folder.path, env });
}

/** Types the lines of a block into a shell; gives what the last one did. */
async function typed(name: string): ReturnType<typeof hmsSync> {
  const env = { ...folder.env, HMS_SYNC_URL: bus.url, HMS_SYNC_TOKEN: bus.token };
  const line = block(name)
    .trim()
    .replaceAll(/^npx hms-sync/gm, `"${process.execPath}" "${cli}"`);
  return await run("sh", ["-ec", line], { cwd: folder.path, env });
}

async function start(name: string, database = ""): Promise<SpawnedProcess> {
  const file = join(programs, `${topic}-${name}`);
  await writeFile(file, block(`js ${name}`));
  const env = { HMS_SYNC_URL: bus.url, HMS_SYNC_TOKEN: token, DATABASE_URL: database };
  return await spawnNode(["--import", join(programs, "prelude.mjs"), file], { env });
}

async function publish(payload: object): Promise<void> {
  const response = await fetch(`${bus.url}/v1/topics/${topic}/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${bus.token}`,
      "content-type": "application/json",
      "idempotency-key": randomUUID(),
    },
    body: JSON.stringify(payload),
  });
  expect(response.status).toBe(202);
}

/** As the status has the consumer of this test's topic. */
async function delivery(): Promise<Record<string, number>> {
  return (await bus.call("GET", "/v1/status")).body.topics[topic].consumers["city-health"];
}

/** The rows of a table of this test's topic, as objects by its headings, the guide's or the command's. */
function rowsOf(table: string): Record<string, string>[] {
  const [header, ...rows] = table
    .split("\n")
    .filter((line) => /^(ID|TOPIC) /.test(line) || line.includes(topic));
  const names = header!.trim().split(/ {2,}/);
  return rows.map((row) =>
    Object.fromEntries(
      row
        .trim()
        .split(/ {2,}/)
        .map((cell, n) => [names[n], cell]),
    ),
  );
}

/** What the guide shows of the consumer is what `hms-sync status` comes to print of an answer of this bus. */
async function showsInStatus(name: string): Promise<void> {
  const [shown] = rowsOf(block(`text ${name}`));
  await eventually(async () => {
    const { body } = await bus.call("GET", "/v1/status");
    const [, table] = statusInWords(body, { ...output, colours: false }).split(/(?=^TOPIC +CONSUMER)/m);
    const found = rowsOf(table!).find(({ CONSUMER }) => CONSUMER === "city-health");
    expect({ ...found, WAITING: shown!.WAITING }).toEqual(shown);
  }, patience);
}

function calendar(name: string): string {
  const file = join(folder.path, name);
  const database = new Database(file);
  database.exec("CREATE TABLE CALENDAR (INSP_NO INTEGER PRIMARY KEY, DONE_BY TEXT)");
  database.close();
  return file;
}

const written = (database: string) =>
  select(database, "SELECT INSP_NO, DONE_BY FROM CALENDAR ORDER BY INSP_NO");

test("every block of the guide is one of those run here", () => {
  const known = [
    "js adapter.mjs",
    "js forgotten-ack.mjs",
    "text status",
    "text dead",
    "sh redrive",
    "sh diff",
    "text diff",
  ];
  known.push("yaml v2.casts.yaml", "yaml mixed", "sh validate", "text validate", "text settled", "sh replay");
  expect([...blocks.keys()]).toEqual(known);
  expect([...guide.matchAll(/^```\w+/gm)]).toHaveLength(known.length);
});

test("ack forgotten: owed and open in status, done again after ack_wait, a dead letter in the end; redriven when mended", async () => {
  for (const inspectionId of [41, 42, 43]) await publish({ inspectionId });
  const forgetful = await start("forgotten-ack.mjs");
  await forgetful.waitForLine(/^calendar 43$/);
  await showsInStatus("status");
  await eventually(async () => (await delivery()).dead === 3, patience);
  const letters = rowsOf((await hmsSync("dead", "--topic", topic)).stdout);
  await forgetful.kill("SIGTERM");
  expect(forgetful.stdout().match(/^calendar 41$/gm)!.length).toBeGreaterThan(1);
  expect(letters[0]).toMatchObject(rowsOf(block("text dead"))[0]!);

  const database = calendar("ack.sqlite");
  await start("adapter.mjs", database);
  expect((await typed("sh redrive")).code).toBe(0);
  await eventually(() => written(database).length === 3, patience);
}, 60_000);

test("schema broken in place: topics diff refuses it; as a version of its own the adapter sees no difference", async () => {
  const changed = join(folder.path, "changed");
  cpSync(join(folder.path, "schemas"), join(changed, "schemas"), { recursive: true });
  copyFileSync(join(folder.path, "topics.yaml"), join(changed, "topics.yaml"));
  const inPlace = { ...renamed, required: [...renamed.required, "inspector"] };
  await writeFile(join(changed, "schemas", topic, "v1.json"), JSON.stringify(inPlace));
  const { code, stdout } = await typed("sh diff");
  expect(code).toBe(1);
  expect(stdout).toContain(block("text diff"));

  const database = calendar("schema.sqlite");
  await start("adapter.mjs", database);
  await publish({ inspectionId: 51, completedBy: "OLD" });
  await eventually(() => written(database).length === 1, patience);
  const schemas = join(folder.path, "schemas", topic);
  await writeFile(join(schemas, "v2.json"), JSON.stringify(renamed));
  await writeFile(join(schemas, "v2.casts.yaml"), block("yaml v2.casts.yaml"));
  const file = join(folder.path, "topics.yaml");
  const text = readFileSync(file, "utf8");
  await writeFile(file, text.replace(entry(topic), entry(topic).replace("schema: v1", "schema: v2")));
  await eventually(
    async () => (await bus.call("GET", "/v1/status")).body.topics[topic].version === 2,
    patience,
  );
  await publish({ inspectionId: 52, inspector: "NEW" });
  await eventually(() => written(database).length === 2, patience);
  expect(written(database)).toEqual([
    { INSP_NO: 51, DONE_BY: "OLD" },
    { INSP_NO: 52, DONE_BY: "NEW" },
  ]);
}, 60_000);

test("qos mixed: validate refuses the file, and the running bus goes on with the one before, red in status", async () => {
  const file = join(folder.path, "topics.yaml");
  const text = readFileSync(file, "utf8");
  const mixed = entry(topic).replace("    - ehr-clinic\n", block("yaml mixed"));
  const status = async () => (await bus.call("GET", "/v1/status")).body;
  const before = (await status()).registry.digest;
  await writeFile(file, text.replace(entry(topic), mixed));
  try {
    const { code, stderr } = await typed("sh validate");
    expect(code).toBe(1);
    expect(stderr).toContain(block("text validate").trim());
    const refused = await eventually(
      async () => (await status()).state === "red" && (await status()),
      patience,
    );
    expect(refused.problems.join("\n")).toContain(block("text validate").trim());
    expect(refused.registry.digest).toBe(before);
    await publish({ inspectionId: 61 });
  } finally {
    await writeFile(file, text);
  }
  await eventually(async () => (await status()).state === "ok", patience);
}, 60_000);

test("replay missing: after a backup is restored nothing comes by itself, and the replay writes what it lacks, once", async () => {
  const database = calendar("replay.sqlite");
  await publish({ inspectionId: 71 });
  const adapter = await start("adapter.mjs", database);
  await eventually(() => written(database).length === 1, patience);
  await adapter.kill("SIGTERM");
  const backup = join(folder.path, "backup.sqlite");
  copyFileSync(database, backup);
  const again = await start("adapter.mjs", database);
  for (const inspectionId of [72, 73]) await publish({ inspectionId });
  await eventually(() => written(database).length === 3, patience);
  await showsInStatus("settled");
  await again.kill("SIGTERM");

  await start("adapter.mjs", backup);
  await eventually(async () => (await delivery()).waiting_pulls! > 0, patience);
  await showsInStatus("settled");
  expect(written(backup)).toHaveLength(1);
  const replayed = await typed("sh replay");
  expect([replayed.code, replayed.code === 0 ? "" : replayed.stderr]).toEqual([0, ""]);
  await eventually(() => written(backup).length === 3, patience);
  expect(select(backup, "SELECT * FROM hms_sync_once")).toHaveLength(3);
}, 60_000);
