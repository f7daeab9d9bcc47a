import { createRequire } from "node:module";
import type { Knex } from "knex";
import libsql from "libsql";

const require = createRequire(import.meta.url);

/** Knex's client for better-sqlite3 with libsql in its place: the same API, and nothing to compile. */
class LibsqlClient extends require("knex/lib/dialects/better-sqlite3/index.js") {
  _driver(): unknown {
    return libsql;
  }
}

/** What knex needs for a SQLite file. One connection writes at a time, as SQLite has it. */
export function sqliteConfig(filename: string): Knex.Config {
  return {
    client: LibsqlClient as unknown as typeof Knex.Client,
    connection: { filename },
    useNullAsDefault: true,
    pool: { min: 1, max: 1 },
  };
}
