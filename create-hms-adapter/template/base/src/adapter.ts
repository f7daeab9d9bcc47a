import type { Handler } from "@hms-sync/client";
import { rowOf, sqlRefusal, upsert } from "@hms-sync/client/sql";
import type { Knex } from "knex";
import type { TableMapping } from "./mapping.js";

/**
 * Writes an event's row, once: the row and the record that the event was done are committed together, or neither.
 * An event that can never be written becomes a dead letter with the reason; after other failures it comes again.
 */
export function writerOf({ table, key, columns }: TableMapping, database: Knex): Handler {
  return async (msg) => {
    try {
      await database.transaction((trx) =>
        msg.once(trx, () => upsert(trx, table, rowOf(columns, msg.data, msg), key)),
      );
    } catch (error) {
      throw sqlRefusal(error);
    }
  };
}
