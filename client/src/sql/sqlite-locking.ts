/** A connection of better-sqlite3 or libsql, as far as it is used here. */
export interface SqliteConnection {
  prepare(sql: string): object;
  exec(sql: string): unknown;
}

/** How long (ms) a locked file is waited for. The process stands still meanwhile: far below any ack_wait. */
const BUSY_TIMEOUT_MS = 1_000;

/**
 * For `pool.afterCreate` of a knex instance for SQLite files that others use as well: a transaction waits for the
 * write lock, a second at most, when it begins, and one that cannot be committed is rolled back.
 * Without it knex leaves a transaction open whose COMMIT met a lock, and the connection can begin no other. libsql does
 * not even wait, and after a statement that met a lock it cannot commit.
 */
export function sqliteLocking<Connection extends SqliteConnection>(
  connection: Connection,
  done: (error: null, connection: Connection) => void,
): void {
  connection.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const prepare = connection.prepare.bind(connection);
  const commands: Readonly<Record<string, object>> = {
    "BEGIN;": command(() => connection.exec("BEGIN IMMEDIATE")),
    "COMMIT;": command(() => commitOrRollBack(connection)),
  };
  connection.prepare = (sql: string) => commands[sql] ?? prepare(sql);
  done(null, connection);
}

function commitOrRollBack(connection: SqliteConnection): void {
  try {
    connection.exec("COMMIT");
  } catch (error) {
    connection.exec("ROLLBACK");
    throw error;
  }
}

/** What knex takes for a prepared statement without rows. */
function command(execute: () => unknown): object {
  const run = () => {
    execute();
    return { changes: 0, lastInsertRowid: 0 };
  };
  return { reader: false, run };
}
