import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import Database from "libsql";
import { createConnection } from "mysql2/promise";
import { expect } from "vitest";
import type { RunningBus } from "./bus.js";
import { type SpawnedProcess, spawnNode } from "./process.js";

export type AdapterName = "city-health" | "ehr-clinic";

/** A real adapter as a process of its own, with the database it writes: the path of a SQLite file, or mysql://… */
export interface RunningAdapter {
  readonly name: AdapterName;
  readonly process: SpawnedProcess;
  readonly database: string;
}

/** Makes a key of a system and gives its token. */
export async function tokenOf(bus: RunningBus, system: string): Promise<string> {
  const { status, body } = await bus.call("POST", "/v1/keys", { system });
  if (status !== 201) throw new Error(`POST /v1/keys answered ${status}: ${JSON.stringify(body)}`);
  return body.token;
}

/** Publishes an event over HTTP as admin; an answer other than 202 fails the test. */
export async function postEvent(
  { url, token }: Pick<RunningBus, "url" | "token">,
  topic: string,
  id: string,
  payload: object,
): Promise<void> {
  const response = await fetch(`${url}/v1/topics/${topic}/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "idempotency-key": id,
    },
    body: JSON.stringify(payload),
  });
  expect(response.status, await response.text()).toBe(202);
}

/** Starts an adapter from its build, with the database it shall write and more of its settings. */
export async function startAdapter(
  name: AdapterName,
  database: string,
  at: { readonly url: string; readonly token: string },
  settings: Readonly<Record<string, string>> = {},
): Promise<RunningAdapter> {
  const cwd = isServer(database) ? tmpdir() : dirname(database);
  const main = resolve(import.meta.dirname, `../../adapters/${name}/dist/src/main.js`);
  const child = await spawnNode([main], {
    cwd,
    env: {
      ...{ HMS_SYNC_URL: at.url, HMS_SYNC_TOKEN: at.token },
      ...{ DATABASE_URL: database, HL7_DIRECTORY: join(cwd, "hl7") },
      ...settings,
    },
  });
  return { name, process: child, database };
}

function isServer(database: string): boolean {
  return database.startsWith("mysql://");
}

type Cells = Record<string, string | number>;

async function rowsOf(database: string, sql: string): Promise<Cells[]> {
  return isServer(database) ? await selectFromServer(database, sql) : select<Cells>(database, sql);
}

async function selectFromServer(url: string, sql: string): Promise<Cells[]> {
  const connection = await createConnection(url);
  try {
    const [rows] = await connection.query(sql);
    return rows as Cells[];
  } finally {
    await connection.end();
  }
}

/** What one SELECT gives of a SQLite file; none where there is no such table yet. A connection of its own: libsql's keep old snapshots. */
export function select<Row>(path: string, sql: string): Row[] {
  const database = new Database(path, { timeout: 1_000 });
  try {
    return database.prepare(sql).all() as Row[];
  } catch (error) {
    if (/no such table/.test(String(error))) return [];
    throw error;
  } finally {
    database.close();
  }
}

/** A change of an inspection as both databases tell it. `writtenAt` is in ms since 1970. */
export interface RecordedInspection {
  readonly id: number;
  readonly status: string;
  readonly by: string;
  readonly writtenAt: number;
}

/** What an adapter has written, by inspection, each row of its database once. */
export async function inspectionsIn({ name, database }: Written): Promise<RecordedInspection[]> {
  return name === "city-health" ? await fromCalendar(database) : await fromRegister(database);
}

type Written = Pick<RunningAdapter, "name" | "database">;

const statuses: Record<string, string> = {
  ...{ S: "Scheduled", P: "InProgress", C: "Completed", X: "Cancelled" },
  ...{ planned: "Scheduled", open: "InProgress", closed: "Completed", void: "Cancelled" },
};

async function fromCalendar(database: string): Promise<RecordedInspection[]> {
  const rows = await rowsOf(database, "SELECT * FROM INSP_CAL ORDER BY INSP_NO");
  return rows.map((row) => ({
    id: Number(row.INSP_NO),
    status: statuses[row.STATUS_CD!]!,
    by: String(row.DONE_BY ?? ""),
    writtenAt: fromDigits(String(row.UPD_TS)),
  }));
}

async function fromRegister(database: string): Promise<RecordedInspection[]> {
  const rows = await rowsOf(database, "SELECT * FROM inspection_register ORDER BY inspection, line_id");
  return rows.map((row) => ({
    id: Number(String(row.inspection).slice("INS-".length)),
    status: statuses[row.outcome!]!,
    by: String(row.inspector),
    writtenAt: Number(row.entered_at),
  }));
}

interface Appointment {
  readonly id: number;
  readonly at: number;
}

/** The appointments an adapter has written: the inspection's number and the time, in ms since 1970. */
export async function appointmentsIn({ name, database }: Written): Promise<Appointment[]> {
  if (name === "city-health") {
    const rows = await rowsOf(database, "SELECT * FROM INSP_APPT ORDER BY INSP_NO");
    return rows.map((row) => ({ id: Number(row.INSP_NO), at: fromDigits(`${row.APPT_TS}000`) }));
  }
  const rows = await rowsOf(database, "SELECT * FROM appointment_register ORDER BY inspection, line_id");
  return rows.map((row) => ({
    id: Number(String(row.inspection).slice("INS-".length)),
    at: Number(row.planned_for) * 1_000,
  }));
}

function fromDigits(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})$/, "$1-$2-$3T$4:$5:$6.$7Z"));
}

/** The numbers of the inspections in an adapter's database, one for each row. */
export async function idsIn(adapter: Written): Promise<number[]> {
  return (await inspectionsIn(adapter)).map(({ id }) => id);
}
