import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { sqliteLocking } from "@hms-sync/client/sql";
import knex, { type Knex } from "knex";
import { projectFile } from "./settings.js";

/** The SQLite file of that path, relative to this project; `:memory:` for none. One connection, as SQLite has one writer. */
export function openDatabase(path: string): Knex {
  const filename = path === ":memory:" ? path : projectFile(path);
  mkdirSync(dirname(filename), { recursive: true });
  return knex({
    client: "better-sqlite3",
    connection: { filename },
    useNullAsDefault: true,
    pool: { min: 1, max: 1, afterCreate: sqliteLocking },
  });
}
