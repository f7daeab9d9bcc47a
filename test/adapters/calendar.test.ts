import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { load } from "js-yaml";
import type { Knex } from "knex";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { writeChange } from "../../adapters/city-health/src/calendar.js";
import { openDatabase } from "../../adapters/city-health/src/database.js";
import type { TableMapping } from "../../adapters/city-health/src/mapping.js";
import { rowOf, sqlRefusal } from "../../client/src/sql/index.js";
import type { AdapterDatabases } from "../support/adapter-contract.js";
import { calendars } from "../support/adapter-databases.js";

// City Health's mapping.yaml and what is written by it, on its MariaDB.
const file = resolve(import.meta.dirname, "../../adapters/city-health/mapping.yaml");
const mappings = load(readFileSync(file, "utf8")) as Record<string, TableMapping>;
const status = mappings["inspections.status"]!;
const schedule = mappings["inspections.schedule"]!;

let databases: AdapterDatabases;
let calendar: Knex;

beforeAll(async () => {
  databases = await calendars();
  calendar = openDatabase(await databases.fresh());
});
afterAll(async () => {
  await calendar?.destroy();
  await databases?.close();
});
beforeEach(async () => {
  for (const table of ["INSP_CAL", "INSP_APPT"]) await calendar(table).delete();
});

const at = "2024-04-23T15:02:11.25Z";
const rows = () => calendar("INSP_CAL").select().orderBy("INSP_NO");
const completed = {
  inspectionId: 42,
  newStatus: "Completed",
  completedBy: "INSPECTOR_1337",
  timestamp: "2024-04-23T15:02:11Z",
};

/** Writes a payload as the adapter does; rejects as its handler does. */
async function record(payload: object, time = at, mapping = status): Promise<string> {
  const event = { id: "1", topic: "", version: 1, source: "hms-api", time };
  try {
    const row = rowOf(mapping.columns, JSON.stringify(payload), event);
    return await calendar.transaction((trx) => writeChange(trx, mapping, row));
  } catch (error) {
    throw sqlRefusal(error);
  }
}

test("a change becomes a row in the calendar's own spelling", async () => {
  expect(await record(completed)).toBe("written");
  expect(await rows()).toEqual([
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

test("a change that comes back after a later one does not undo it", async () => {
  await record({ inspectionId: 42, newStatus: "InProgress" }, "2024-04-23T15:02:10Z");
  await record(completed, "2024-04-23T15:02:11.5Z");
  const late = { inspectionId: 42, newStatus: "Scheduled" };
  // As text "…11Z" would be later than "…11.5Z".
  expect(await record(late, "2024-04-23T15:02:11Z")).toBe("older than the calendar");
  expect(await rows()).toMatchObject([{ STATUS_CD: "C", DONE_BY: "INSPECTOR_1337" }]);
});

test("a time with an offset is written in UTC, and what is not told is NULL", async () => {
  await record({ inspectionId: 1, newStatus: "Scheduled", timestamp: "2024-04-23T23:30:00-05:00" });
  await record({ inspectionId: 2, newStatus: "Cancelled" });
  expect(await rows()).toMatchObject([
    { STATUS_CD: "S", DONE_BY: null, DONE_AT: "20240424043000" },
    { STATUS_CD: "X", DONE_BY: null, DONE_AT: null },
  ]);
});

test("a name is written in the column's Latin-1; what it has not becomes a question mark", async () => {
  await record({ ...completed, completedBy: "Zoë O’Hara Ł" });
  expect(await rows()).toMatchObject([{ DONE_BY: "Zoë O’Hara ?" }]);
});

test("an appointment is a row of its own; one that comes back after a later one does not undo it", async () => {
  const moved = { inspectionId: 42, scheduledFor: "2024-05-02T09:30:00-05:00" };
  expect(await record(moved, at, schedule)).toBe("written");
  expect(await record(moved, at, schedule)).toBe("written");
  const earlier = { inspectionId: 42, scheduledFor: "2024-05-01T10:00:00Z" };
  expect(await record(earlier, "2024-04-23T15:02:10Z", schedule)).toBe("older than the calendar");
  expect(await calendar("INSP_APPT").select()).toMatchObject([{ INSP_NO: 42, APPT_TS: "20240502143000" }]);
  expect(await rows()).toEqual([]);
});

test.each([
  [
    "a status without a code",
    { newStatus: "Postponed" },
    /^mapping: payload.newStatus -> STATUS_CD: none of/,
  ],
  ["a number that JSON.parse rounds", { inspectionId: 2 ** 53 }, /^mapping: payload.inspectionId -> INSP_NO/],
  ["a number of ten digits", { inspectionId: 1_000_000_000 }, /^mapping: payload.inspectionId -> INSP_NO/],
  ["a number below zero", { inspectionId: -42 }, /^the database refuses the row: ER_WARN_DATA_OUT_OF_RANGE/],
  ["a name that is too long", { completedBy: "x".repeat(31) }, /^mapping: payload.completedBy.* too long$/],
  [
    "a day that is none",
    { timestamp: "2023-02-29T15:02:11Z" },
    /^mapping: payload.timestamp -> DONE_AT .*no date/,
  ],
])("%s can never be taken, and its reason shows no value", async (_what, change, reason) => {
  const refusal = await record({ ...completed, ...change }).then(
    () => undefined,
    (error) => error,
  );
  expect(refusal?.reason).toMatch(reason);
  expect(refusal.reason).not.toMatch(/Postponed|xxx|9007|1000000000|42|2023/);
  expect(await rows()).toEqual([]);
});
