import { type MappedRow, upsert } from "@hms-sync/client/sql";
import type { Knex } from "knex";
import type { TableMapping } from "./mapping.js";
import { digitsOf } from "./times.js";

/** The table of appointments: what City Health moves itself is sent back from it. */
export const APPOINTMENTS = "INSP_APPT";

export type Outcome = "written" | "older than the calendar";

/**
 * Writes a change unless the calendar has a later one of the same inspection: one that had to wait must not undo what
 * came after it.
 */
export async function writeChange(
  trx: Knex,
  { table, key }: Pick<TableMapping, "table" | "key">,
  row: MappedRow,
): Promise<Outcome> {
  const ofRow = Object.fromEntries(key.map((column) => [column, row[column]]));
  const [there] = await trx(table).select("CHG_TS").where(ofRow).forUpdate();
  if (there !== undefined && there.CHG_TS > row.CHG_TS!) return "older than the calendar";
  await upsert(trx, table, { ...row, UPD_TS: digitsOf(Date.now()) }, key);
  return "written";
}

/** The same tables as sql/calendar.sql makes, as SQLite has them. It checks neither lengths nor types of a column by itself. */
const TABLES = [
  `CREATE TABLE IF NOT EXISTS INSP_CAL (
    INSP_NO   INTEGER     NOT NULL PRIMARY KEY CHECK (INSP_NO BETWEEN 1 AND 999999999),
    STATUS_CD CHAR(1)     NOT NULL CHECK (STATUS_CD IN ('S', 'P', 'C', 'X')),
    DONE_BY   VARCHAR(30) CHECK (length(DONE_BY) <= 30),
    DONE_AT   CHAR(14),
    CHG_TS    CHAR(17)    NOT NULL,
    UPD_TS    CHAR(17)    NOT NULL
  )`,
  `CREATE TABLE IF NOT EXISTS INSP_APPT (
    INSP_NO   INTEGER     NOT NULL PRIMARY KEY CHECK (INSP_NO BETWEEN 1 AND 999999999),
    APPT_TS   CHAR(14)    NOT NULL,
    CHG_TS    CHAR(17)    NOT NULL,
    UPD_TS    CHAR(17)    NOT NULL
  )`,
  "CREATE INDEX IF NOT EXISTS INSP_APPT_UPD ON INSP_APPT (UPD_TS)",
];

/** Makes the calendar of a SQLite file. A server's is the agency's own. */
export async function createCalendar(database: Knex): Promise<void> {
  for (const statement of TABLES) await database.raw(statement);
}
