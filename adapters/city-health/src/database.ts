import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { sqliteLocking } from "@hms-sync/client/sql";
import knex, { type Knex } from "knex";
import { projectFile } from "./settings.js";

/** How long (s) a lock of another program is waited for: far below any ack_wait, after which the event comes again. */
const LOCK_WAIT_S = 1;

/**
 * MariaDB or MySQL at `mysql://user:password@host:3306/database`, or for trying out the SQLite file of that path, relative
 * to this project; `:memory:` for none.
 */
export function openDatabase(url: string): Knex {
  return knex(url.startsWith("mysql://") ? server(url) : file(url));
}

/** Whether the database is a server's, with triggers that know who writes. */
export function isServer(database: Knex): boolean {
  return database.client.dialect === "mysql";
}

function server(connection: string): Knex.Config {
  return {
    client: "mysql2",
    connection,
    pool: { min: 0, max: 4, afterCreate: prepareSession },
    acquireConnectionTimeout: 10_000,
  };
}

/**
 * Strict: else too long a text is cut silently. `@hms_sync` is what the triggers of sql/outbox.sql look at: what this
 * adapter writes into the calendar is not sent back.
 */
const SESSION =
  `SET SESSION innodb_lock_wait_timeout = ${LOCK_WAIT_S},` +
  " SESSION sql_mode = CONCAT_WS(',', @@sql_mode, 'STRICT_TRANS_TABLES'), @hms_sync = 1";

type Made = (error: unknown, connection: unknown) => void;

function prepareSession(
  connection: { query(sql: string, done: (error: unknown) => void): void },
  done: Made,
): void {
  connection.query(SESSION, (error) => done(error, connection));
}

/** One connection, as SQLite has one writer. */
function file(path: string): Knex.Config {
  const filename = path === ":memory:" ? path : projectFile(path);
  mkdirSync(dirname(filename), { recursive: true });
  return {
    client: "better-sqlite3",
    connection: { filename },
    useNullAsDefault: true,
    pool: { min: 1, max: 1, afterCreate: prepareFile },
  };
}

function prepareFile(connection: FileConnection, done: Made): void {
  connection.pragma("journal_mode = WAL");
  sqliteLocking(connection, done);
}

type FileConnection = Parameters<typeof sqliteLocking>[0] & { pragma(text: string): unknown };
