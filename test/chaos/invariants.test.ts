import { describe, expect, test } from "vitest";
import { STALE_REASON } from "./delivery-invariants.js";
import { type InvariantName, violationsOf } from "./invariants.js";
import type { Observation } from "./observation.js";
import { SECRET } from "./payloads.js";
import { ok, operation, refused, right, row, TOPIC } from "./right-history.js";

/*
 * A history that is right, and the same one wrong in one way each: every invariant is seen red, and it alone.
 */
test("a history in which all is well has no violation", () => {
  expect(violationsOf(right)).toEqual([]);
});

const entries = right.ledger.get(TOPIC)!;
const ledger = (...all: { id: string; source: string; payload: string }[]) => new Map([[TOPIC, all]]);
const account = (more: object) => [{ ...right.accounts[0]!, ...more }, ...right.accounts.slice(1)];
const probe = (more: Partial<Observation["probe"]>) => ({ ...right.probe, ...more });

const wrong: [InvariantName, string, Partial<Observation>, RegExp][] = [
  [
    "I1",
    "an accepted event is not in the ledger",
    { operations: [...right.operations, operation(9, [ok()])] },
    /op-9 was accepted/,
  ],
  [
    "I1",
    "an event nobody published",
    { operations: right.operations.slice(1), rows: [row(1, 1), row(2, 2), row(3, 1, "treasury")] },
    /nobody published/,
  ],
  [
    "I1",
    "an event under another's name",
    { ledger: ledger({ ...entries[0]!, source: "treasury" }, entries[1]!) },
    /as treasury's/,
  ],
  ["I2", "acked, owed and dead do not add up", { accounts: account({ acked: 1 }) }, /acked 1 \+ owed 0/],
  ["I2", "an event counted twice", { accounts: account({ owed: 1 }) }, /= 3, but 2/],
  [
    "I2",
    "an event that its consumer never wrote",
    { rows: right.rows.slice(1) },
    /city-health never wrote .*op-1/,
  ],
  [
    "I2",
    "one dead letter twice",
    { deadLetters: [...right.deadLetters, ...right.deadLetters] },
    /dead letter twice/,
  ],
  [
    "I2",
    "a consumer that status does not know",
    { accounts: right.accounts.slice(1) },
    /nothing of city-health/,
  ],
  [
    "I2",
    "a delivery after the ack",
    {
      probe: probe({
        deliveries: [
          ...right.probe.deliveries,
          { id: "op-1", token: "r3.1.0", askedAt: 3_000, at: 3_001, replayed: false },
        ],
      }),
    },
    /came 997 ms after its ack/,
  ],
  [
    "I2",
    "an event handed out again while its lease holds",
    {
      probe: probe({
        settles: [{ ...right.probe.settles[0]!, action: "extend", sentAt: 500, at: 510 }],
      }),
    },
    /again 1501 ms after its lease had been extended/,
  ],
  ["I3", "an effect twice with once", { rows: [...right.rows, row(5, 2)] }, /took effect twice/],
  [
    "I4",
    "an event of Laravel's that was rolled back",
    { laravel: { source: "cli", committed: new Set(["op-1"]), outbox: ["op-1"] } },
    /op-2 was delivered/,
  ],
  [
    "I4",
    "an event that Laravel committed and nobody relayed",
    {
      operations: [
        ...right.operations,
        operation(5, [{ ...ok(), outcome: "unknown" }], { source: "hms-api" }),
      ],
      laravel: { source: "hms-api", committed: new Set(["op-5"]), outbox: ["op-5"] },
    },
    /op-5 was committed by Laravel and is not in the ledger/,
  ],
  [
    "I5",
    "two events of a key relayed in the wrong order",
    { laravel: { source: "cli", committed: new Set(["op-1", "op-2"]), outbox: ["op-2", "op-1"] } },
    /op-2 of key k was recorded after op-1, which Laravel fired later/,
  ],
  [
    "I5",
    "two events of a key in the wrong order",
    { rows: [row(1, 2), row(2, 1), ...right.rows.slice(2)] },
    /op-1 of key k was written after op-2/,
  ],
  [
    "I6",
    "another's event in an adapter",
    { steps: [{ at: 1, word: "begin", topic: "notes", consumer: "city-health", id: "x" }] },
    /was given an event of notes/,
  ],
  [
    "I6",
    "another's key is good enough",
    { trespasses: [{ at: 1, what: "POST pull", status: 200 }] },
    /answered 200/,
  ],
  ["I6", "a payload in a log", { logs: `{"msg":"${SECRET}"}` }, /logged part of a payload/],
  [
    "I7",
    "a superseded token settles",
    { probe: probe({ settles: [{ ...right.probe.settles[1]!, result: "ok", action: "nack" }] }) },
    /superseded token r1\.1\.0 was answered ok/,
  ],
  [
    "I7",
    "a superseded token kills an event, unanswered",
    {
      deadLetters: [
        ...right.deadLetters,
        { topic: TOPIC, consumer: "probe", event: "op-1", reason: STALE_REASON },
      ],
    },
    /dead letter by a superseded token/,
  ],
  [
    "I8",
    "something owed after a minute",
    { drains: [{ ms: 60_001, left: ["x is owed 1"], last: [] }] },
    /x is owed 1/,
  ],
  [
    "I8",
    "a sidecar that grows",
    { samples: [{ ...right.samples[0]!, rssKb: 2_000_000 }] },
    /grew to 2000000/,
  ],
  ["I8", "a Redis that grows", { redisBytes: 2 ** 30 }, /Redis holds/],
  [
    "I9",
    "a bad event that leaves no trace",
    { rejects: [], rejectCount: 0 },
    /neither in the ledger nor a reject/,
  ],
  [
    "I9",
    "a bad event taken",
    { operations: [...right.operations, operation(5, [ok()], { bad: true, id: "bad-5" })] },
    /answered 202/,
  ],
  [
    "I9",
    "a good event refused",
    { operations: [...right.operations, operation(5, [refused])] },
    /is good and was refused/,
  ],
  [
    "I9",
    "well without Redis",
    { samples: [{ ...right.samples[0]!, at: 45_000 }] },
    /called itself well 15000 ms/,
  ],
  ["I9", "a sidecar that ends without a word", { ends: [{ ...right.ends[1]!, code: 0 }] }, /said no error/],
  ["I9", "a sidecar that stumbles over itself", { logs: "TypeError: x is not a function" }, /stumbled/],
  [
    "I10",
    "a number typed anew on its way",
    { rows: [{ ...row(1, 1), body: '{"n":1.0,"key":"k"}' }, ...right.rows.slice(1)] },
    /wrote another payload/,
  ],
  [
    "I10",
    "another payload in the ledger",
    { ledger: ledger({ ...entries[0]!, payload: "{}" }, entries[1]!) },
    /in the ledger than was sent/,
  ],
];

describe("red, and no other invariant with it:", () => {
  test.each(wrong)("%s: %s", (invariant, _what, change, said) => {
    const violations = violationsOf({ ...right, ...change });
    expect(violations.map((each) => each.invariant)).toEqual(violations.map(() => invariant));
    expect(violations.map(({ what }) => what).join("\n")).toMatch(said);
  });

  test("each invariant is among them", () => {
    expect(new Set(wrong.map(([invariant]) => invariant)).size).toBe(10);
  });
});

test("I1: a duplicate in the ledger is seen", () => {
  const seen = {
    ...right,
    ledger: ledger(...entries, entries[1]!),
    accounts: account({ recorded: 3, acked: 3 }),
  };
  expect(violationsOf(seen).map(({ what }) => what)).toContain(`${TOPIC}/op-2 is in the ledger 2 times`);
});
