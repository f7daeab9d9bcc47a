import type { Handler, Logger } from "@hms-sync/client";
import { rowOf, writeOnce } from "@hms-sync/client/sql";
import type { Knex } from "knex";
import { APPOINTMENTS, type Outcome, writeChange } from "./calendar.js";
import type { TableMapping } from "./mapping.js";
import type { MoveSource } from "./moves.js";

/**
 * Writes an event's row, once: the row and the record that the event was done are committed together, or neither.
 * An event that can never be written becomes a dead letter with the reason; while the database is away it waits, and
 * after other failures it comes again.
 * @param moves what tells an appointment that HMS tells from one that City Health moves; undefined when none is sent.
 */
export function writerOf(
  mapping: TableMapping,
  database: Knex,
  log: Logger,
  moves: MoveSource | undefined,
): Handler {
  const { topic, table, columns } = mapping;
  return async (msg) => {
    const about = { topic, id: msg.id, attempt: msg.attempt };
    let outcome: Outcome | "written before" = "written before";
    const write = async (trx: Knex) => {
      const row = rowOf(columns, msg.data, msg);
      const change = () => writeChange(trx, mapping, row);
      const own = table === APPOINTMENTS ? moves : undefined;
      outcome = await (own?.writing(trx, row, change) ?? change());
    };
    const onAway = (code: string) =>
      log.warn("the database is away, the event waits for it", { ...about, code });
    await writeOnce(database, msg, write, { onAway });
    log.info(outcome, about);
  };
}
