import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Calendar, openCalendar } from "../../adapters/city-health/src/calendar.js";
import { whyNever } from "../../adapters/city-health/src/failure.js";
import { select } from "../support/adapters.js";

let path: string;
let calendar: Calendar;

beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), "calendar-")), "data", "calendar.sqlite");
  calendar = openCalendar(path);
});
afterEach(() => calendar.close());

const rows = () => select<Record<string, unknown>>(path, "SELECT * FROM INSP_CAL ORDER BY INSP_NO");
const completed = {
  inspectionId: 42,
  newStatus: "Completed",
  completedBy: "INSPECTOR_1337",
  timestamp: "2024-04-23T15:02:11Z",
};
const at = "2024-04-23T15:02:11.25Z";

test("a change becomes a row in the calendar's own spelling", () => {
  expect(calendar.record(completed, at)).toBe("written");
  expect(rows()).toEqual([
    {
      INSP_NO: 42,
      STATUS_CD: "C",
      DONE_BY: "INSPECTOR_1337",
      DONE_AT: "20240423150211",
      CHG_TS: "20240423150211250",
      UPD_TS: expect.stringMatching(/^\d{17}$/),
    },
  ]);
});

test("the same change written twice is one row", () => {
  calendar.record(completed, at);
  calendar.record(completed, at);
  expect(rows()).toHaveLength(1);
});

test("a change that comes back after a later one does not undo it", () => {
  calendar.record({ inspectionId: 42, newStatus: "InProgress" }, "2024-04-23T15:02:10Z");
  calendar.record(completed, "2024-04-23T15:02:11.5Z");
  const late = { inspectionId: 42, newStatus: "Scheduled" };
  // As text "…11Z" would be later than "…11.5Z".
  expect(calendar.record(late, "2024-04-23T15:02:11Z")).toBe("older than the calendar");
  expect(rows()).toMatchObject([{ STATUS_CD: "C", DONE_BY: "INSPECTOR_1337" }]);
});

test("a time with an offset is written in UTC, and what is not told is NULL", () => {
  calendar.record({ inspectionId: 1, newStatus: "Scheduled", timestamp: "2024-04-23T23:30:00-05:00" }, at);
  calendar.record({ inspectionId: 2, newStatus: "Cancelled" }, at);
  expect(rows()).toMatchObject([
    { STATUS_CD: "S", DONE_BY: null, DONE_AT: "20240424043000" },
    { STATUS_CD: "X", DONE_BY: null, DONE_AT: null },
  ]);
});

test("an appointment is a row of its own; one that comes back after a later one does not undo it", () => {
  const appointments = () => select<Record<string, unknown>>(path, "SELECT * FROM INSP_APPT");
  const moved = { inspectionId: 42, scheduledFor: "2024-05-02T09:30:00-05:00" };
  expect(calendar.appoint(moved, at)).toBe("written");
  expect(calendar.appoint(moved, at)).toBe("written");
  const earlier = { inspectionId: 42, scheduledFor: "2024-05-01T10:00:00Z" };
  expect(calendar.appoint(earlier, "2024-04-23T15:02:10Z")).toBe("older than the calendar");
  expect(appointments()).toMatchObject([{ INSP_NO: 42, APPT_TS: "20240502143000" }]);
  expect(rows()).toEqual([]);
});

test("the calendar outlives its program", () => {
  calendar.record(completed, at);
  calendar.close();
  calendar = openCalendar(path);
  expect(rows()).toHaveLength(1);
});

test.each([
  ["a status without a code", { ...completed, newStatus: "Postponed" }, /newStatus is none of/],
  ["a number that JSON.parse rounded", { ...completed, inspectionId: 2 ** 53 }, /inspectionId is beyond/],
  [
    "a number of ten digits",
    { ...completed, inspectionId: 1_000_000_000 },
    /CHECK constraint failed: INSP_NO/,
  ],
  [
    "a name that is too long",
    { ...completed, completedBy: "x".repeat(31) },
    /CHECK constraint failed: length/,
  ],
  ["a leap second", { ...completed, timestamp: "2016-12-31T23:59:60Z" }, /the event's time is no/],
])("%s can never be taken, and its reason shows no value", (_what, change, reason) => {
  const error = failureOf(() => calendar.record(change, at));
  expect(whyNever(error)).toMatch(reason);
  expect(whyNever(error)).not.toMatch(/Postponed|xxx|9007|1000000000/);
  expect(rows()).toEqual([]);
});

function failureOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
