import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach } from "vitest";
import { eventually } from "./eventually.js";
import { killSpawned, type SpawnedProcess, spawnedBefore } from "./process.js";
import {
  descendantsOf,
  type ProcessEntry,
  processesWorkingIn,
  processTable,
  sendSignal,
} from "./process-table.js";

/*
 * Setup file of every test file. What `spawnProcess` started ends with its test. Everything else that still runs or
 * is still connected when the file ends fails the run: children, orphans in the file's temporary directory, sockets.
 */
const GRACE_MS = 3_000; // what was told to end may need a moment

const directory = mkdtempSync(join(tmpdir(), "file-"));
process.env.TMPDIR = directory; // read by os.tmpdir(), here and in every child

const sockets = openSockets().length;
const inherited = new Set(descendantsOf(process.pid).map(({ pid }) => pid));
let kept: ReadonlySet<SpawnedProcess> = new Set();

beforeEach(() => {
  kept = spawnedBefore();
});

afterEach(async () => {
  const spawnedInTest = [...spawnedBefore()].some((spawned) => !kept.has(spawned));
  await killSpawned(kept);
  if (spawnedInTest) killAll(orphans());
});

afterAll(async () => {
  await killSpawned();
  const leaks = await eventually(nothingLeft, { timeoutMs: GRACE_MS }).then(() => [], everythingLeft);
  killAll(leftBehind());
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  if (leaks.length > 0) throw new Error(`this test file leaves behind:\n${leaks.join("\n")}`);
});

function nothingLeft(): boolean {
  return everythingLeft().length === 0;
}

function everythingLeft(): string[] {
  return [
    ...leftBehind().map(({ pid, command }) => `process ${pid}: ${command}`),
    ...openSockets().slice(sockets),
  ];
}

function leftBehind(): ProcessEntry[] {
  const table = processTable();
  const below = descendantsOf(process.pid, table).filter(({ pid }) => !inherited.has(pid));
  return [...below, ...orphans(table)];
}

/** Processes of this file whose parent is dead: a killed sidecar's redis-server. */
function orphans(table = processTable()): ProcessEntry[] {
  const own = new Set(descendantsOf(process.pid, table).map(({ pid }) => pid));
  return processesWorkingIn(directory, table).filter(({ pid }) => pid !== process.pid && !own.has(pid));
}

function openSockets(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((type) => type === "TCPSocketWrap" || type === "TCPServerWrap");
}

function killAll(processes: readonly ProcessEntry[]): void {
  for (const { pid } of processes) sendSignal(pid, "SIGKILL");
}
