import { dirname, resolve } from "node:path";
import Database from "libsql";
import type { RunningBus } from "./bus.js";
import { type SpawnedProcess, spawnNode } from "./process.js";

export type AdapterName = "city-health" | "ehr-clinic";

const databaseVariables = { "city-health": "CITY_HEALTH_DB", "ehr-clinic": "EHR_CLINIC_DB" } as const;

/** A real adapter as a process of its own, with the database file it writes. */
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

/** Starts an adapter from its build, with the database file it shall write. */
export async function startAdapter(
  name: AdapterName,
  database: string,
  at: { readonly url: string; readonly token: string },
): Promise<RunningAdapter> {
  const main = resolve(import.meta.dirname, `../../adapters/${name}/dist/main.js`);
  const child = await spawnNode([main], {
    cwd: dirname(database),
    env: { HMS_SYNC_URL: at.url, HMS_SYNC_TOKEN: at.token, [databaseVariables[name]]: database },
  });
  return { name, process: child, database };
}

/** What one SELECT gives; none where there is no such table yet. A connection of its own: libsql's keep old snapshots. */
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
export function inspectionsIn({
  name,
  database,
}: Pick<RunningAdapter, "name" | "database">): RecordedInspection[] {
  return name === "city-health" ? fromCalendar(database) : fromRegister(database);
}

const statuses: Record<string, string> = {
  ...{ S: "Scheduled", P: "InProgress", C: "Completed", X: "Cancelled" },
  ...{ planned: "Scheduled", open: "InProgress", closed: "Completed", void: "Cancelled" },
};

function fromCalendar(database: string): RecordedInspection[] {
  const sql = "SELECT * FROM INSP_CAL ORDER BY INSP_NO";
  return select<Record<string, string | number>>(database, sql).map((row) => ({
    id: Number(row.INSP_NO),
    status: statuses[row.STATUS_CD!]!,
    by: String(row.DONE_BY ?? ""),
    writtenAt: fromDigits(String(row.UPD_TS)),
  }));
}

function fromRegister(database: string): RecordedInspection[] {
  const sql = "SELECT * FROM inspection_register ORDER BY inspection, line_id";
  return select<Record<string, string | number>>(database, sql).map((row) => ({
    id: Number(String(row.inspection).slice("INS-".length)),
    status: statuses[row.outcome!]!,
    by: String(row.inspector),
    writtenAt: Number(row.entered_at),
  }));
}

/** The appointments an adapter has written: the inspection's number and the time, in ms since 1970. */
export function appointmentsIn({
  name,
  database,
}: Pick<RunningAdapter, "name" | "database">): { readonly id: number; readonly at: number }[] {
  if (name === "city-health") {
    const rows = select<Record<string, string | number>>(
      database,
      "SELECT * FROM INSP_APPT ORDER BY INSP_NO",
    );
    return rows.map((row) => ({ id: Number(row.INSP_NO), at: fromDigits(`${row.APPT_TS}000`) }));
  }
  const sql = "SELECT * FROM appointment_register ORDER BY inspection, line_id";
  return select<Record<string, string | number>>(database, sql).map((row) => ({
    id: Number(String(row.inspection).slice("INS-".length)),
    at: Number(row.planned_for) * 1_000,
  }));
}

function fromDigits(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})$/, "$1-$2-$3T$4:$5:$6.$7Z"));
}

/** The numbers of the inspections in an adapter's database, one for each row. */
export function idsIn(adapter: Pick<RunningAdapter, "name" | "database">): number[] {
  return inspectionsIn(adapter).map(({ id }) => id);
}
