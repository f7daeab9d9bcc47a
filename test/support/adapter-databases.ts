import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import Database from "libsql";
import { createConnection } from "mysql2/promise";
import type { AdapterDatabases } from "./adapter-contract.js";
import type { Connection, DatabaseServer } from "./database-server.js";
import { startMariaDb } from "./mariadb.js";

/** SQLite files, which adapters make themselves. */
export async function sqliteFiles(): Promise<AdapterDatabases> {
  const folder = mkdtempSync(join(tmpdir(), "files-"));
  return {
    fresh: async () => join(mkdtempSync(join(folder, "data-")), "db.sqlite"),
    lock: async (path) => lockFile(path),
    locked: "SQLITE_BUSY",
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Holds the file's write lock until the function it gives is called. */
function lockFile(path: string): () => Promise<void> {
  const database = new Database(path, { timeout: 1_000 });
  database.exec("BEGIN IMMEDIATE");
  return async () => {
    database.exec("COMMIT");
    database.close();
  };
}

/** Calendars of City Health on a MariaDB of their own, made by the SQL files of its adapter. */
export async function calendars(...files: readonly CalendarFile[]): Promise<AdapterDatabases> {
  const server = await startMariaDb();
  return {
    fresh: () => freshCalendar(server, "calendar.sql", ...files),
    lock: lockRow,
    locked: "ER_LOCK_WAIT_TIMEOUT",
    close: () => server.stop(),
  };
}

/** The files of adapters/city-health/sql. */
export type CalendarFile = "calendar.sql" | "outbox.sql";

/** A new database with what these files make, as the adapter is told where it is. */
export async function freshCalendar(
  server: DatabaseServer,
  ...files: readonly CalendarFile[]
): Promise<string> {
  const url = urlOf(await server.freshDatabase("CHARACTER SET latin1"));
  for (const file of files) await runSql(url, statementsOf(file));
  return url;
}

function urlOf({ host, port, user, password, database }: Connection): string {
  return `mysql://${user}:${password}@${host}:${port}/${database}`;
}

/** As the program `mariadb` cuts a file: at semicolons, or at what DELIMITER says. */
function statementsOf(file: CalendarFile): string[] {
  const path = resolve(import.meta.dirname, "../../adapters/city-health/sql", file);
  const statements: string[] = [];
  let delimiter = ";";
  let statement = "";
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const [, other] = /^DELIMITER (\S+)$/.exec(line) ?? [];
    if (other !== undefined) delimiter = other;
    else if (!line.startsWith("--")) statement += `${line}\n`;
    if (!statement.trimEnd().endsWith(delimiter)) continue;
    statements.push(statement.trimEnd().slice(0, -delimiter.length));
    statement = "";
  }
  return statements;
}

/** Runs statements as City Health's own program would: on a connection that is not the adapter's. */
export async function runSql(url: string, statements: readonly string[]): Promise<void> {
  const connection = await createConnection(url);
  try {
    for (const statement of statements) await connection.query(statement);
  } finally {
    await connection.end();
  }
}

async function lockRow(url: string, id: number): Promise<() => Promise<void>> {
  const connection = await createConnection(url);
  await connection.query("BEGIN");
  await connection.query("SELECT * FROM INSP_CAL WHERE INSP_NO = ? FOR UPDATE", [id]);
  return async () => {
    await connection.query("COMMIT");
    await connection.end();
  };
}
