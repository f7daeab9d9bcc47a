import { isPermanent, Permanent } from "../permanent.js";
import {
  awayCodes,
  permanentMssql,
  permanentMysql,
  permanentOracle,
  permanentSqlite,
  permanentState,
} from "./sql-error-codes.js";

/** What the drivers say about an error, as far as they say it: pg, mysql2, better-sqlite3, libsql, tedious, oracledb. */
interface DriverError {
  readonly name?: unknown;
  readonly message?: unknown;
  /** SQLSTATE (pg), a name (mysql2, SQLite, tedious) or `ORA-00001`. */
  readonly code?: unknown;
  /** mysql2's number. */
  readonly errno?: unknown;
  /** mysql2's message without the SQL that knex puts before it. */
  readonly sqlMessage?: unknown;
  /** mysql2's word for errors that end the connection. */
  readonly fatal?: unknown;
  /** tedious's number. */
  readonly number?: unknown;
  /** oracledb's number. */
  readonly errorNum?: unknown;
  readonly constraint?: unknown;
  readonly column?: unknown;
  readonly cause?: unknown;
}

/**
 * Whether writing the row again can help: `permanent` when the database refuses its values (a constraint, too long, out
 * of range, not in the charset), `retry` for everything else, errors that are none of a database included.
 */
export function classifySqlError(error: unknown): "permanent" | "retry" {
  if (isPermanent(error)) return "permanent";
  const { code, errno, number, errorNum, sqlMessage } = fieldsOf(error);
  if (typeof number === "number") return permanentMssql.has(number) ? "permanent" : "retry";
  if (typeof errorNum === "number" && errorNum !== 0) {
    return permanentOracle.has(errorNum) ? "permanent" : "retry";
  }
  if (typeof errno === "number" && typeof sqlMessage === "string") {
    return permanentMysql.has(errno) ? "permanent" : "retry";
  }
  if (typeof code !== "string") return "retry";
  const ora = /^ORA-(\d{5})$/.exec(code);
  if (ora !== null) return permanentOracle.has(Number(ora[1])) ? "permanent" : "retry";
  return permanentState.test(code) || permanentSqlite.test(code) ? "permanent" : "retry";
}

/** Whether the database is away: nothing can be written until it is back, whichever row it is. */
export function isAway(error: unknown): boolean {
  const { code, name, message, fatal } = fieldsOf(error);
  if (typeof code === "string" && awayCodes.has(code)) return true;
  if (name === "KnexTimeoutError" || fatal === true) return true; // no connection in time; mysql2's is unusable
  return typeof message === "string" && PG_CONNECTION.test(message);
}

/** What pg says of a connection that is gone, without a code. */
const PG_CONNECTION =
  /(^|- )(Connection terminated.*|Client (has encountered a connection error|was closed) and is not queryable)$/;

/** A unique key that is taken, in the databases where the transaction goes on after it. */
export function isDuplicate(error: unknown): boolean {
  const { code, errno, errorNum } = fieldsOf(error);
  return errno === 1062 || errorNum === 1 || code === "ORA-00001";
}

/**
 * The SQL error in words that hold no value of the row: its code, and the constraint or column where the database names
 * one. Knex's messages hold the whole statement with its values; they belong in no log.
 */
export function sqlReason(error: unknown): string {
  const fields = fieldsOf(error);
  const code = codeText(fields);
  const name = constraintOf(fields);
  return name === undefined ? code : `${code} ${name}`;
}

/**
 * The error as a handler should throw it: a `Permanent` with the SQL error's code and constraint as its reason when the
 * row can never be written, else itself.
 */
export function sqlRefusal(error: unknown): unknown {
  if (isPermanent(error) || classifySqlError(error) === "retry") return error;
  return new Permanent(`the database refuses the row: ${sqlReason(error)}`, { cause: error });
}

function fieldsOf(error: unknown): DriverError {
  return typeof error === "object" && error !== null ? (error as DriverError) : {};
}

function codeText({ code, errno, number, errorNum, name }: DriverError): string {
  if (errno === MARIADB_CHECK) return "ER_CONSTRAINT_FAILED";
  if (typeof number === "number") return `MSSQL ${number}`;
  if (typeof errorNum === "number" && errorNum !== 0) return `ORA-${String(errorNum).padStart(5, "0")}`;
  for (const text of [code, name]) if (typeof text === "string" && /^[\w-]{1,60}$/.test(text)) return text;
  return "an unknown error";
}

/** A check constraint in MariaDB; mysql2 calls it by MySQL's name for the same number. */
const MARIADB_CHECK = 4025;
const NAME = /^[\w$#.-]{1,128}$/;

function constraintOf({ constraint, column, sqlMessage, message }: DriverError): string | undefined {
  for (const name of [constraint, column]) if (typeof name === "string" && NAME.test(name)) return name;
  const text = typeof sqlMessage === "string" ? sqlMessage : message;
  return typeof text === "string" ? nameIn(text) : undefined;
}

/** How the databases name what was hurt. Values may stand before or after it, and may look like it. */
const phrases = [
  /for key '([^']+)'$/g, // MySQL: Duplicate entry '…' for key 'PAYMENTS.PRIMARY'
  /for column '([^']+)' at row \d+$/g, // MySQL: Data too long for column 'PAYEE' at row 1
  /for column (`[^ ]+`) at row \d+$/g, // MariaDB: Incorrect string value: '…' for column `db`.`t`.`PAYEE` at row 1
  /^Column '([^']+)' cannot be null$/g,
  /CONSTRAINT (`[^`]+`) (?:FOREIGN KEY|failed)/g,
  /(?:UNIQUE|NOT NULL|CHECK) constraint failed: ([\w$#.]+)(?:,|$)/g, // SQLite
  /(?:PRIMARY KEY|UNIQUE KEY|FOREIGN KEY|CHECK) constraint ['"]([^'"]+)['"]/g, // SQL Server
  /would be truncated in table '[^']+', column '([^']+)'/g,
  /Cannot insert the value NULL into column '([^']+)'/g,
  /constraint \(([\w$#.]+)\) violated/g, // Oracle
  /value too large for column ([\w$#."]+)/g,
  /cannot insert NULL into \(([\w$#."]+)\)/g,
];

/** A name that one phrase gives once. Where a value of the row repeats the phrase, nothing is named at all. */
function nameIn(text: string): string | undefined {
  const found = phrases.flatMap((phrase) =>
    [...text.matchAll(phrase)].map(([, name]) => name!.replace(/[`"]/g, "")),
  );
  return found.length === 1 && NAME.test(found[0]!) ? found[0] : undefined;
}
