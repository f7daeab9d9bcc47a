import type { Redis } from "ioredis";
import { valuesOf } from "../redis/replies.js";

/** How long (ms) an entry that is stored may stay unacknowledged: acknowledging many at once spares each event a call. */
const gatherMs = 50;

export interface AcknowledgerParts {
  readonly redis: Redis;
  readonly stream: string;
  readonly group: string;
  /** Acknowledging failed: its entries stay pending. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Acknowledges and removes entries of a stream that are stored elsewhere. Not at once: an entry that is read again
 * because a process died meanwhile is known to the ledger by its id.
 */
export class Acknowledger {
  private ids: Buffer[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly parts: AcknowledgerParts) {}

  add(ids: readonly Buffer[]): void {
    this.ids.push(...ids);
    this.timer ??= setTimeout(() => void this.flush().catch(this.parts.onFailure), gatherMs);
  }

  /** Resolves when all that was added is acknowledged. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const ids = this.ids;
    if (ids.length === 0) return;
    this.ids = [];
    const { redis, stream, group } = this.parts;
    valuesOf(
      await redis
        .pipeline()
        .xack(stream, group, ...ids)
        .xdel(stream, ...ids)
        .exec(),
    );
  }
}
