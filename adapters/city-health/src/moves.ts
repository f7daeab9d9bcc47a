import type { MappedRow } from "@hms-sync/client/sql";
import type { Knex } from "knex";
import type { Outcome } from "./calendar.js";
import { isServer } from "./database.js";
import { hasOutbox } from "./outbox.js";
import { SettingError } from "./settings.js";
import { forgetWatermark, look, openWatermark, writeKnown } from "./watermark.js";

/** How it is found out what City Health has moved itself: what brings it into the outbox. */
export interface MoveSource {
  /** Writes an appointment that HMS tells, by `write`, so that it is no move of City Health's. */
  writing(trx: Knex, row: MappedRow, write: () => Promise<Outcome>): Promise<Outcome>;
  /** Brings what was moved since the last look into the outbox; at times (`whole`) also what a quick look does not find. */
  look(whole: boolean): Promise<void>;
}

export interface MoveSettings {
  /** `watermark`: by the rows' UPD_TS. `outbox`: triggers of the calendar fill it. `none`: nothing is sent. */
  readonly source: "watermark" | "outbox" | "none";
  /** Pause (ms) between two looks. */
  readonly pollMs: number;
  /** How far (ms) before its watermark a look begins. */
  readonly overlapMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws SettingError */
export function moveSettings(env: Environment): MoveSettings {
  const source = env.RESCHEDULE_SOURCE || "watermark";
  if (source !== "watermark" && source !== "outbox" && source !== "none") {
    throw new SettingError(`RESCHEDULE_SOURCE is ${JSON.stringify(source)}; write watermark, outbox or none`);
  }
  return {
    source,
    pollMs: millisecondsIn(env, "RESCHEDULE_POLL_MS", 1_000),
    overlapMs: 1_000 * millisecondsIn(env, "RESCHEDULE_OVERLAP_S", 600),
  };
}

function millisecondsIn(env: Environment, name: string, fallback: number): number {
  const text = env[name] || String(fallback);
  if (/^\d{1,7}$/.test(text)) return Number(text);
  throw new SettingError(`${name} is ${JSON.stringify(text)}; write a whole number`);
}

/** Makes ready; undefined when nothing is to be sent. @throws SettingError when the outbox is not there. */
export async function openMoves(
  database: Knex,
  { source, overlapMs }: MoveSettings,
): Promise<MoveSource | undefined> {
  if (source === "watermark") {
    await openWatermark(database);
    return { writing: writeKnown, look: (whole) => look(database, { overlapMs, whole }) };
  }
  await forgetWatermark(database);
  if (source === "none") return undefined;
  if (!isServer(database)) {
    throw new SettingError(
      "RESCHEDULE_SOURCE is outbox; a SQLite file has no such triggers, write watermark",
    );
  }
  if (!(await hasOutbox(database))) {
    throw new SettingError(
      "RESCHEDULE_SOURCE is outbox and there is no table HMS_OUTBOX; run sql/outbox.sql",
    );
  }
  return { writing: (_trx, _row, write) => write(), look: async () => undefined };
}
