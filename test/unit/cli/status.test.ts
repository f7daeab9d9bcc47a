import { expect, test } from "vitest";
import { type BusStatus, statusInWords } from "../../../src/cli/status-text.js";
import { cliRun } from "./fake-cli.js";

const busStatus: BusStatus = {
  state: "ok",
  problems: [],
  registry: { digest: "0123456789abcdef0123456789abcdef", since: "2024-04-23T15:02:11.000Z" },
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
        "city-health": { version: 1, owed: 7, open: 1, acked: 35, skipped: 3, dead: 0, waiting_pulls: 0 },
        "ehr-clinic": { version: 2, owed: 0, open: 0, acked: 41, skipped: 0, dead: 1, waiting_pulls: 2 },
      },
    },
  },
  leaving: [],
};

test("status tells state, durability, doors and what each consumer is owed, in words", async () => {
  const run = await cliRun(["status"], () => busStatus);
  expect(run.code).toBe(0);
  expect(run.stdout.split("\n")).toEqual([
    "state       ok",
    "registry    in force since 2024-04-23T15:02:11.000Z (0123456789ab)",
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
    "TOPIC               CONSUMER     GETS  OWED  OPEN  ACKED  SKIPPED  DEAD  WAITING",
    "inspections.status  city-health  v1       7     1     35        3     0        0",
    "inspections.status  ehr-clinic   v2       0     0     41        0     1        2",
    "",
  ]);
});

test("a newcomer's progress, and what is kept for who has left, are told below", async () => {
  const topic = busStatus.topics["inspections.status"]!;
  const newcomer = { ...topic.consumers["city-health"]!, catching_up: { done: 10, of: 40 } };
  const run = await cliRun(["status"], () => ({
    ...busStatus,
    topics: { "inspections.status": { ...topic, consumers: { treasury: newcomer } } },
    leaving: [{ topic: "inspections.status", consumer: "old-clinic", owed: 12, dead: 1 }],
  }));
  expect(run.stdout.split("\n").slice(-7)).toEqual([
    "treasury is catching up on inspections.status: 10 of 40 (25 %)",
    "",
    "No longer in topics.yaml, and still holding what they are owed:",
    "TOPIC               CONSUMER    OWED  DEAD",
    "inspections.status  old-clinic    12     1",
    "put old-clinic back, or: hms-sync retire old-clinic",
    "",
  ]);
});

test("a replay under way, and events that wait for their key, are told below", async () => {
  const topic = busStatus.topics["inspections.status"]!;
  const replay = { replay: "p1", running: true, done: 10, of: 40 };
  const delivery = { ...topic.consumers["city-health"]!, replay, parked: 7 };
  const handedOn = { ...delivery, replay: { ...replay, running: false, done: 30 }, parked: 0 };
  const run = await cliRun(["status"], () => ({
    ...busStatus,
    topics: { "inspections.status": { ...topic, consumers: { "city-health": delivery, clinic: handedOn } } },
  }));
  expect(run.stdout.split("\n").slice(-4)).toEqual([
    "city-health is given inspections.status once more: 10 of 40 (25 %)",
    "city-health has 7 events of inspections.status waiting for an earlier one of the same key",
    "clinic is given inspections.status once more: 30 of 40 (75 %), all handed on; the rest is open",
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
