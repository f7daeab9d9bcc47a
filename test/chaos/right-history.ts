import type { Observation } from "./observation.js";
import type { Attempt, Operation } from "./operation-log.js";

export const TOPIC = "inspections.status";
export const ok = (at = 1_000, door: Attempt["door"] = "http"): Attempt => ({
  at,
  door,
  outcome: "ok",
  detail: "202",
});
export const refused: Attempt = {
  at: 1_000,
  door: "http",
  outcome: "failed",
  detail: "422 schema_violation",
};
const payload = (n: number) => `{"n":${n},\n "key":"k"}`;
const oneLine = (n: number) => `{"n":${n},"key":"k"}`;

export function operation(n: number, attempts: Attempt[], more: Partial<Operation> = {}): Operation {
  return {
    id: `op-${n}`,
    topic: TOPIC,
    source: "cli",
    key: "k",
    payload: payload(n),
    bad: false,
    attempts,
    ...more,
  };
}

export const row = (seq: number, n: number, consumer = "city-health") => ({
  ...{ seq, consumer, topic: TOPIC, event: `op-${n}`, body: oneLine(n), replayed: false },
});

/** Two events, one accepted at the second try; two consumers; a bad event by either door; Redis was away for a while. */
export const right: Observation = {
  operations: [
    operation(1, [ok()]),
    operation(2, [{ ...ok(), outcome: "unknown" }, ok(1_300)]),
    operation(3, [refused], { bad: true, id: "bad-3" }),
    operation(4, [ok(1_000, "xadd")], { bad: true, id: "bad-4" }),
  ],
  ledger: new Map([[TOPIC, [1, 2].map((n) => ({ id: `op-${n}`, source: "cli", payload: oneLine(n) }))]]),
  accounts: [
    ...["city-health", "probe"].map((consumer) => ({
      ...{ topic: TOPIC, consumer, recorded: 2, acked: 2, owed: 0, dead: 0, skipped: 0 },
    })),
    { topic: TOPIC, consumer: "treasury", recorded: 2, acked: 1, owed: 0, dead: 1, skipped: 0 },
  ],
  deadLetters: [{ topic: TOPIC, consumer: "treasury", event: "op-2", reason: "handler" }],
  rows: [row(1, 1), row(2, 2), row(3, 1, "treasury"), row(4, 1, "treasury")],
  lanes: [
    { topic: TOPIC, consumer: "city-health", once: true },
    { topic: TOPIC, consumer: "treasury", once: false },
  ],
  ordered: [{ topic: TOPIC, consumer: "city-health" }],
  steps: [{ at: 1, word: "done", topic: TOPIC, consumer: "city-health", id: "op-1" }],
  probe: {
    consumer: "probe",
    ackWaitMs: 2_000,
    deliveries: [
      { id: "op-1", token: "r1.1.0", askedAt: 10, at: 11, replayed: false },
      { id: "op-1", token: "r1.2.0", askedAt: 2_000, at: 2_001, replayed: false },
      { id: "op-1", token: "r9.1.0", askedAt: 9_000, at: 9_001, replayed: true },
    ],
    settles: [
      { id: "op-1", token: "r1.1.0", action: "extend", result: "ok", stale: false, sentAt: 0, at: 1 },
      { id: "op-1", token: "r1.1.0", action: "ack", result: "stale", stale: true, sentAt: 2_001, at: 2_002 },
      { id: "op-1", token: "r1.2.0", action: "ack", result: "ok", stale: false, sentAt: 2_002, at: 2_003 },
    ],
  },
  samples: [
    { at: 500, until: 510, sidecar: "sidecar-1", ready: 200, status: 200, state: "ok", rssKb: 150_000 },
    {
      at: 40_000,
      until: 40_010,
      sidecar: "sidecar-1",
      ready: 503,
      status: 503,
      state: undefined,
      rssKb: 150_000,
    },
  ],
  trespasses: [{ at: 1, what: "GET /v1/dead-letters", status: 403 }],
  outages: [{ from: 30_000, to: 50_000 }],
  losses: [],
  stillTold: [],
  rejects: [`["id","bad-4","data",${payload(4)}]`],
  rejectCount: 1,
  ends: [
    { title: "sidecar-1", at: 1, code: null, signal: "SIGKILL", expected: true, lastWords: "" },
    { title: "sidecar-1", at: 2, code: 1, signal: null, expected: false, lastWords: '{"level":"error"}' },
    {
      ...{ title: "sidecar-2", at: 3, code: 1, signal: null, expected: false },
      lastWords: 'error: Redis has maxmemory-policy "allkeys-lru"',
    },
  ],
  logs: '{"level":"info","msg":"reading the intake"}',
  drains: [{ ms: 4_000, left: [], last: ["x is owed 1"] }],
  redisBytes: 4_000_000,
  laravel: { source: "hms-api", committed: new Set(), outbox: [] },
};
