import type { IncomingHttpHeaders } from "node:http";
import { HmsSyncError } from "../../errors.js";
import { invalidRequest } from "../body.js";

const keyForm = /^[\x21-\x7e]{1,255}$/;
/** A string of RFC 8941 (structured fields): quotes and backslashes escaped. */
const quoted = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;

/**
 * The key of draft-ietf-httpapi-idempotency-key-header: a quoted string, or the same characters bare. Throws
 * `invalid_request` (400) when it is not 1 to 255 printable ASCII characters without spaces.
 */
export function idempotencyKey(headers: IncomingHttpHeaders): string | undefined {
  const header = headers["idempotency-key"];
  if (header === undefined) return undefined;
  const text = String(header);
  const key = quoted.exec(text)?.[1]?.replace(/\\(.)/g, "$1") ?? text;
  if (keyForm.test(key)) return key;
  throw invalidRequest("Idempotency-Key", text, "1 to 255 printable ASCII characters without spaces");
}

/** The id a webhook's headers give. Throws `invalid_request` (400) as `idempotencyKey` does. */
export function webhookId(headers: IncomingHttpHeaders): string | undefined {
  const header = headers["webhook-id"];
  if (header === undefined || keyForm.test(String(header))) return header as string | undefined;
  throw invalidRequest("webhook-id", header, "1 to 255 printable ASCII characters without spaces");
}

/**
 * The one id that all that were given agree on, undefined when there is none. Throws `conflicting_ids` (400) when two
 * differ: whichever was taken, a repeated request could carry only the other.
 */
export function oneId(given: Readonly<Record<string, string | undefined>>): string | undefined {
  const named = Object.entries(given).filter(([, id]) => id !== undefined);
  const [first, ...others] = named;
  const other = others.find(([, id]) => id !== first?.[1]);
  if (first === undefined || other === undefined) return first?.[1];
  throw conflicting(
    `${first[0]} ${shown(first[1])} and ${other[0]} ${shown(other[1])} are two ids for one event; send one, or the same`,
  );
}

/** Refuses a key for a whole batch: it would promise more than the ids of the events keep. */
export function noKeyForBatch(headers: IncomingHttpHeaders): void {
  if (headers["idempotency-key"] === undefined) return;
  throw conflicting("in a batch each event has an id of its own; leave out Idempotency-Key");
}

function conflicting(message: string): HmsSyncError {
  return new HmsSyncError("conflicting_ids", message, { status: 400 });
}

function shown(id: string | undefined): string {
  return JSON.stringify(id?.slice(0, 100));
}
