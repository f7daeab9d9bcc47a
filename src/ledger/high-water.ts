import { beforeAll, compareIds, type LedgerId } from "../redis/ledger-id.js";

/** A ledger ends before an entry that it had confirmed: Redis lost writes that it had acknowledged. */
export interface WentBack {
  readonly topic: string;
  /** The entry that had been confirmed. */
  readonly known: LedgerId;
  /** Where the ledger ends, or ended before what was recorded since. */
  readonly end: LedgerId;
}

/** Where a ledger is known to have been. */
export interface HighWaterMark {
  readonly last: LedgerId;
  /** Events recorded in all by then, at least. */
  readonly total: number;
}

/** Up to where each ledger is known to have been: once confirmed, an entry can only be missing if Redis lost it. */
export class HighWater {
  private readonly marks = new Map<string, LedgerId>();
  private readonly totals = new Map<string, number>();

  /** The mark of a topic; take it before a call whose answer is to be compared with it. */
  at(topic: string): LedgerId {
    return this.marks.get(topic) ?? beforeAll;
  }

  /** Events that had been recorded in all, the trimmed ones too, when it was last looked. */
  totalOf(topic: string): number {
    return this.totals.get(topic) ?? 0;
  }

  count(topic: string, total: number): void {
    this.totals.set(topic, total);
  }

  /** By topic: the mark and the total. */
  all(): ReadonlyMap<string, HighWaterMark> {
    return new Map([...this.marks].map(([topic, last]) => [topic, { last, total: this.totalOf(topic) }]));
  }

  /**
   * Takes the end that the ledger answered to a call begun at the mark `known`. Resolves to the loss when it lies
   * before that mark, once for each: the mark is lowered to it.
   */
  compare(topic: string, known: LedgerId, end: LedgerId): WentBack | undefined {
    const current = this.at(topic);
    if (compareIds(end, known) >= 0) {
      if (compareIds(end, current) > 0) this.marks.set(topic, end);
      return undefined;
    }
    // Lowered since the call was begun: its loss has been told.
    if (compareIds(known, current) > 0) return undefined;
    this.marks.set(topic, end);
    return { topic, known, end };
  }
}
