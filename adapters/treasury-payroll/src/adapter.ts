import type { Handler, Logger } from "@hms-sync/client";
import { rowOf, upsert, writeOnce } from "@hms-sync/client/sql";
import type { Knex } from "knex";
import type { TableMapping } from "./mapping.js";

/**
 * Writes an event's row, once: the row and the record that the event was done are committed together, or neither.
 * An event that can never be written becomes a dead letter with the reason; while the database is away it waits, and
 * after other failures it comes again.
 */
export function writerOf({ topic, table, key, columns }: TableMapping, database: Knex, log: Logger): Handler {
  return async (msg) => {
    const event = { topic, id: msg.id };
    const onAway = (code: string) =>
      log.warn("the database is away, the event waits for it", { ...event, code });
    const write = (trx: Knex.Transaction) => upsert(trx, table, rowOf(columns, msg.data, msg), key);
    const written = await writeOnce(database, msg, write, { onAway });
    log.info(written ? "written" : "written before", { ...event, attempt: msg.attempt });
  };
}
