import type { Delivery } from "./delivery.js";
import type { SettleAnswer } from "./frame.js";

export type SettleAction = "ack" | "nack" | "term" | "release" | "extend";
export type SettleResult = SettleAnswer["result"];

/** One event's settle, until the bus has answered it. */
export interface Settlement {
  readonly delivery: Delivery;
  readonly action: SettleAction;
  readonly delayMs?: number | undefined;
  readonly reason?: string | undefined;
  /** Absent where nobody waits: releases, and extensions made by the clock. */
  readonly resolve?: () => void;
  readonly reject?: (error: Error) => void;
}

/** A settle as it travels; with `to` it stands for all events up to that index of the same lease. */
export interface SettleEntry {
  readonly token: string;
  readonly action: SettleAction;
  readonly to?: number;
  readonly delay_ms?: number;
  readonly reason?: string;
}

/** Limits of one request, well below the gateway's (2,000 settles, 256 KiB). */
const MAX_BYTES = 120_000;
const ENTRY_BYTES = 100;
const BYTES_PER_CHARACTER = 6; // a control character as JSON escapes it

/** How many of the settlements, from the first, fit into one request. At least one. */
export function fitting(settlements: readonly Settlement[]): number {
  let bytes = 0;
  for (const [i, settlement] of settlements.entries()) {
    if (i > 0 && continues(settlements[i - 1]!, settlement)) continue;
    bytes += ENTRY_BYTES + (settlement.reason?.length ?? 0) * BYTES_PER_CHARACTER;
    if (bytes > MAX_BYTES && i > 0) return i;
  }
  return settlements.length;
}

/** The settles of one request. Each event is in it at most once. */
export class SettleBatch {
  readonly entries: readonly SettleEntry[];
  /** When it was made; what it extends begins no earlier. */
  readonly madeAt: number;
  private readonly byLease = new Map<string, (Settlement | undefined)[]>();

  constructor(
    readonly settlements: readonly Settlement[],
    now: number,
  ) {
    this.madeAt = now;
    this.entries = compress(settlements);
    for (const settlement of settlements) {
      const { lease, index } = settlement.delivery;
      let slots = this.byLease.get(lease.name);
      if (slots === undefined) {
        slots = [];
        this.byLease.set(lease.name, slots);
      }
      slots[index] = settlement;
    }
  }

  /** Calls back once per settlement with its result. What the bus left out of its answers is unknown to it. */
  resolve(
    answers: readonly SettleAnswer[],
    done: (settlement: Settlement, result: SettleResult) => void,
  ): void {
    for (const { lease, first, last, result } of answers) {
      const slots = this.byLease.get(lease) ?? [];
      for (let index = first; index <= last && index < slots.length; index++) {
        const settlement = slots[index];
        if (settlement === undefined) continue;
        slots[index] = undefined;
        done(settlement, result);
      }
    }
    for (const slots of this.byLease.values()) {
      for (const settlement of slots) if (settlement !== undefined) done(settlement, "unknown");
    }
  }
}

/** Settles as entries: neighbours of one lease that want the same become one range. */
export function compress(settlements: readonly Settlement[]): SettleEntry[] {
  const sorted = inOrder(settlements) ? settlements : [...settlements].sort(byPlace);
  const entries: SettleEntry[] = [];
  for (let from = 0; from < sorted.length; ) {
    let to = from;
    while (to + 1 < sorted.length && continues(sorted[to]!, sorted[to + 1]!)) to++;
    entries.push(entryOf(sorted[from]!, sorted[to]!.delivery.index));
    from = to + 1;
  }
  return entries;
}

function entryOf({ delivery, action, delayMs, reason }: Settlement, to: number): SettleEntry {
  return {
    token: `${delivery.lease.name}.${delivery.index}`,
    action,
    ...(to === delivery.index ? {} : { to }),
    ...(delayMs === undefined ? {} : { delay_ms: delayMs }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function continues(one: Settlement, next: Settlement): boolean {
  return (
    next.delivery.index === one.delivery.index + 1 &&
    next.delivery.lease === one.delivery.lease &&
    next.action === one.action &&
    next.delayMs === one.delayMs &&
    next.reason === one.reason
  );
}

function inOrder(settlements: readonly Settlement[]): boolean {
  for (let i = 1; i < settlements.length; i++)
    if (byPlace(settlements[i - 1]!, settlements[i]!) > 0) return false;
  return true;
}

function byPlace({ delivery: a }: Settlement, { delivery: b }: Settlement): number {
  return a.lease.sequence - b.lease.sequence || a.index - b.index;
}
