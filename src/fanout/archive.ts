import { HmsSyncError } from "../errors.js";
import { recordedAt } from "../redis/ledger-id.js";
import type { LeftDeadLetter, LeftDelivery, OwedEvent } from "./left-delivery.js";

/**
 * The archive of what was left: NDJSON, a line for each event owed and each dead letter, envelopes byte for byte, and
 * a last line with the counts, without which it is not whole. Throws `archive_changed` when a delivery was worked on
 * while it was read.
 */
export async function* archiveLines(deliveries: readonly LeftDelivery[]): AsyncGenerator<Buffer> {
  let owed = 0;
  let dead = 0;
  for (const delivery of deliveries) {
    const before = await delivery.fingerprint();
    for await (const events of delivery.owed()) {
      owed += events.length;
      if (events.length > 0) yield Buffer.concat(events.map((event) => owedLine(delivery.topic, event)));
    }
    for await (const letters of delivery.deadLetters()) {
      dead += letters.length;
      yield Buffer.concat(letters.map((letter) => deadLine(delivery.topic, letter)));
    }
    if ((await delivery.fingerprint()) !== before) throw changed(delivery);
  }
  yield Buffer.from(`${JSON.stringify({ kind: "end", owed, dead })}\n`);
}

function owedLine(topic: string, { ledgerId, body }: OwedEvent): Buffer {
  const missing = body === undefined ? { missing: "the ledger no longer holds this event" } : {};
  return line({ kind: "owed", topic, ledger_id: ledgerId, ...missing }, body);
}

function deadLine(topic: string, { id, reason, attempts, envelope }: LeftDeadLetter): Buffer {
  const at = new Date(recordedAt(id)).toISOString();
  return line({ kind: "dead", topic, id, at, reason, attempts }, envelope);
}

function line(head: object, envelope: Buffer | undefined): Buffer {
  const text = envelope === undefined || envelope.length === 0 ? Buffer.from("null") : envelope;
  return Buffer.concat([Buffer.from(`${JSON.stringify(head).slice(0, -1)},"envelope":`), text, lineEnd]);
}

const lineEnd = Buffer.from("}\n");

function changed({ consumer, topic }: LeftDelivery): HmsSyncError {
  return new HmsSyncError(
    "archive_changed",
    `what ${consumer} is owed of ${topic} changed while it was archived: a sidecar still goes by an older topics.yaml, or somebody retires it too; try again`,
    { status: 503, retryable: true },
  );
}
