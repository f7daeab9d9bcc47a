import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type Bus, HmsSyncClientError, type Logger } from "@hms-sync/client";
import { sqlReason } from "@hms-sync/client/sql";
import type { Knex } from "knex";
import type { MoveSource } from "./moves.js";
import { type Move, markRefused, markSent, prune, unsent } from "./outbox.js";
import { digitsOf, timeOf } from "./times.js";

const TOPIC = "inspections.rescheduled";
const BATCH = 100;
const HOUR_MS = 3_600_000;
const KEEP_MS = 14 * 24 * HOUR_MS;

export interface Sending {
  readonly bus: Pick<Bus, "publish">;
  readonly database: Knex;
  readonly moves: MoveSource;
  readonly pollMs: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Sends what City Health moves until the signal: looks, sends all there is, waits. A failure is tried again at the next look. */
export async function keepSending(sending: Sending): Promise<void> {
  const { moves, database, pollMs, log, signal } = sending;
  let failing: string | undefined;
  let wholeAt = 0; // the first look is at the whole calendar
  while (!signal.aborted) {
    try {
      const whole = performance.now() >= wholeAt;
      await moves.look(whole);
      await sendAll(sending);
      if (whole) {
        await prune(database, digitsOf(Date.now() - KEEP_MS));
        wholeAt = performance.now() + HOUR_MS;
      }
      if (failing !== undefined) log.info("moves are sent again");
      failing = undefined;
    } catch (error) {
      if (signal.aborted) return;
      const code = error instanceof HmsSyncClientError ? error.code : sqlReason(error);
      if (code !== failing) log.warn("moves are not sent, they wait", { topic: TOPIC, code });
      failing = code;
    }
    await delay(pollMs, undefined, { signal }).catch(() => undefined); // rejects when the signal ends it
  }
}

/** One after the other: an inspection moved twice is to end where it was moved last. */
async function sendAll(sending: Sending): Promise<void> {
  for (;;) {
    const found = await unsent(sending.database, BATCH);
    for (const move of found) await send(move, sending);
    if (found.length < BATCH) return;
  }
}

/** Marked after the bus has it: after a crash between, it is sent again with the same id, which the bus has already. */
async function send(move: Move, { bus, database, log, signal }: Sending): Promise<void> {
  const id = idOf(move);
  const scheduledFor = timeOf(move.APPT_TS);
  try {
    if (scheduledFor === undefined) throw new HmsSyncClientError("no_time", "APPT_TS is no time");
    const payload = { inspectionId: move.INSP_NO, scheduledFor };
    const { duplicate } = await bus.publish(TOPIC, payload, { id, signal });
    await markSent(database, move);
    log.info(duplicate ? "sent before" : "sent", { topic: TOPIC, id });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await markRefused(database, move, error.code);
    log.error("a move can never be sent; it stays in HMS_OUTBOX", { topic: TOPIC, id, code: error.code });
  }
}

/**
 * Of the row and the change: a table that was emptied and counts from 1 again gives no id twice. As a digest, since ids
 * stand in logs and values of the row do not.
 */
function idOf({ SEQ, INSP_NO, APPT_TS, CHG_TS }: Move): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([SEQ, INSP_NO, APPT_TS, CHG_TS]))
    .digest("hex");
  return `move-${SEQ}-${digest.slice(0, 32)}`;
}

/** What is wrong with this move; what is wrong with key, topic or bus concerns all of them, and passes. */
function isRefusal(error: unknown): error is HmsSyncClientError {
  if (!(error instanceof HmsSyncClientError)) return false;
  return error.code === "no_time" || error.status === 400 || error.status === 422;
}
