import Database from "libsql";
import { Problem } from "./problem.mjs";

const TIMEOUT_MS = 1_000;

/** The three databases, each with a look that gives its inspections in one form: {id, status, by, at (s), writtenAt (ms)}. */
const LOOKS = {
  HMS: {
    sql: "SELECT * FROM inspections",
    read: (row) => ({ id: row.id, status: row.status, by: row.completed_by }),
  },
  "city-health": {
    sql: "SELECT * FROM INSP_CAL",
    read: (row) => ({
      id: row.INSP_NO,
      status: { S: "Scheduled", P: "InProgress", C: "Completed", X: "Cancelled" }[row.STATUS_CD],
      by: row.DONE_BY,
      at: Math.floor(fromDigits(row.DONE_AT) / 1_000),
      writtenAt: fromDigits(row.UPD_TS),
    }),
  },
  "ehr-clinic": {
    sql: "SELECT * FROM inspection_register",
    read: (row) => ({
      id: Number(row.inspection.replace("INS-", "")),
      status: { planned: "Scheduled", open: "InProgress", closed: "Completed", void: "Cancelled" }[
        row.outcome
      ],
      by: row.inspector,
      at: row.occurred_on,
      writtenAt: row.entered_at,
    }),
  },
};

/** What a database has: of these inspections, of all unless given. A connection for each look: libsql's keep the snapshot of the last. */
export function inspections(name, file, ids) {
  const { sql, read } = LOOKS[name];
  const rows = rowsOf(name, file, sql).map(read);
  return ids === undefined ? rows : rows.filter(({ id }) => ids.includes(id));
}

function rowsOf(name, file, sql) {
  const database = new Database(file, { timeout: TIMEOUT_MS });
  try {
    return database.prepare(sql).all();
  } catch (error) {
    if (/no such table/.test(error.message)) return [];
    throw new Problem(`the database of ${name} (${file}) cannot be read: ${error.message}`);
  } finally {
    database.close();
  }
}

const APPOINTMENTS = {
  HMS: "SELECT id, scheduled_for AS at FROM inspections WHERE scheduled_for IS NOT NULL",
  "city-health": "SELECT INSP_NO AS id, APPT_TS AS at FROM INSP_APPT",
  "ehr-clinic":
    "SELECT CAST(substr(inspection, 5) AS INTEGER) AS id, datetime(planned_for, 'unixepoch') AS at FROM appointment_register",
};

/** When an inspection takes place, as a database has it (the digits of a UTC time); undefined when it has none. */
export function appointment(name, file, id) {
  const found = rowsOf(name, file, APPOINTMENTS[name]).find((row) => row.id === id);
  return found?.at.replaceAll(/\D/g, "");
}

/** Moves an inspection as City Health's own program does: a row in INSP_APPT, no word to anybody. `at` is ms since 1970. */
export function moveInCalendar(file, id, digits, at) {
  const database = new Database(file, { timeout: TIMEOUT_MS });
  try {
    const now = new Date(at).toISOString().replaceAll(/\D/g, "");
    const sql = `
      INSERT INTO INSP_APPT (INSP_NO, APPT_TS, CHG_TS, UPD_TS) VALUES (:id, :digits, :now, :now)
      ON CONFLICT (INSP_NO) DO UPDATE SET APPT_TS = :digits, CHG_TS = :now, UPD_TS = :now`;
    database.prepare(sql).run({ id, digits, now });
  } finally {
    database.close();
  }
}

/** When that row of the calendar was written last, by whomever (ms since 1970). */
export function appointmentWrittenAt(file, id) {
  const sql = "SELECT INSP_NO, UPD_TS FROM INSP_APPT";
  return fromDigits(rowsOf("city-health", file, sql).find((row) => row.INSP_NO === id).UPD_TS);
}

/** A number that no database has yet: a user may have published inspections that HMS does not know. */
export function nextInspection(places) {
  const ids = places.flatMap(({ name, database }) => inspections(name, database).map(({ id }) => id));
  return 1 + Math.max(0, ...ids);
}

/** One sentence for each inspection in which a database differs from HMS, or the two from each other. */
export function differences(ids, byName) {
  return ids.flatMap((id) => {
    const rowOf = (name) => byName[name].filter((row) => row.id === id);
    const [hms] = rowOf("HMS");
    const found = ["city-health", "ehr-clinic"].map((name) => differenceOf(name, id, rowOf(name), hms));
    const [calendar] = rowOf("city-health");
    const [register] = rowOf("ehr-clinic");
    if (calendar && register && calendar.at !== register.at)
      found.push(`inspection ${id}: city-health and ehr-clinic have another time`);
    return found.filter(Boolean);
  });
}

function differenceOf(name, id, rows, hms) {
  if (hms === undefined) return `HMS has no inspection ${id}`;
  if (rows.length !== 1)
    return `${name} has ${rows.length === 0 ? "no row" : `${rows.length} rows`} for inspection ${id}`;
  const [{ status, by }] = rows;
  if (status === hms.status && by === hms.by) return undefined;
  return `${name} has inspection ${id} as ${status} by ${by}, HMS as ${hms.status} by ${hms.by}`;
}

function fromDigits(text) {
  const [, date, time, ms = "000"] = /^(\d{8})(\d{6})(\d{3})?$/.exec(text);
  const [year, month, day] = [date.slice(0, 4), date.slice(4, 6), date.slice(6)];
  return Date.parse(`${year}-${month}-${day}T${time.replace(/(..)(..)(..)/, "$1:$2:$3")}.${ms}Z`);
}
