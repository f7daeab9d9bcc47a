import { createHash } from "node:crypto";
import { Permanent } from "@hms-sync/client";

/** What makes an event this event and no other. A replay with redo makes another one of it. */
export interface EventIdentity {
  readonly topic: string;
  readonly source: string;
  readonly id: string;
  /** RFC 3339. */
  readonly time: string;
  readonly redo?: string | undefined;
}

/** As long as HL7 2.5.1 lets a message control id (MSH-10) be: 80 bits of a digest. */
const CONTROL_ID_LENGTH = 20;
const READABLE_LENGTH = 80;

/** The same for the same event, another for any other: for MSH-10, by which a reader knows what it has had already. */
export function controlId({ topic, source, id, redo = "" }: EventIdentity): string {
  const digest = createHash("sha256").update(JSON.stringify([topic, source, id, redo]));
  return digest.digest("hex").slice(0, CONTROL_ID_LENGTH);
}

/**
 * `<time>_<id>_<control id>.hl7`: sorted by name, files are in the order in which things happened. The id is there for
 * people, without what a file name may not hold on some system; that names differ, also where a file system ignores
 * capitals, is the control id's part. Never above 124 characters.
 */
export function fileName(event: EventIdentity): string {
  const readable = event.id.slice(0, READABLE_LENGTH).replace(/[^A-Za-z0-9.-]/g, "-");
  return `${digits(event.time)}_${readable}_${controlId(event)}.hl7`;
}

/** 2024-04-23T15:02:11.25Z as 20240423150211250, in UTC. */
function digits(time: string): string {
  const ms = Date.parse(time);
  if (Number.isNaN(ms)) throw new Permanent("hl7: envelope.time is no time that a file can be named by");
  return new Date(ms).toISOString().replace(/\D/g, "");
}
