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

/** What makes an event this event and no other. */
export interface EventIdentity {
  readonly source: string;
  readonly id: string;
}

/** The register of inspections: a line for each thing that happened, never changed afterwards. */
export interface Register {
  /**
   * Enters what happened, once for each event: line and event id are stored in one transaction.
   * @throws Unacceptable, or SqliteError of the database.
   */
  enter(change: InspectionStatus, event: EventIdentity): Outcome;
  /** The same for an appointment. */
  appoint(change: InspectionSchedule, event: EventIdentity): Outcome;
  close(): void;
}

export type Outcome = "entered" | "entered before";

const BUSY_TIMEOUT_MS = 1_000; // the process stands still meanwhile; far below any ack_wait

/** occurred_on and planned_for are in seconds since 1970, entered_at in milliseconds. */
const SCHEMA = `
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS inspection_register (
  line_id     INTEGER PRIMARY KEY AUTOINCREMENT,
  inspection  TEXT    NOT NULL,
  outcome     TEXT    NOT NULL,
  inspector   TEXT    NOT NULL DEFAULT '' CHECK (length(inspector) <= 64),
  occurred_on INTEGER,
  entered_at  INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS appointment_register (
  line_id     INTEGER PRIMARY KEY AUTOINCREMENT,
  inspection  TEXT    NOT NULL,
  planned_for INTEGER NOT NULL,
  entered_at  INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS received_events (
  source   TEXT NOT NULL,
  event_id TEXT NOT NULL,
  PRIMARY KEY (source, event_id)
) WITHOUT ROWID`;

const RECEIVE = `
INSERT INTO received_events (source, event_id) VALUES (:source, :id) ON CONFLICT DO NOTHING`;

const ENTER = `
INSERT INTO inspection_register (inspection, outcome, inspector, occurred_on, entered_at)
VALUES (:inspection, :outcome, :inspector, :occurred, :entered)`;

const APPOINT = `
INSERT INTO appointment_register (inspection, planned_for, entered_at) VALUES (:inspection, :planned, :entered)`;

const OUTCOMES: ReadonlyMap<string, string> = new Map([
  ["Scheduled", "planned"],
  ["InProgress", "open"],
  ["Completed", "closed"],
  ["Cancelled", "void"],
]);

/** Opens the register, made where there is none. */
export function openRegister(path: string): Register {
  mkdirSync(dirname(path), { recursive: true });
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  database.exec(SCHEMA);
  const receive = database.prepare(RECEIVE);
  const enter = database.prepare(ENTER);
  const appoint = database.prepare(APPOINT);
  const once = database.transaction((event: EventIdentity, statement: Database.Statement, line: object) => {
    if (receive.run({ source: event.source, id: event.id }).changes === 0) return "entered before";
    statement.run({ ...line, entered: Date.now() });
    return "entered";
  });
  return {
    enter: (change, event) => once.immediate(event, enter, lineOf(change)),
    appoint: (change, event) => once.immediate(event, appoint, appointmentOf(change)),
    close: () => void database.close(),
  };
}

interface Line {
  readonly inspection: string;
  readonly outcome: string;
  readonly inspector: string;
  readonly occurred: number | null;
}

function lineOf({ inspectionId, newStatus, completedBy = "", timestamp }: InspectionStatus): Line {
  return {
    inspection: inspectionName(inspectionId),
    outcome: outcomeOf(newStatus),
    inspector: completedBy,
    occurred: timestamp === undefined ? null : seconds(timestamp),
  };
}

function appointmentOf({ inspectionId, scheduledFor }: InspectionSchedule) {
  return { inspection: inspectionName(inspectionId), planned: seconds(scheduledFor) };
}

/** 42 is INS-000042. A number that JSON.parse has rounded is another inspection's. */
function inspectionName(number: number): string {
  if (Number.isSafeInteger(number) && number > 0) return `INS-${String(number).padStart(6, "0")}`;
  throw new Unacceptable("inspectionId is no positive integer that JavaScript holds exactly");
}

function outcomeOf(status: string): string {
  const outcome = OUTCOMES.get(status);
  if (outcome !== undefined) return outcome;
  throw new Unacceptable(
    `newStatus is none of ${[...OUTCOMES.keys()].join(", ")}; give it an outcome in the register`,
  );
}

function seconds(timestamp: string): number {
  const ms = Date.parse(timestamp);
  if (Number.isNaN(ms)) throw new Unacceptable("the event's time is no time that the register can hold");
  return Math.floor(ms / 1_000);
}
