import { checkedTable, type Dialect, dialectOf, type KnexLike } from "./dialect.js";

/** The table's name unless another is given. */
export const ONCE_TABLE = "hms_sync_once";

const columns = (text: string, time: string) =>
  [
    `event_key char(64) not null primary key`,
    `consumer ${text}(100) not null`,
    `topic ${text}(100) not null`,
    `source ${text}(255) not null`,
    `event_id ${text}(255) not null`,
    `redo ${text}(255) null`,
    `done_at ${time} not null`,
    `keep_until ${time} not null`,
  ].join(",\n  ");

/** Times are ms since 1970: no driver and no session changes a number by its time zone. */
const statements: Readonly<Record<Dialect, (table: string, index: string) => string[]>> = {
  postgres: (table, index) => [
    `create table if not exists ${table} (\n  ${columns("varchar", "bigint")}\n)`,
    `create index if not exists ${index} on ${table} (consumer, topic, keep_until)`,
  ],
  mysql: (table, index) => [
    `create table if not exists ${table} (\n  ${columns("varchar", "bigint")},\n` +
      `  key ${index} (consumer, topic, keep_until)\n) engine = InnoDB default charset = ascii`,
  ],
  sqlite: (table, index) => [
    `create table if not exists ${table} (\n  ${columns("varchar", "bigint")}\n)`,
    `create index if not exists ${index} on ${table.split(".").at(-1)} (consumer, topic, keep_until)`,
  ],
  mssql: (table, index) => [
    `if object_id('${table}') is null create table ${table} (\n  ${columns("varchar", "bigint")}\n)`,
    `if not exists (select 1 from sys.indexes where object_id = object_id('${table}') and name = '${index}')\n` +
      `  create index ${index} on ${table} (consumer, topic, keep_until)`,
  ],
  oracle: (table, index) => [
    unlessThere(`create table ${table} (\n  ${columns("varchar2", "number(15)")}\n)`),
    unlessThere(`create index ${index} on ${table} (consumer, topic, keep_until)`),
  ],
};

/** Oracle has "if not exists" since 23ai only: ORA-00955 says that the name is taken. */
function unlessThere(statement: string): string {
  return (
    `begin\n  execute immediate '${statement}';\n` +
    "exception when others then if sqlcode != -955 then raise; end if;\nend;"
  );
}

/** The statements that make `once`'s table, harmless where it is there: for whoever may create tables. */
export function onceTableDdl(dialect: Dialect, table: string = ONCE_TABLE): string[] {
  const name = checkedTable(table);
  return statements[dialect](name, `${name.split(".").at(-1)}_keep`);
}

/**
 * Makes `once`'s table where it is not there yet. Several adapters may do so at a time. Not in a transaction: some
 * databases commit at each such statement.
 * @param knex a knex instance whose user may create tables; run `onceTableDdl` as another where it may not.
 */
export async function createOnceTable(knex: KnexLike, options: { table?: string } = {}): Promise<void> {
  const table = checkedTable(options.table ?? ONCE_TABLE);
  for (const statement of onceTableDdl(dialectOf(knex), table)) {
    try {
      await knex.raw(statement, []);
    } catch (error) {
      if (!(await isThere(knex, table))) throw error;
    }
  }
}

/** PostgreSQL fails where two create it at the same moment, and a user without the right where it is there. */
async function isThere(knex: KnexLike, table: string): Promise<boolean> {
  try {
    await knex.raw(`select keep_until from ${table} where 1 = 0`, []);
    return true;
  } catch {
    return false; // the caller throws why it could not be made
  }
}
