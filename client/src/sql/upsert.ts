import { HmsSyncClientError, invalidOption } from "../errors.js";
import { dialectOf, type KnexLike, type SqlValue } from "./dialect.js";
import { isDuplicate } from "./sql-error.js";

/** A statement for `knex.raw`: `??` are names, which knex quotes, `?` values. */
export interface Statement {
  readonly sql: string;
  readonly bindings: readonly SqlValue[];
}

interface Row {
  readonly table: string;
  readonly columns: readonly string[];
  readonly values: readonly SqlValue[];
  readonly key: readonly string[];
  /** The columns that are no part of the key. */
  readonly rest: readonly string[];
}

/**
 * Writes a row: the one with the same key is changed, else the row is inserted. The table needs a unique index on just
 * the key. MySQL and MariaDB take any unique index of the table for the key.
 * Names are quoted, as knex quotes them: write them as the database has them.
 * @param key the columns of the key, at least one; all of them are in `row`.
 * @throws what the database throws; see `classifySqlError`.
 */
export async function upsert(
  trx: KnexLike,
  table: string,
  row: Readonly<Record<string, SqlValue>>,
  key: readonly string[],
): Promise<void> {
  const { sql, bindings } = upsertStatement(trx, table, row, key);
  try {
    await trx.raw(sql, bindings);
  } catch (error) {
    // Another session inserted the row after Oracle's MERGE had looked; now it is there to be changed.
    if (dialectOf(trx) !== "oracle" || !isDuplicate(error)) throw error;
    await trx.raw(sql, bindings);
  }
}

/** The statement that `upsert` runs. */
export function upsertStatement(
  knex: KnexLike,
  table: string,
  row: Readonly<Record<string, SqlValue>>,
  key: readonly string[],
): Statement {
  const checked = checkedRow(table, row, key);
  switch (dialectOf(knex)) {
    case "postgres":
    case "sqlite":
      return onConflict(checked);
    case "mysql":
      return onDuplicateKey(checked);
    case "mssql":
      return merge(checked, { as: " with (holdlock) as", from: "", end: ";" });
    case "oracle":
      return merge(checked, { as: "", from: " from dual", end: "" });
  }
}

function checkedRow(table: string, row: Readonly<Record<string, SqlValue>>, key: readonly string[]): Row {
  const columns = Object.keys(row);
  const missing = key.filter((name) => !columns.includes(name));
  if (key.length === 0) throw invalidOption("key", "empty", "name the columns that a row is found by");
  if (missing.length > 0) throw invalidOption("key", missing.join(", "), `the row has ${columns.join(", ")}`);
  const unknown = key.find((name) => row[name] === null);
  if (unknown !== undefined) {
    throw new HmsSyncClientError(
      "invalid_option",
      `key column ${unknown} is NULL: no row can be found by it`,
    );
  }
  const rest = columns.filter((name) => !key.includes(name));
  return { table, columns, values: Object.values(row), key, rest };
}

function onConflict(row: Row): Statement {
  const { key, rest } = row;
  const set = rest.map(() => "?? = excluded.??").join(", ");
  const action = rest.length === 0 ? "nothing" : `update set ${set}`;
  const insert = insertInto(row);
  return {
    sql: `${insert.sql} on conflict (${places(key, "??")}) do ${action}`,
    bindings: [...insert.bindings, ...key, ...rest.flatMap((name) => [name, name])],
  };
}

function onDuplicateKey(row: Row): Statement {
  const { key, rest } = row;
  const changed = rest.length === 0 ? key.slice(0, 1) : rest;
  const insert = insertInto(row);
  return {
    // values() and not MySQL's row alias, which MariaDB has not
    sql: `${insert.sql} on duplicate key update ${changed.map(() => "?? = values(??)").join(", ")}`,
    bindings: [...insert.bindings, ...changed.flatMap((name) => [name, name])],
  };
}

function insertInto({ table, columns, values }: Row): Statement {
  return {
    sql: `insert into ?? (${places(columns, "??")}) values (${places(values, "?")})`,
    bindings: [table, ...columns, ...values],
  };
}

/** MERGE of SQL:2003. SQL Server ends it with a semicolon and locks the gap; Oracle has no "as" before a table's alias. */
function merge(
  { table, columns, values, key, rest }: Row,
  how: { as: string; from: string; end: string },
): Statement {
  const equal = (names: readonly string[], between: string) =>
    names.map(() => "target.?? = source.??").join(between);
  const selected = columns.map(() => "? as ??").join(", ");
  const update = rest.length === 0 ? "" : ` when matched then update set ${equal(rest, ", ")}`;
  const source = how.as === "" ? "source" : "as source";
  const pairs = (names: readonly string[]) => names.flatMap((name) => [name, name]);
  return {
    sql:
      `merge into ??${how.as} target using (select ${selected}${how.from}) ${source} on (${equal(key, " and ")})${update}` +
      ` when not matched then insert (${places(columns, "??")}) values (${places(columns, "source.??")})${how.end}`,
    bindings: [
      table,
      ...columns.flatMap((name, index) => [values[index]!, name]),
      ...pairs(key),
      ...pairs(rest),
      ...columns,
      ...columns,
    ],
  };
}

function places(of: readonly unknown[], place: string): string {
  return of.map(() => place).join(", ");
}
