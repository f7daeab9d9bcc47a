import assert from "node:assert/strict";
import { test } from "node:test";
import { rowOf } from "@hms-sync/client/sql";
import { readMappings } from "../src/mapping.js";
import { lineOf } from "../src/register.js";

const [status, schedule] = ["inspections.status", "inspections.schedule"].map((topic) => {
  const { columns } = readMappings().find((mapping) => mapping.topic === topic)!;
  return (payload: object) => lineOf(rowOf(columns, JSON.stringify(payload)));
}) as [(payload: object) => object, (payload: object) => object];

const completed = {
  inspectionId: 42,
  newStatus: "Completed",
  completedBy: "INSPECTOR_1337",
  timestamp: "2024-04-23T15:02:11Z",
};

test("what happened becomes a line in the register's own words", () => {
  assert.deepEqual(status(completed), {
    inspection: "INS-000042",
    outcome: "closed",
    inspector: "INSPECTOR_1337",
    occurred_on: Date.UTC(2024, 3, 23, 15, 2, 11) / 1_000,
  });
});

test("what is not told is left open", () => {
  assert.deepEqual(status({ inspectionId: 1_234_567, newStatus: "Scheduled", completedBy: null }), {
    inspection: "INS-1234567",
    outcome: "planned",
    inspector: "",
    occurred_on: null,
  });
});

test("an appointment is entered in seconds since 1970, negative before", () => {
  const at = (scheduledFor: string) => schedule({ inspectionId: 42, scheduledFor });
  assert.deepEqual(at("2024-05-02T09:30:00-05:00"), {
    inspection: "INS-000042",
    planned_for: Date.UTC(2024, 4, 2, 14, 30) / 1_000,
  });
  assert.deepEqual(at("1969-12-31T23:59:59Z"), { inspection: "INS-000042", planned_for: -1 });
});

const refusals: readonly [string, object, RegExp][] = [
  ["a status without an outcome", { newStatus: "Postponed" }, /newStatus -> outcome: none of the values/],
  ["a number that is too large", { inspectionId: 2 ** 53 }, /inspectionId -> inspection integer: too large/],
  [
    "a negative number",
    { inspectionId: -1 },
    /^Permanent: register: payload.inspectionId is no positive number/,
  ],
  [
    "a name that is too long",
    { completedBy: "x".repeat(65) },
    /completedBy -> inspector text\(64\): too long/,
  ],
  [
    "a leap second",
    { timestamp: "2016-12-31T23:59:60Z" },
    /timestamp -> occurred_on epoch\(s\): no date or time/,
  ],
];

for (const [what, change, reason] of refusals) {
  test(`${what} can never be entered, and its reason shows no value`, () => {
    assert.throws(
      () => status({ ...completed, ...change }),
      (error) => {
        assert.match(String(error), reason);
        assert.doesNotMatch(String(error), /Postponed|xxx|9007|-1|2016/);
        return true;
      },
    );
  });
}
