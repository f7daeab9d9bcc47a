import type { Knex } from "knex";
import { digitsOf } from "./times.js";

const OUTBOX = "HMS_OUTBOX";
const SENT = "sent";

/** An appointment that City Health has moved. */
export interface Move {
  /** In which order they were moved; numbers may be left out. */
  readonly SEQ: number;
  readonly INSP_NO: number;
  /** The appointment, 14 digits. */
  readonly APPT_TS: string;
  /** When it was moved, 17 digits. */
  readonly CHG_TS: string;
}

/** Makes the outbox where it is not there; sql/outbox.sql makes the same. */
export async function createOutbox(database: Knex): Promise<void> {
  if (await database.schema.hasTable(OUTBOX)) return;
  await database.schema.createTable(OUTBOX, (table) => {
    table.bigIncrements("SEQ");
    table.integer("INSP_NO").unsigned().notNullable();
    table.specificType("APPT_TS", "CHAR(14)").notNullable();
    table.specificType("CHG_TS", "CHAR(17)").notNullable();
    table.string("STATE", 60).notNullable().defaultTo("");
    table.specificType("SENT_TS", "CHAR(17)");
    table.index(["STATE", "SEQ"], "HMS_OUTBOX_STATE");
  });
}

export async function hasOutbox(database: Knex): Promise<boolean> {
  return await database.schema.hasTable(OUTBOX);
}

/** Puts a move into the outbox, in the transaction that has found it. */
export async function put(trx: Knex, move: Omit<Move, "SEQ">): Promise<void> {
  await trx(OUTBOX).insert(move);
}

/**
 * The first that are neither sent nor refused, in the order in which they were moved. Of one inspection that is the
 * order of the commits, too: its row is locked from the change to the commit.
 */
export async function unsent(database: Knex, most: number): Promise<Move[]> {
  const columns = ["SEQ", "INSP_NO", "APPT_TS", "CHG_TS"];
  return await database(OUTBOX).select(columns).where({ STATE: "" }).orderBy("SEQ").limit(most);
}

export async function markSent(database: Knex, { SEQ }: Move): Promise<void> {
  await database(OUTBOX)
    .where({ SEQ })
    .update({ STATE: SENT, SENT_TS: digitsOf(Date.now()) });
}

/** What the bus can never take stays in the table with the reason; with STATE '' it is sent again. */
export async function markRefused(database: Knex, { SEQ }: Move, code: string): Promise<void> {
  await database(OUTBOX)
    .where({ SEQ })
    .update({ STATE: `refused: ${code}`.slice(0, 60) });
}

/**
 * Deletes some of what was sent before that. By its numbers, since a range would lock the place where City Health's
 * next move is inserted.
 */
export async function prune(database: Knex, before: string): Promise<void> {
  const old = await database(OUTBOX)
    .where({ STATE: SENT })
    .andWhere("SENT_TS", "<", before)
    .limit(1_000)
    .pluck("SEQ");
  if (old.length > 0) await database(OUTBOX).whereIn("SEQ", old).delete();
}
