import { Permanent } from "@hms-sync/client";
import type { MappedRow } from "@hms-sync/client/sql";
import type { Knex } from "knex";

/** occurred_on and planned_for are in seconds since 1970, entered_at in milliseconds. */
const TABLES = [
  `CREATE TABLE IF NOT EXISTS inspection_register (
  line_id     INTEGER PRIMARY KEY AUTOINCREMENT,
  inspection  TEXT    NOT NULL,
  outcome     TEXT    NOT NULL,
  inspector   TEXT    NOT NULL DEFAULT '' CHECK (length(inspector) <= 64),
  occurred_on INTEGER,
  entered_at  INTEGER NOT NULL
)`,
  `CREATE TABLE IF NOT EXISTS appointment_register (
  line_id     INTEGER PRIMARY KEY AUTOINCREMENT,
  inspection  TEXT    NOT NULL,
  planned_for INTEGER NOT NULL,
  entered_at  INTEGER NOT NULL
)`,
];

/** A line of a register as mapping.yaml has it, with the inspection's name in the register. */
export type Line = MappedRow & { readonly inspection: string };

/** Makes the registers where they are missing. */
export async function createRegisters(database: Knex): Promise<void> {
  for (const table of TABLES) await database.raw(table);
}

/** What mapping.yaml cannot say. @throws Permanent for a number that names no inspection. */
export function lineOf(row: MappedRow): Line {
  return { ...row, inspection: inspectionName(row.inspection) };
}

/** Adds a line that says when it was entered: now. */
export async function enter(trx: Knex.Transaction, table: string, line: Line): Promise<void> {
  await trx(table).insert({ ...line, entered_at: Date.now() });
}

/** 42 is INS-000042. */
function inspectionName(number: unknown): string {
  if (typeof number === "number" && number > 0) return `INS-${String(number).padStart(6, "0")}`;
  throw new Permanent("register: payload.inspectionId is no positive number");
}
