import { type MappedRow, upsert } from "@hms-sync/client/sql";
import type { Knex } from "knex";
import { APPOINTMENTS, type Outcome } from "./calendar.js";
import { createOutbox, type Move, put } from "./outbox.js";
import { digitsOf, earlier } from "./times.js";

/** What HMS knows of each appointment: what it has told, or what the outbox has for it. */
const KNOWN = "HMS_KNOWN";
/** One row: the newest UPD_TS that was looked at. Whoever changes KNOWN locks it first. */
const MARK = "HMS_MARK";
const BATCH = 500;

interface Appointment {
  readonly INSP_NO: number;
  readonly APPT_TS: string;
  readonly UPD_TS: string;
}

/**
 * Makes the tables where they are not there. At the very first start the calendar as it stands counts as known: only what is
 * moved afterwards is sent.
 */
export async function openWatermark(database: Knex): Promise<void> {
  await createOutbox(database);
  await createKnown(database);
  await createMark(database);
  await database.transaction(async (trx) => {
    const [mark] = await trx(MARK).where({ ID: 1 }).forUpdate();
    if (mark !== undefined) return;
    await trx(MARK).insert({ ID: 1, UPD_TS: "", LOCKS: 0 });
    await trx(KNOWN).delete();
    const now = trx(APPOINTMENTS).select("INSP_NO", "APPT_TS");
    await trx(trx.raw("?? (??, ??)", [KNOWN, "INSP_NO", "APPT_TS"])).insert(now);
  });
}

/** What is moved while nobody looks is not to be sent later: the next start with a watermark begins anew. */
export async function forgetWatermark(database: Knex): Promise<void> {
  if (await database.schema.hasTable(MARK)) await database(MARK).delete();
}

async function createKnown(database: Knex): Promise<void> {
  if (await database.schema.hasTable(KNOWN)) return;
  await database.schema.createTable(KNOWN, (table) => {
    table.integer("INSP_NO").unsigned().notNullable().primary();
    table.specificType("APPT_TS", "CHAR(14)").notNullable();
  });
}

async function createMark(database: Knex): Promise<void> {
  if (await database.schema.hasTable(MARK)) return;
  await database.schema.createTable(MARK, (table) => {
    table.integer("ID").notNullable().primary();
    table.specificType("UPD_TS", "CHAR(17)").notNullable();
    table.bigInteger("LOCKS").notNullable();
  });
}

export interface Look {
  /** How far (ms) before the watermark: longer than the agency's longest transaction, and than its clock is ever set back. */
  readonly overlapMs: number;
  /** At all of the calendar, not only from the watermark on. */
  readonly whole: boolean;
}

/**
 * Puts what was moved since the last look into the outbox, each once, however often its row is looked at: a row was moved
 * when it has another appointment than HMS knows. Writes nothing when nothing was moved, unless it looks at the whole.
 */
export async function look(database: Knex, { overlapMs, whole }: Look): Promise<void> {
  const [mark] = await database(MARK).select("UPD_TS");
  const from = whole || mark === undefined ? "" : earlier(mark.UPD_TS, overlapMs);
  if (!whole && (await moved(database, from, 1)).length === 0) return;
  while (await database.transaction((trx) => collect(trx, from)));
}

/** @returns whether there may be more. */
async function collect(trx: Knex, from: string): Promise<boolean> {
  await lock(trx);
  const rows = await moved(trx, from, BATCH);
  for (const row of rows) await keep(trx, row);
  if (rows.length === BATCH) return true;
  // A time to come is no mark: after it, the right times would be passed over.
  const newest = await trx(APPOINTMENTS).where("UPD_TS", "<=", digitsOf(Date.now())).max("UPD_TS as mark");
  await trx(MARK).update({ UPD_TS: newest[0]?.mark ?? "" });
  return false;
}

/** Ties of UPD_TS are no matter: each row is compared by itself. */
async function moved(database: Knex, from: string, most: number): Promise<Appointment[]> {
  return await database(`${APPOINTMENTS} as now`)
    .leftJoin(`${KNOWN} as known`, "known.INSP_NO", "now.INSP_NO")
    .where("now.UPD_TS", ">=", from)
    .andWhere((or) => or.whereNull("known.APPT_TS").orWhereRaw("?? <> ??", ["known.APPT_TS", "now.APPT_TS"]))
    .orderBy(["now.UPD_TS", "now.INSP_NO"])
    .limit(most)
    .select("now.INSP_NO", "now.APPT_TS", "now.UPD_TS");
}

/**
 * Writes an appointment that HMS tells, by `write`, so that it is not sent back; what City Health had moved and nobody
 * had looked at yet goes into the outbox first.
 */
export async function writeKnown(trx: Knex, row: MappedRow, write: () => Promise<Outcome>): Promise<Outcome> {
  const { INSP_NO, APPT_TS } = row;
  await lock(trx);
  const [before] = await trx(APPOINTMENTS).where({ INSP_NO }).forUpdate();
  const [known] = await trx(KNOWN).where({ INSP_NO }).forUpdate();
  if (before !== undefined && before.APPT_TS !== known?.APPT_TS) await keep(trx, before);
  const outcome = await write();
  if (outcome === "written") await know(trx, { INSP_NO: INSP_NO!, APPT_TS: APPT_TS! });
  return outcome;
}

/** Lets nobody else change KNOWN until the end of the transaction, and as its first statement takes SQLite's only lock. */
async function lock(trx: Knex): Promise<void> {
  await trx(MARK).increment("LOCKS", 1);
}

async function keep(trx: Knex, { INSP_NO, APPT_TS, UPD_TS }: Appointment): Promise<void> {
  const move: Omit<Move, "SEQ"> = { INSP_NO, APPT_TS, CHG_TS: UPD_TS };
  await put(trx, move);
  await know(trx, { INSP_NO, APPT_TS });
}

async function know(trx: Knex, row: MappedRow): Promise<void> {
  await upsert(trx, KNOWN, row, ["INSP_NO"]);
}
