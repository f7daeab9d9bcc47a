import { hash } from "node:crypto";

/** Characters of a key's digest: 66 bits. Two keys of one digest wait for each other, nothing worse. */
export const keyWidth = 11;

/** Stands for an event without a key; no digest has blanks. */
const noKey = " ".repeat(keyWidth);

/**
 * The keys of a cut, one digest of `keyWidth` characters an event, as ADVANCE takes them. An event's key is the
 * `subject` of its envelope.
 */
export function keysOf(entries: readonly { readonly body: Buffer }[]): string {
  return entries.map(({ body }) => digestOf(subjectIn(body))).join("");
}

function digestOf(subject: string | undefined): string {
  return subject === undefined ? noKey : hash("sha256", subject, "base64url").slice(0, keyWidth);
}

// The envelope's own members after the payload begin at its last "time"; inside a string their quotes would be escaped.
function subjectIn(envelope: Buffer): string | undefined {
  const tail = envelope.toString("utf8", Math.max(0, envelope.lastIndexOf('"time":"')));
  return /"subject":("(?:[^"\\]|\\.)*")/.exec(tail)?.[1];
}
