import type { Redis } from "ioredis";
import type { LedgerLoss } from "./ledger-losses.js";

export interface OperatedCounts {
  readonly ordinal: number;
  readonly open: number;
  readonly acked: number;
  readonly skipped: number;
  readonly dead: number;
  readonly removed: number;
  readonly scheduledRuns: number;
  readonly cursor: string;
  readonly joinedAt: number;
  readonly joinedTotal: number;
  /** Of the open events, those that wait for an earlier one of their key, and those that replays brought. */
  readonly parked: number;
  readonly replayed: number;
  /** The latest replay, while it runs or some of its events are open. */
  readonly replay?: {
    readonly replay: string;
    readonly running: boolean;
    readonly done: number;
    readonly of: number;
  };
}

/** What operations need of one delivery queue. */
export interface OperatedQueue {
  readonly consumer: string;
  readonly topic: string;
  readonly waiting: number;
  /** Schema version that the consumer is given. */
  readonly version: number;
  counts(): Promise<OperatedCounts>;
  deadLetters(
    limit: number,
  ): Promise<{ id: string; at: string; reason: string; attempts: number; envelope: string }[]>;
  redrive(ids: readonly string[]): Promise<string[]>;
}

export interface OperatedTopic {
  readonly name: string;
  readonly qos: string;
  readonly version: number;
  readonly retentionMs: number;
}

export interface RegistryFacts {
  readonly digest: string;
  /** RFC 3339: when it was read. */
  readonly since: string;
  readonly refused?: { readonly at: string; readonly problems: readonly string[] };
}

/** Events that somebody took out of a ledger before the consumer was given them. */
export interface RemovedEvents {
  readonly consumer: string;
  readonly topic: string;
  readonly count: number;
  /** They were recorded before this entry. */
  readonly before: string;
}

/** A (consumer, topic) that topics.yaml has no longer; it holds the ledger until it is retired. */
export interface LeavingDelivery {
  readonly consumer: string;
  readonly topic: string;
  readonly counts: OperatedCounts;
  readonly owed: number;
}

export interface OperationsParts {
  readonly redis: Redis;
  /** The registry in force here, and whether a changed file was refused. */
  readonly registry: () => RegistryFacts;
  /** The durability of the Redis in use, in words, and why the bus should not run on it: as it is set now. */
  readonly durability: () => Promise<{ readonly level: string; readonly refusal?: string }>;
  readonly topics: () => readonly OperatedTopic[];
  /** What consumers that are no longer in topics.yaml are still owed. */
  readonly leaving: () => Promise<readonly LeavingDelivery[]>;
  readonly queues: () => readonly OperatedQueue[];
  readonly tail: (topic: string) => Promise<{ last: string; total: number; kept: number }>;
  readonly rejects: {
    newest(limit: number): Promise<
      {
        id: string;
        at: string;
        code: string;
        reason: string;
        door: string;
        source: string;
        channel: string;
        /** Its beginning; `originalBytes` is the size of all of it. */
        original: Buffer;
        originalBytes: number;
      }[]
    >;
    count(): Promise<number>;
  };
  /** Who reads the intake, its backlog, and what each door promises. */
  readonly intake: () => Promise<Record<string, unknown>>;
  /** Live sidecars, this one included. */
  readonly sidecars: () => number;
  /** Ledgers that lost entries they had confirmed, until an operator has seen to it. */
  readonly losses: {
    list(): Promise<readonly LedgerLoss[]>;
    acknowledge(): Promise<readonly string[]>;
  };
  /** What was removed from ledgers before it was delivered, as far as no operator has acknowledged it. */
  readonly removedEvents: () => Promise<readonly RemovedEvents[]>;
  readonly acknowledgeRemoved: (removed: readonly RemovedEvents[]) => Promise<void>;
  /** What is wrong right now, in words. */
  readonly problems: () => readonly string[];
}
