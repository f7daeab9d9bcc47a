import { createOnceTable, type MappedRow } from "@hms-sync/client/sql";
import knex, { type Knex } from "knex";
import type { TableMapping } from "../src/mapping.js";

/** A database in memory with an empty table for the mapping: SQLite, whatever the adapter writes to. */
export async function openTestDatabase(mapping: TableMapping): Promise<Knex> {
  const database = knex({
    client: "better-sqlite3",
    connection: { filename: ":memory:" },
    useNullAsDefault: true,
    pool: { min: 1, max: 1 },
  });
  const [schema] = mapping.table.split(".").slice(0, -1);
  if (schema !== undefined) await database.raw("attach ':memory:' as ??", [schema]);
  await createTable(database, mapping);
  await createOnceTable(database);
  return database;
}

/** Its columns have no type, so that they keep values as they are written. */
export async function createTable(database: Knex, { table, key, columns }: TableMapping): Promise<void> {
  const names = Object.keys(columns);
  const list = (of: readonly unknown[]) => of.map(() => "??").join(", ");
  await database.raw(`create table ?? (${list(names)}, primary key (${list(key)}))`, [
    table,
    ...names,
    ...key,
  ]);
}

/** The row as SQLite gives it back. */
export function stored(row: MappedRow): object {
  const entries = Object.entries(row);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === "boolean" ? Number(value) : value]),
  );
}
