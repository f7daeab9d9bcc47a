import { compareIds, type LedgerId } from "../redis/ledger-id.js";
import type { LedgerEntry } from "./ledger.js";

/**
 * The newest entries of one topic in memory, without a gap, so that the consumers of a topic share one copy.
 * It knows `(after, last]` completely and nothing else.
 */
export class RecentEntries {
  private entries: LedgerEntry[] = [];
  private bytes = 0;
  private after: LedgerId | undefined;

  constructor(
    private readonly maxEntries = 20_000,
    private readonly maxBytes = 32 * 1024 * 1024,
  ) {}

  get last(): LedgerId | undefined {
    return this.entries.at(-1)?.id ?? this.after;
  }

  /** Adds entries that follow `before` directly; an unknown stretch in between makes it start anew. */
  append(before: LedgerId, added: readonly LedgerEntry[]): void {
    if (added.length === 0) return;
    const last = this.last;
    if (last !== before) {
      if (last !== undefined && compareIds(added[0]!.id, last) <= 0) return;
      this.entries = [];
      this.bytes = 0;
      this.after = before;
    }
    for (const entry of added) this.bytes += entry.body.length;
    this.entries.push(...added);
    this.shrink();
  }

  /** The entries of (after, to], or undefined when not all of them are known here. */
  range(after: LedgerId, to: LedgerId, limit: number): LedgerEntry[] | undefined {
    const last = this.last;
    if (this.after === undefined || last === undefined) return undefined;
    if (compareIds(after, this.after) < 0 || compareIds(to, last) > 0) return undefined;
    const start = this.indexAfter(after);
    const end = Math.min(this.indexAfter(to), start + limit);
    return this.entries.slice(start, end);
  }

  private indexAfter(id: LedgerId): number {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareIds(this.entries[middle]!.id, id) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // Drops a quarter at a time, so that shrinking costs little per entry.
  private shrink(): void {
    if (this.entries.length <= this.maxEntries && this.bytes <= this.maxBytes) return;
    const drop = Math.max(1, Math.ceil(this.entries.length / 4));
    const dropped = this.entries.splice(0, drop);
    for (const entry of dropped) this.bytes -= entry.body.length;
    this.after = dropped.at(-1)!.id;
    this.shrink();
  }
}
