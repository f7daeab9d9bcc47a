import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import Database from "libsql";
import { Unacceptable } from "./failure.js";

/** Payload of `inspections.status`. */
export interface InspectionStatus {
  readonly inspectionId: number;
  readonly newStatus: string;
  readonly completedBy?: string;
  readonly timestamp?: string;
}

/** The inspection calendar: one row an inspection, with the status it has now. */
export interface Calendar {
  /**
   * Writes a change. Writing it again changes nothing, nor does one that is older (`changedAt`, RFC 3339) than what
   * the calendar has: a change that came back after a later one does not undo it.
   * @throws Unacceptable, or SqliteError of the database.
   */
  record(change: InspectionStatus, changedAt: string): "written" | "older than the calendar";
  close(): void;
}

const BUSY_TIMEOUT_MS = 1_000; // the process stands still meanwhile; far below any ack_wait

/** Times are digits in UTC, to the second (14) or the millisecond (17), so that they sort as text. */
const SCHEMA = `
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS INSP_CAL (
  INSP_NO   INTEGER     NOT NULL PRIMARY KEY CHECK (INSP_NO BETWEEN 1 AND 999999999),
  STATUS_CD CHAR(1)     NOT NULL CHECK (STATUS_CD IN ('S', 'P', 'C', 'X')),
  DONE_BY   VARCHAR(30) CHECK (length(DONE_BY) <= 30),
  DONE_AT   CHAR(14),
  CHG_TS    CHAR(17)    NOT NULL,
  UPD_TS    CHAR(17)    NOT NULL
)`;

const UPSERT = `
INSERT INTO INSP_CAL (INSP_NO, STATUS_CD, DONE_BY, DONE_AT, CHG_TS, UPD_TS)
VALUES (:number, :status, :doneBy, :doneAt, :changed, :updated)
ON CONFLICT (INSP_NO) DO UPDATE SET
  STATUS_CD = excluded.STATUS_CD, DONE_BY = excluded.DONE_BY, DONE_AT = excluded.DONE_AT,
  CHG_TS = excluded.CHG_TS, UPD_TS = excluded.UPD_TS
WHERE excluded.CHG_TS >= INSP_CAL.CHG_TS`;

const STATUS_CODES: ReadonlyMap<string, string> = new Map([
  ["Scheduled", "S"],
  ["InProgress", "P"],
  ["Completed", "C"],
  ["Cancelled", "X"],
]);

/** Opens the calendar, made where there is none. */
export function openCalendar(path: string): Calendar {
  mkdirSync(dirname(path), { recursive: true });
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  database.exec(SCHEMA);
  const upsert = database.prepare(UPSERT);
  return {
    record(change, changedAt) {
      const row = { ...rowOf(change), changed: digits(changedAt, 17), updated: digits(Date.now(), 17) };
      return upsert.run(row).changes === 1 ? "written" : "older than the calendar";
    },
    close: () => void database.close(),
  };
}

function rowOf({ inspectionId, newStatus, completedBy, timestamp }: InspectionStatus) {
  return {
    number: exact(inspectionId),
    status: statusCode(newStatus),
    doneBy: completedBy ?? null,
    doneAt: timestamp === undefined ? null : digits(timestamp, 14),
  };
}

/** A number that JSON.parse has rounded is another inspection's. */
function exact(number: number): number {
  if (Number.isSafeInteger(number)) return number;
  throw new Unacceptable("inspectionId is beyond the integers of JavaScript; INSP_NO has nine digits");
}

function statusCode(status: string): string {
  const code = STATUS_CODES.get(status);
  if (code !== undefined) return code;
  throw new Unacceptable(`newStatus is none of ${[...STATUS_CODES.keys()].join(", ")}; give it a STATUS_CD`);
}

function digits(time: string | number, length: 14 | 17): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) throw new Unacceptable("timestamp is no time of the calendar");
  return date.toISOString().replaceAll(/\D/g, "").slice(0, length);
}
