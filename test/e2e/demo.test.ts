import { mkdtempSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import Database from "libsql";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { run, spawnNode } from "../support/process.js";
import { processesWorkingIn } from "../support/process-table.js";

const root = resolve(import.meta.dirname, "../..");
const demo = join(root, "scripts/demo.mjs");
const agree = /^HMS, city-health and ehr-clinic agree on all 5 inspections\.$/m;

let state: string;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "demo-"));
});

/** Bus, Redis, adapters and Laravel all work in the state's folder. */
afterEach(() => eventually(() => processesWorkingIn(state).length === 0));

/** City Health moved one: HMS and the clinic have the row, City Health got nothing back. */
const wayBack =
  /^City Health moves inspection \d+ to .* in its calendar; .*\n\n {2}HMS +\d+ ms\n {2}ehr-clinic +\d+ ms\n {2}city-health +is not told what it told itself$/m;
const rowOf = (id: number) => new RegExp(`^  ${id} +(\\d+|under 1) ms +(\\d+|under 1) ms$`, "m");

test("npm run demo -- --once sets up, shows five inspections in both databases with their times, and ends with 0", async () => {
  const { code, stdout, stderr } = await run("npm", ["run", "demo", "--", "--once", `--state=${state}`], {
    cwd: root,
  });
  expect(stdout, stderr).toMatch(agree);
  expect(stdout).toMatch(/^ {2}bus +http:\/\/127\.0\.0\.1:\d+, with a Redis of its own/m);
  for (const id of [1, 2, 3, 4, 5]) expect(stdout).toMatch(rowOf(id));
  expect(stdout).toMatch(wayBack);
  expect(code).toBe(0);
}, 60_000);

test("it keeps running until Ctrl-C and leaves nothing behind; a second demo goes on where the first ended, with new keys", async () => {
  const first = await spawnNode([demo, `--state=${state}`], { cwd: root });
  await first.waitForLine(/^Ctrl-C stops everything\.$/, 30_000);
  expect(first.stdout()).toMatch(agree);
  const refused = await run(process.execPath, [demo, "--once", `--state=${state}`], { cwd: root });
  expect(refused.stdout).toMatch(new RegExp(`a demo already runs on .* \\(process ${first.pid}\\)`));
  expect(refused.code).toBe(1);
  expect(await first.kill("SIGINT")).toEqual({ code: 0, signal: null });
  await eventually(() => processesWorkingIn(state).length === 0);

  const second = await run(process.execPath, [demo, "--once", `--state=${state}`], { cwd: root });
  expect(second.stdout).toMatch(/city-health .*\(the key of the last demo is revoked\)/);
  expect(second.stdout).toMatch(rowOf(6));
  expect(second.stdout).toMatch(agree);
  expect(second.stdout).toMatch(wayBack);
  expect(second.code).toBe(0);
}, 90_000);

test("Ctrl-C while it starts stops what has started", async () => {
  const child = await spawnNode([demo, `--state=${state}`], { cwd: root });
  await child.waitForLine(/^ {2}bus /, 30_000);
  expect(await child.kill("SIGINT")).toEqual({ code: 0, signal: null });
  expect(child.output()).not.toMatch(/^\s+at /m);
}, 60_000);

test("--once ends with 1 and names what is missing when a database takes no rows", async () => {
  refuseRows(join(state, "ehr-clinic.sqlite"));
  const words = [demo, "--once", `--state=${state}`, "--timeout=4"];
  const { code, stdout, stderr } = await run(process.execPath, words, { cwd: root });
  expect(stdout).toMatch(/^The databases do not agree:$/m);
  for (const id of [1, 2, 3, 4, 5]) {
    expect(stdout).toMatch(new RegExp(`^  ehr-clinic has no row for inspection ${id}$`, "m"));
  }
  expect(stdout).not.toMatch(/city-health has no row/);
  expect(code).toBe(1);
  expect(stdout + stderr).not.toMatch(/^\s+at /m);
  const log = /what ehr-clinic says: (\S+)$/m.exec(stdout)![1]!;
  expect(readFileSync(resolve(root, log), "utf8")).toMatch(/the handler refuses the event for good/);
}, 60_000);

test("when the bus cannot start it says why in one line and ends with 1", async () => {
  const { code, stdout, stderr } = await run(process.execPath, [demo, "--once", `--state=${state}`], {
    cwd: root,
    env: { PATH: "/nonexistent" },
  });
  expect(stdout).toMatch(/^bus ended \(1\): .*(flock|redis-server).* install .*\nits log: /m);
  expect(code).toBe(1);
  expect(stdout + stderr).not.toMatch(/^\s+at /m);
});

test("a taken port 8480 is no obstacle", async () => {
  const server = createServer();
  const ours = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false)); // a bus of the user's has it: as good
    server.listen(8480, "127.0.0.1", () => resolve(true));
  });
  try {
    const child = await spawnNode([demo, `--state=${state}`], { cwd: root });
    await child.waitForLine(/^ {2}bus .*\(port 8480 is taken\)$/, 30_000);
    expect((await child.kill("SIGTERM")).code).toBe(0);
  } finally {
    if (ours) await new Promise((closed) => server.close(closed));
  }
}, 60_000);

test("an unknown option is refused with the usage and 2", async () => {
  const { code, stderr } = await run(process.execPath, [demo, "--twice"], { cwd: root });
  expect(stderr).toMatch(/--twice.*\nusage: npm run demo -- \[--once\]/s);
  expect(code).toBe(2);
});

/** A register whose table has a rule that no line keeps. */
function refuseRows(path: string): void {
  const database = new Database(path);
  database.exec(`CREATE TABLE inspection_register (
    line_id INTEGER PRIMARY KEY, inspection TEXT, outcome TEXT, inspector TEXT CHECK (inspector = ''),
    occurred_on INTEGER, entered_at INTEGER)`);
  database.close();
}
