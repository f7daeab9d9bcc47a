import type { Handler, Logger } from "@hms-sync/client";
import { rowOf, writeOnce } from "@hms-sync/client/sql";
import type { Knex } from "knex";
import type { FileDrop } from "./file-drop.js";
import type { Charset } from "./hl7.js";
import type { TableMapping } from "./mapping.js";
import { hl7File } from "./messages.js";
import { enter, lineOf } from "./register.js";

/** Where an event goes. */
export interface Clinic {
  readonly database: Knex;
  readonly drop: FileDrop;
  readonly charset: Charset;
  readonly log: Logger;
}

/**
 * Enters an event's line and drops its file, once. The file comes last before the commit: when the line and the record
 * that the event was done are committed, the file is on the disk, and a line that the register refuses leaves no file.
 * Between the file and the commit a crash leaves a file without a line, and the event comes again: README.md.
 * An event that can never be taken becomes a dead letter with the reason; while database or folder are away it waits,
 * and after other failures it comes again.
 */
export function writerOf({ topic, table, columns }: TableMapping, clinic: Clinic): Handler {
  const { database, drop, charset, log } = clinic;
  return async (msg) => {
    const line = lineOf(rowOf(columns, msg.data, msg));
    const file = hl7File(line, msg, charset);
    const write = async (trx: Knex.Transaction) => {
      await enter(trx, table, line);
      await drop.put(file.name, file.content);
    };
    const onAway = (code: string) =>
      log.warn("the database or the folder is away, the event waits for it", { topic, id: msg.id, code });
    const entered = await writeOnce(database, msg, write, { onAway });
    log.info(entered ? "entered" : "entered before", { topic, id: msg.id, attempt: msg.attempt });
  };
}
