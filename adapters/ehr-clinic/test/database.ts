import { createOnceTable } from "@hms-sync/client/sql";
import type { Knex } from "knex";
import { openDatabase } from "../src/database.js";
import { createRegisters } from "../src/register.js";

/** Empty registers in memory. */
export async function openTestDatabase(): Promise<Knex> {
  const database = openDatabase(":memory:");
  await createRegisters(database);
  await createOnceTable(database);
  return database;
}
