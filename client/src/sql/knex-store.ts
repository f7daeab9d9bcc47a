import { checkedTable, type Dialect, dialectOf, type KnexLike, rowsOf, type SqlValue } from "./dialect.js";
import type { OnceRecord, OnceScope, OnceStore } from "./once-store.js";
import { isDuplicate } from "./sql-error.js";

const COLUMNS = "event_key, consumer, topic, source, event_id, redo, done_at, keep_until";
const PLACES = "?, ?, ?, ?, ?, ?, ?, ?";
const BATCH = 500;
const EXPIRED = "consumer = ? and topic = ? and keep_until < ?";

/** Records in a table, by way of a knex transaction. */
export class KnexStore implements OnceStore {
  private readonly dialect: Dialect;
  private readonly table: string;

  constructor(
    private readonly trx: KnexLike,
    table: string,
  ) {
    this.dialect = dialectOf(trx);
    this.table = checkedTable(table);
  }

  async insert(record: OnceRecord): Promise<boolean> {
    const { key, consumer, topic, source, id, redo, doneAt, keepUntil } = record;
    const values = [key, consumer, topic, source, id, redo, doneAt.getTime(), keepUntil.getTime()];
    const insert = `insert into ${this.table} (${COLUMNS})`;
    switch (this.dialect) {
      case "postgres":
      case "sqlite":
        return await this.gaveRow(
          `${insert} values (${PLACES}) on conflict do nothing returning event_key`,
          values,
        );
      case "mssql":
        return await this.gaveRow(
          `${insert} output inserted.event_key select ${PLACES} where not exists` +
            ` (select 1 from ${this.table} with (updlock, holdlock) where event_key = ?)`,
          [...values, key],
        );
      case "mysql":
      case "oracle":
        return await this.inserted(`${insert} values (${PLACES})`, values);
    }
  }

  async oldest({ consumer, topic }: OnceScope): Promise<Date | undefined> {
    const sql = `select min(keep_until) as keep_until from ${this.table} where consumer = ? and topic = ?`;
    const [row] = rowsOf(this.dialect, await this.trx.raw(sql, [consumer, topic]));
    const ms = row?.keep_until ?? row?.KEEP_UNTIL; // Oracle's names come in capitals
    return ms === null || ms === undefined ? undefined : new Date(Number(ms));
  }

  async prune(before: Date, { consumer, topic }: OnceScope): Promise<void> {
    await this.trx.raw(pruneSql(this.dialect, this.table), [consumer, topic, before.getTime()]);
  }

  private async gaveRow(sql: string, values: readonly SqlValue[]): Promise<boolean> {
    return rowsOf(this.dialect, await this.trx.raw(sql, values)).length > 0;
  }

  /** Where a refused INSERT leaves the transaction as it was. "insert ignore" would hide other errors, too. */
  private async inserted(sql: string, values: readonly SqlValue[]): Promise<boolean> {
    try {
      await this.trx.raw(sql, values);
      return true;
    } catch (error) {
      if (isDuplicate(error)) return false;
      throw error;
    }
  }
}

/** Rows are locked in one order, so that two who prune wait for each other instead of dying together. */
function pruneSql(dialect: Dialect, table: string): string {
  const expired = `select event_key from ${table} where ${EXPIRED} order by keep_until, event_key`;
  switch (dialect) {
    case "postgres":
      return `delete from ${table} where event_key in (${expired} limit ${BATCH} for update)`;
    case "sqlite":
      return `delete from ${table} where event_key in (${expired} limit ${BATCH})`;
    case "mysql":
      return `delete from ${table} where ${EXPIRED} order by keep_until, event_key limit ${BATCH}`;
    case "mssql":
      return (
        `with expired as (select top (${BATCH}) event_key from ${table} where ${EXPIRED} order by keep_until, event_key)` +
        " delete from expired"
      );
    case "oracle":
      return `delete from ${table} where event_key in (select event_key from (${expired}) where rownum <= ${BATCH})`;
  }
}
