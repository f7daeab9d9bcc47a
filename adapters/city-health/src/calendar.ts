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

/** Payload of `inspections.schedule`. */
export interface InspectionSchedule {
  readonly inspectionId: number;
  readonly scheduledFor: string;
}

/** The inspection calendar: one row an inspection, with the status it has now, and one with its appointment. */
export interface Calendar {
  /**
   * Writes a change. Writing it again changes nothing, nor does one that is older (`changedAt`, RFC 3339) than what
   * the calendar has: a change that came back after a later one does not undo it.
   * @throws Unacceptable, or SqliteError of the database.
   */
  record(change: InspectionStatus, changedAt: string): Outcome;
  /** The same for an appointment. */
  appoint(change: InspectionSchedule, changedAt: string): Outcome;
  close(): void;
}

export type Outcome = "written" | "older than the calendar";

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
);
CREATE TABLE IF NOT EXISTS INSP_APPT (
  INSP_NO   INTEGER     NOT NULL PRIMARY KEY CHECK (INSP_NO BETWEEN 1 AND 999999999),
  APPT_TS   CHAR(14)    NOT NULL,
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

const APPOINT = `
INSERT INTO INSP_APPT (INSP_NO, APPT_TS, CHG_TS, UPD_TS) VALUES (:number, :appointment, :changed, :updated)
ON CONFLICT (INSP_NO) DO UPDATE SET
  APPT_TS = excluded.APPT_TS, CHG_TS = excluded.CHG_TS, UPD_TS = excluded.UPD_TS
WHERE excluded.CHG_TS >= INSP_APPT.CHG_TS`;

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
  const appoint = database.prepare(APPOINT);
  const write = (statement: Database.Statement, row: object, changedAt: string): Outcome => {
    const times = { changed: digits(changedAt, 17), updated: digits(Date.now(), 17) };
    return statement.run({ ...row, ...times }).changes === 1 ? "written" : "older than the calendar";
  };
  return {
    record: (change, changedAt) => write(upsert, rowOf(change), changedAt),
    appoint: (change, changedAt) => write(appoint, appointmentOf(change), changedAt),
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

function appointmentOf({ inspectionId, scheduledFor }: InspectionSchedule) {
  return { number: exact(inspectionId), appointment: digits(scheduledFor, 14) };
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
  if (Number.isNaN(date.getTime())) throw new Unacceptable("the event's time is no time of the calendar");
  return date.toISOString().replaceAll(/\D/g, "").slice(0, length);
}
