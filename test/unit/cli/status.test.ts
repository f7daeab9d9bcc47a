import { expect, test } from "vitest";
import { type BusStatus, statusInWords } from "../../../src/cli/status-text.js";
import { cliRun } from "./fake-cli.js";

const busStatus: BusStatus = {
  state: "ok",
  problems: [],
  redis: { used_bytes: 1_500_000, max_bytes: 0, durability: "everysec" },
  sidecars: 2,
  intake: {
    leader: false,
    epoch: 0,
    backlog: 12,
    doors: { stream: "at least once", pubsub: "best effort" },
    counters: { "stream.read": 5, "pubsub.read": 9, "pubsub.empty": 2, "pubsub.rejected": 0 },
  },
  rejects: 3,
  topics: {
    "inspections.status": {
      qos: "exactly_once",
      version: 1,
      retention_ms: 604_800_000,
      recorded: 42,
      kept: 40,
      consumers: {
        "city-health": { owed: 7, open: 1, acked: 35, skipped: 3, dead: 0, waiting_pulls: 0 },
        "ehr-clinic": { owed: 0, open: 0, acked: 41, skipped: 0, dead: 1, waiting_pulls: 2 },
      },
    },
  },
};

test("status tells state, durability, doors and what each consumer is owed, in words", async () => {
  const run = await cliRun(["status"], () => busStatus);
  expect(run.code).toBe(0);
  expect(run.stdout.split("\n")).toEqual([
    "state       ok",
    "durability  everysec: a crash of Redis may lose about 2 s of events",
    "memory      1.5 MB in use, no limit",
    "sidecars    2 running",
    "intake      read by another sidecar, 12 waiting",
    "  stream    at least once; so far 5 read",
    "  pubsub    best effort; so far 9 read, 2 empty (not encodable by Laravel, lost)",
    "rejects     3 (see: hms-sync rejects)",
    "",
    "TOPIC               QOS           VERSION  RETENTION  RECORDED  KEPT",
    "inspections.status  exactly_once  v1       7d               42    40",
    "",
    "TOPIC               CONSUMER     OWED  OPEN  ACKED  SKIPPED  DEAD  WAITING",
    "inspections.status  city-health     7     1     35        3     0        0",
    "inspections.status  ehr-clinic      0     0     41        0     1        2",
    "",
  ]);
});

test("a red state names its problems and exits 1", async () => {
  const red = { ...busStatus, state: "red", problems: ["Redis uses 90 % of its maxmemory"] };
  const run = await cliRun(["status"], () => red);
  expect(run.code).toBe(1);
  expect(run.stdout).toMatch(/^state {7}red\nproblem {5}Redis uses 90 % of its maxmemory\n/);
  expect((await cliRun(["status", "--json"], () => red)).code).toBe(1);
});

test("--json is the bus's own answer on one line", async () => {
  const run = await cliRun(["status", "--json"], () => busStatus);
  expect(run.stdout).toBe(`${JSON.stringify(busStatus)}\n`);
});

test("colours are for terminals only", () => {
  const output = { write: async () => {}, note: () => {} };
  expect(statusInWords(busStatus, { ...output, colours: false })).not.toContain("\u001b");
  expect(statusInWords(busStatus, { ...output, colours: true })).toContain("\u001b[1;32mok\u001b[0m");
});
