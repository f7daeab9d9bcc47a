import type { LedgerId } from "../redis/ledger-id.js";

/** One event as the ledger keeps it: its place and its envelope's bytes (UTF-8 JSON). */
export interface LedgerEntry {
  readonly id: LedgerId;
  readonly body: Buffer;
  /** The event's source and the systems before it, separated by commas; empty for an entry without them. */
  readonly systems: string;
}

/** What record needs to know of an event; the envelope text is kept byte for byte. */
export interface RecordableEvent {
  readonly id: string;
  readonly source: string;
  /** The source and the systems that the change came through before it, separated by commas. */
  readonly systems: string;
  readonly text: string;
  /** Digest of type and payload: tells a repeated event from another one under the same id. */
  readonly digest: string;
}

export interface RecordOptions {
  /** How long an id is remembered (ms). */
  readonly rememberMs: number;
  /** Epoch of the fenced intake reader; absent for a writer that is not the reader. */
  readonly epoch?: number;
}

/** `conflict`: the id was recorded before with another body; nothing was written for it. */
export interface Recorded {
  readonly status: "new" | "duplicate" | "conflict";
  readonly ledgerId: LedgerId;
}

export interface LedgerTail {
  readonly last: LedgerId;
  /** Events ever recorded, trimmed ones included. */
  readonly total: number;
  /** Events still kept. */
  readonly kept: number;
}

/** A stretch of a ledger: how many entries it has, its first and its last one. */
export interface LedgerStretch {
  readonly count: number;
  readonly first?: LedgerId;
  readonly last?: LedgerId;
}

/**
 * The replayable log of each topic's envelopes. Six methods, so that another log can hold it where a window outgrows
 * Redis memory. Ids grow with time; an entry, once recorded, is never changed, and removed only by `trim`.
 */
export interface Ledger {
  /**
   * Records each (source, id) once, all of the batch or nothing of it.
   * Rejects with HmsSyncError `fenced` when a newer reader's epoch is known to the topic.
   */
  record(topic: string, events: readonly RecordableEvent[], options: RecordOptions): Promise<Recorded[]>;
  /** Up to `limit` entries after `after` (exclusive) up to `to` (inclusive), oldest first. */
  range(topic: string, after: LedgerId, to: LedgerId, limit: number): Promise<LedgerEntry[]>;
  tail(topic: string): Promise<LedgerTail>;
  /** How many entries there are after `after` (exclusive) up to `to` (inclusive). */
  count(topic: string, after: LedgerId, to: LedgerId): Promise<LedgerStretch>;
  /** Id of the oldest entry kept, or undefined when the ledger is empty. */
  first(topic: string): Promise<LedgerId | undefined>;
  /** Removes what is older than `keepFromMs` and owed to none; nothing while one of `consumers` has no floor. Resolves to the count. */
  trim(topic: string, keepFromMs: number, consumers: readonly string[]): Promise<number>;
}

/** Where consumers say up to which entry they are settled; `trim` never passes the lowest floor. */
export interface TrimFloors {
  /** Raises the holder's floor, never lowers it. */
  raiseFloor(topic: string, holder: string, settledUpTo: LedgerId): Promise<void>;
  /** Takes the holder's floor away: it holds nothing any more. */
  dropFloor(topic: string, holder: string): Promise<void>;
}
