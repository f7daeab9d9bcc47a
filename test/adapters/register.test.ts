import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { whyNever } from "../../adapters/ehr-clinic/src/failure.js";
import { openRegister, type Register } from "../../adapters/ehr-clinic/src/register.js";
import { select } from "../support/adapters.js";

let path: string;
let register: Register;

beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), "register-")), "data", "register.sqlite");
  register = openRegister(path);
});
afterEach(() => register.close());

const lines = () =>
  select<Record<string, unknown>>(path, "SELECT * FROM inspection_register ORDER BY line_id");
const received = () =>
  select<Record<string, unknown>>(path, "SELECT * FROM received_events ORDER BY event_id");
const completed = {
  inspectionId: 42,
  newStatus: "Completed",
  completedBy: "INSPECTOR_1337",
  timestamp: "2024-04-23T15:02:11Z",
};
const event = { source: "hms-api", id: "e1" };

test("what happened becomes a line in the register's own words, and its event is remembered with it", () => {
  expect(register.enter(completed, event)).toBe("entered");
  expect(lines()).toEqual([
    {
      line_id: 1,
      inspection: "INS-000042",
      outcome: "closed",
      inspector: "INSPECTOR_1337",
      occurred_on: Date.UTC(2024, 3, 23, 15, 2, 11) / 1_000,
      entered_at: expect.any(Number),
    },
  ]);
  expect(received()).toEqual([{ source: "hms-api", event_id: "e1" }]);
});

test("an event that comes again is entered once, whatever happened in between", () => {
  register.enter(completed, event);
  register.enter({ inspectionId: 42, newStatus: "Cancelled" }, { source: "hms-api", id: "e2" });
  expect(register.enter(completed, event)).toBe("entered before");
  expect(lines().map(({ outcome }) => outcome)).toEqual(["closed", "void"]);
});

test("one id of two sources is two events", () => {
  register.enter(completed, event);
  expect(register.enter(completed, { ...event, source: "cli" })).toBe("entered");
});

test("the register remembers events beyond the end of its program", () => {
  register.enter(completed, event);
  register.close();
  register = openRegister(path);
  expect(register.enter(completed, event)).toBe("entered before");
  expect(lines()).toHaveLength(1);
});

test("an appointment is a line of its own register, entered once for each event", () => {
  const appointments = () => select<Record<string, unknown>>(path, "SELECT * FROM appointment_register");
  const moved = { inspectionId: 42, scheduledFor: "2024-05-02T09:30:00-05:00" };
  expect(register.appoint(moved, event)).toBe("entered");
  expect(register.appoint(moved, event)).toBe("entered before");
  const planned = Date.UTC(2024, 4, 2, 14, 30) / 1_000;
  expect(appointments()).toMatchObject([{ inspection: "INS-000042", planned_for: planned }]);
  expect(lines()).toEqual([]);
});

test("what is not told is left open", () => {
  register.enter({ inspectionId: 1_234_567, newStatus: "Scheduled" }, event);
  expect(lines()).toMatchObject([{ inspection: "INS-1234567", inspector: "", occurred_on: null }]);
});

test.each([
  ["a status without an outcome", { ...completed, newStatus: "Postponed" }, /newStatus is none of/],
  ["a number that JSON.parse rounded", { ...completed, inspectionId: 2 ** 53 }, /inspectionId is no/],
  ["a negative number", { ...completed, inspectionId: -1 }, /inspectionId is no/],
  ["a name that is too long", { ...completed, completedBy: "x".repeat(65) }, /CHECK constraint failed/],
  ["a leap second", { ...completed, timestamp: "2016-12-31T23:59:60Z" }, /the event's time is no/],
])("%s can never be taken, and neither line nor event is stored", (_what, change, reason) => {
  const error = failureOf(() => register.enter(change, event));
  expect(whyNever(error)).toMatch(reason);
  expect(whyNever(error)).not.toMatch(/Postponed|xxx|9007/);
  expect([lines(), received()]).toEqual([[], []]);
});

function failureOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
