import { createHash } from "node:crypto";
import { malformed } from "../errors.js";
import type { OnceRecord } from "./once-store.js";

/** What of a message `once` looks at. */
export interface OnceMessage {
  readonly id: string;
  readonly topic: string;
  readonly source: string;
  readonly consumer: string | undefined;
  readonly redo: string | undefined;
  readonly replayed: boolean;
  readonly leaseEndsAt: number;
  readonly envelope: { readonly replayable_until: string };
}

/** How long (ms) a record outlives the event's window, and at least lives: an ack may be that late. */
const ACK_SLACK_MS = 24 * 3_600_000;
const MAX_ID = 255;

/** @param now ms since 1970. */
export function onceRecord(message: OnceMessage, now: number): OnceRecord {
  const { consumer = "", topic, source, id, redo = "" } = message;
  return {
    key: createHash("sha256")
      .update(JSON.stringify([consumer, topic, source, id, redo]))
      .digest("hex"),
    consumer,
    topic,
    source: ascii(source).slice(0, MAX_ID),
    id: ascii(id).slice(0, MAX_ID),
    redo: redo === "" ? null : ascii(redo).slice(0, MAX_ID),
    doneAt: new Date(now),
    keepUntil: new Date(Math.max(windowEnd(message), now) + ACK_SLACK_MS),
  };
}

/** Until when (ms since 1970) the record of an event that was done in its window is certainly kept. */
export function keptUntil(message: OnceMessage): number {
  return windowEnd(message) + ACK_SLACK_MS;
}

function windowEnd({ envelope }: OnceMessage): number {
  const end = Date.parse(envelope.replayable_until);
  if (Number.isNaN(end)) throw malformed('an envelope without "replayable_until"');
  return end;
}

/** As JSON would escape it, everything beyond ASCII too. */
function ascii(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
