import { expect, test } from "vitest";
import { violationsOf } from "./invariants.js";
import type { Observation } from "./observation.js";
import type { Loss } from "./redis-losses.js";
import { ok, operation, right, row, TOPIC } from "./right-history.js";

/*
 * Redis forgot something at 5,000: what the checker then lets pass, and what it does not.
 */
const loss: Loss = {
  at: 5_000,
  topics: [TOPIC],
  told: [{ topic: TOPIC, since: "1970-01-01T00:00:00Z" }],
  sentAgain: new Set(["op-1"]),
};
const found = (change: Partial<Observation>) =>
  violationsOf({ ...right, losses: [loss], ...change }).map(({ invariant, what }) => `${invariant} ${what}`);

const acked = right.probe.settles.at(-1)!; // op-1, at 2,003
const again = (askedAt: number) => ({
  probe: {
    ...right.probe,
    deliveries: [
      ...right.probe.deliveries.slice(0, 2),
      { id: "op-1", token: "r5.1.0", askedAt, at: askedAt + 1, replayed: false },
    ],
  },
});

test("a loss that was told and refilled is no violation", () => {
  expect(found({})).toEqual([]);
});

test("an acked event may come again after the loss, and only then", () => {
  expect(found(again(6_000))).toEqual([]);
  expect(found(again(4_000))).toEqual([expect.stringMatching(/^I2 op-1 came 1997 ms after its ack/)]);
  const settled = { ...acked, token: "r5.1.0", sentAt: 6_002, at: 6_003 };
  const { probe } = again(7_000);
  expect(found({ probe: { ...probe, settles: [...probe.settles, settled] } })).toEqual([
    expect.stringMatching(/^I2 op-1 came 997 ms after its ack/),
  ]);
});

test("what was sent again has another place, and the order of all others holds", () => {
  const rows = [row(1, 2), row(2, 1), ...right.rows.slice(2)];
  expect(found({ rows })).toEqual([]);
  expect(found({ rows, losses: [{ ...loss, sentAgain: new Set() }] })).toEqual([
    expect.stringMatching(/^I5 .*op-1 of key k was written after op-2/),
  ]);
});

test("an accepted event that is missing after the refill is lost", () => {
  expect(found({ operations: [...right.operations, operation(9, [ok()])] })).toEqual([
    expect.stringMatching(/^I1 .*op-9 was accepted/),
  ]);
});

test("a loss of which nobody said a word, or one that is still told, is no quiet matter", () => {
  expect(found({ losses: [{ ...loss, told: [] }] })).toEqual([
    expect.stringMatching(/^I9 nobody said that inspections\.status went back/),
  ]);
  expect(found({ stillTold: [{ topic: TOPIC, since: "7d" }] })).toEqual([
    expect.stringMatching(/^I9 it is told that inspections\.status went back/),
  ]);
});

test("a reject from before the loss is gone with it; one from after it is told", () => {
  const bad = (at: number) => ({
    rejects: [],
    rejectCount: 0,
    operations: [...right.operations.slice(0, 3), operation(4, [ok(at, "xadd")], { bad: true, id: "bad-4" })],
  });
  expect(found(bad(1_000))).toEqual([]);
  expect(found(bad(6_000))).toEqual([expect.stringMatching(/^I9 .*bad-4 breaks its schema and is neither/)]);
});

test("a dead letter without its event comes of a loss only", () => {
  const letters = [
    ...right.deadLetters,
    ...[1, 2].map(() => ({ topic: TOPIC, consumer: "treasury", event: "", reason: "gone" })),
  ];
  expect(found({ deadLetters: letters })).toEqual([]);
  expect(found({ deadLetters: letters, losses: [] })).toEqual([
    ...[1, 2].map(() => "I2 a dead letter of treasury of inspections.status has no event (gone)"),
  ]);
});
