import { createOnceTable, type MappedRow } from "@hms-sync/client/sql";
import type { Knex } from "knex";
import { createCalendar } from "../src/calendar.js";
import { openDatabase } from "../src/database.js";

/** A database in memory with an empty calendar: SQLite, whatever the adapter writes to. */
export async function openTestDatabase(): Promise<Knex> {
  const database = openDatabase(":memory:");
  await createCalendar(database);
  await createOnceTable(database);
  return database;
}

/** The row as the database gives it back, but for the time at which it was written. */
export function stored(row: MappedRow): object {
  return { ...row, INSP_NO: Number(row.INSP_NO) };
}

/** All rows of a table, but for the time at which they were written. */
export async function rowsIn(database: Knex, table: string): Promise<object[]> {
  const rows: Record<string, unknown>[] = await database(table).select();
  return rows.map(({ UPD_TS: _, ...row }) => row);
}
