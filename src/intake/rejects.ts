import type { Redis } from "ioredis";
import { rejectsKey } from "../redis/keys.js";
import { valuesOf } from "../redis/replies.js";
import { streamFields } from "../redis/stream-fields.js";

/** An event that could not become an envelope, as it is kept. */
export interface Reject {
  /** Stable code of the reason (docs/errors.md). */
  readonly code: string;
  readonly reason: string;
  /** `stream` or `pubsub`. */
  readonly door: string;
  readonly source: string;
  readonly channel: string;
  /** The bytes as they came in. */
  readonly original: Buffer;
}

export interface StoredReject extends Reject {
  readonly id: string;
  /** Size of the original, of which `original` is the beginning. */
  readonly originalBytes: number;
  /** When it was rejected (RFC 3339). */
  readonly at: string;
}

/** Most bytes of an original that a list shows; one may have hundreds of megabytes. */
const shownBytes = 64 * 1024;
const pageSize = 20;

/** Rejects are kept, with reason and original bytes, until an operator removes them. */
export class Rejects {
  constructor(private readonly redis: Redis) {}

  async add(rejects: readonly Reject[]): Promise<void> {
    if (rejects.length === 0) return;
    const pipeline = this.redis.pipeline();
    for (const reject of rejects) {
      pipeline.xadd(
        rejectsKey,
        "*",
        ...["code", reject.code, "reason", reject.reason, "door", reject.door, "source", reject.source],
        ...["channel", reject.channel, "original", reject.original],
      );
    }
    valuesOf(await pipeline.exec());
  }

  /** The newest rejects first, at most `limit`, each with the first 64 KiB of its original. */
  async newest(limit: number): Promise<StoredReject[]> {
    const rejects: StoredReject[] = [];
    for (let from = "+"; ; from = `(${rejects.at(-1)!.id}`) {
      const count = Math.min(pageSize, limit - rejects.length);
      const entries = await this.redis.xrevrangeBuffer(rejectsKey, from, "-", "COUNT", count);
      rejects.push(...entries.map(([id, fields]) => stored(id.toString("latin1"), fields)));
      if (entries.length < count || rejects.length >= limit) return rejects;
    }
  }

  async count(): Promise<number> {
    return await this.redis.xlen(rejectsKey);
  }
}

function stored(id: string, fields: readonly Buffer[]): StoredReject {
  const values = streamFields(fields);
  const value = (name: string) => values.get(name)?.toString("utf8") ?? "";
  const original = values.get("original") ?? Buffer.alloc(0);
  return {
    id,
    at: new Date(Number(id.slice(0, id.indexOf("-")))).toISOString(),
    code: value("code"),
    reason: value("reason"),
    door: value("door"),
    source: value("source"),
    channel: value("channel"),
    // Copied, else the few bytes would hold all of it in memory.
    original: Buffer.from(original.subarray(0, shownBytes)),
    originalBytes: original.length,
  };
}
