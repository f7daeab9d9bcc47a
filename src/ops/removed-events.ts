import { recordedAt } from "../redis/ledger-id.js";
import { timeOf } from "./ledger-losses.js";
import type { RemovedEvents } from "./types.js";

/** What an operator reads: what can never be delivered, and what to do. */
export function removedInWords({ consumer, topic, count, before }: RemovedEvents): string {
  return (
    `events_removed: the ledger of ${topic} lost ${count} ${count === 1 ? "event" : "events"} from before ${before} (${timeOf(recordedAt(before))}) that ${consumer} was owed and had not been given: ` +
    "somebody took them out of Redis (XTRIM, XDEL or DEL by hand?). Have producers send them again with new ids (the old ids count as duplicates); " +
    "then: hms-sync status --acknowledge"
  );
}
