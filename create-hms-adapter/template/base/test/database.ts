import { createOnceTable } from "@hms-sync/client/sql";
import knex, { type Knex } from "knex";
import type { TableMapping } from "../src/mapping.js";

/** An empty table for the mapping in a database in memory: SQLite, whatever the adapter writes to. */
export async function openTestDatabase({ table, key, columns }: TableMapping): Promise<Knex> {
  const database = knex({
    client: "better-sqlite3",
    connection: { filename: ":memory:" },
    useNullAsDefault: true,
    pool: { min: 1, max: 1 },
  });
  const [schema] = table.split(".").slice(0, -1);
  if (schema !== undefined) await database.raw("attach ':memory:' as ??", [schema]);
  const names = Object.keys(columns);
  const list = (of: readonly unknown[]) => of.map(() => "??").join(", ");
  // Columns without a type keep values as they are written.
  await database.raw(`create table ?? (${list(names)}, primary key (${list(key)}))`, [
    table,
    ...names,
    ...key,
  ]);
  await createOnceTable(database);
  return database;
}
