import type { Redis } from "ioredis";

/** What operations need of one delivery queue. */
export interface OperatedQueue {
  readonly consumer: string;
  readonly topic: string;
  readonly waiting: number;
  counts(): Promise<{
    ordinal: number;
    open: number;
    acked: number;
    skipped: number;
    dead: number;
    scheduledRuns: number;
    cursor: string;
  }>;
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

export interface OperationsParts {
  readonly redis: Redis;
  readonly registryDigest: string;
  /** The durability of the Redis in use, in words. */
  readonly durability: string;
  readonly topics: readonly OperatedTopic[];
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
        original: Buffer;
      }[]
    >;
    count(): Promise<number>;
  };
  /** Who reads the intake, its backlog, and what each door promises. */
  readonly intake: () => Promise<Record<string, unknown>>;
  /** Live sidecars, this one included. */
  readonly sidecars: () => number;
  /** What is wrong right now, in words. */
  readonly problems: () => readonly string[];
}
