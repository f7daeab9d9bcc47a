import { compareIds, type LedgerId } from "../redis/ledger-id.js";
import type { DeliveryRecords } from "./delivery-records.js";
import type { FanoutLog, LedgerReader } from "./types.js";

/** Events behind a cursor that lies in the midst of what the ledger keeps are counted one by one, up to so many. */
const countedAtMost = 2_000;

/** Where a consumer is, and what it was found to have missed. */
export interface CursorPosition {
  readonly cursor: LedgerId;
  /** Ledger events before the cursor, those included that are gone. */
  readonly ordinal: number;
  /** Events that were gone from the ledger before they were cut. */
  readonly removed: number;
  /** How often the cursor was brought back. */
  readonly rewound: number;
}

/** Events that a consumer can never be given, as an operator is told of them. */
export interface RemovedEvents {
  readonly consumer: string;
  readonly topic: string;
  readonly count: number;
  /** They were recorded before this entry; of those that were noticed last. */
  readonly before: LedgerId;
}

export interface LookedAt {
  readonly consumer: string;
  readonly topic: string;
  /** False while the cursor is not compared with a ledger that went back. */
  readonly opened: boolean;
}

/**
 * Finds events that somebody took out of the ledger (XTRIM, XDEL) before the consumer was given them, and counts them in its
 * records: they would be owed for ever. Exact, since the ledger counts what it records and the cursor what it passes.
 * Resolves to the ledger's end when the consumer has passed all of it: until there is more, nothing can be missing.
 */
export async function countRemoved(
  queue: LookedAt,
  records: DeliveryRecords,
  ledger: LedgerReader,
  log: FanoutLog,
): Promise<LedgerId | undefined> {
  // In this order: what is recorded or cut in between only makes the later answers count more on both sides.
  const position = await records.position();
  if (position === undefined) return undefined;
  const first = await ledger.first(queue.topic);
  const { last, total, kept } = await ledger.tail(queue.topic);
  const behind = total - position.ordinal;
  if (!queue.opened || compareIds(position.cursor, last) > 0) return undefined; // the ledger went back
  if (behind === 0 && position.cursor === last) return last;
  const isAhead = first !== undefined && compareIds(first, position.cursor) > 0;
  const left = isAhead ? kept : await leftOf(queue.topic, position.cursor, { first, last, behind }, ledger);
  if (left === undefined) return undefined;
  const count = Math.max(behind - left, -position.removed);
  const before = isAhead ? first : last;
  if (count === 0 || !(await records.countRemoved(position, count, before))) return undefined;
  const { consumer, topic } = queue;
  log.error("events_removed: the ledger no longer has events that the consumer was not given yet", {
    ...{ consumer, topic, count, before },
  });
  return undefined;
}

interface Ledger {
  readonly first: LedgerId | undefined;
  readonly last: LedgerId;
  readonly behind: number;
}

/** How many events the ledger has after the cursor; undefined when counting them would take too long. */
async function leftOf(
  topic: string,
  cursor: LedgerId,
  { first, last, behind }: Ledger,
  ledger: LedgerReader,
): Promise<number | undefined> {
  if (first === undefined) return 0;
  return behind > countedAtMost ? undefined : (await ledger.count(topic, cursor, last)).count;
}
