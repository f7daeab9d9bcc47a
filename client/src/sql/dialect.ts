import { invalidOption } from "../errors.js";

/** The databases that `once` and `upsert` write SQL for. MariaDB is `mysql`, CockroachDB `postgres`. */
export type Dialect = "postgres" | "mysql" | "sqlite" | "mssql" | "oracle";

/** What is bound to a `?`. */
export type SqlValue = string | number | boolean | Date | Buffer | null;

/** What of knex is used here, so that types need no knex: a knex instance or a transaction of one. */
export interface KnexLike {
  readonly isTransaction?: boolean | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: as knex declares it
  readonly client: any;
  raw(sql: string, bindings: readonly SqlValue[]): PromiseLike<unknown>;
}

/** By what knex's clients call themselves. */
const dialects: Readonly<Record<string, Dialect>> = {
  postgresql: "postgres",
  cockroachdb: "postgres",
  mysql: "mysql",
  sqlite3: "sqlite",
  mssql: "mssql",
  oracle: "oracle",
};

/** @throws HmsSyncClientError `invalid_option` for a client of knex that nothing is known of. */
export function dialectOf(knex: KnexLike): Dialect {
  const name: unknown = knex.client?.dialect;
  const dialect = typeof name === "string" ? dialects[name] : undefined;
  if (dialect !== undefined) return dialect;
  throw invalidOption(
    "knex's dialect",
    name,
    `${Object.keys(dialects).join(", ")} are known; for another database write the three functions of a OnceStore`,
  );
}

/** The rows of what `raw` gave; only for statements that give rows. */
export function rowsOf(dialect: Dialect, response: unknown): readonly Record<string, unknown>[] {
  const rows =
    dialect === "postgres"
      ? (response as { rows: unknown }).rows
      : dialect === "mysql"
        ? (response as unknown[])[0]
        : response;
  return rows as Record<string, unknown>[];
}

const TABLE = /^[A-Za-z_][\w$#]{0,127}(\.[A-Za-z_][\w$#]{0,127}){0,2}$/;

/** The name as it stands in SQL, unquoted, so that each database folds it as it does its own. */
export function checkedTable(table: string): string {
  if (TABLE.test(table)) return table;
  throw invalidOption(
    "table",
    table,
    "write a plain name, with its schema if need be: hms_sync_once, legacy.hms_sync_once",
  );
}
