import type { Redis } from "ioredis";
import type { IntakeProcessor } from "./processor.js";
import type { IntakeLog, IntakeOutcome, RawMessage } from "./types.js";

/** Most messages that may wait for the ledger; beyond it they are dropped, loudly: Redis keeps none for us. */
const maxWaiting = 100_000;
const batchSize = 500;

export interface PubSubDoorParts {
  /** A connection of its own: it is in subscriber mode. */
  readonly subscriber: Redis;
  /** Redis prefix of the Laravel application. */
  readonly prefix: string;
  readonly processor: IntakeProcessor;
  readonly read: (channel: Buffer, message: Buffer) => IntakeOutcome;
  readonly log: IntakeLog;
}

/**
 * The zero-change door: what Laravel's stock redis driver publishes. Best effort, whatever the topic says: Redis keeps
 * no message for a sidecar that is not listening.
 */
export class PubSubDoor {
  private waiting: RawMessage[] = [];
  private dropped = 0;
  private wake: () => void = () => {};

  constructor(private readonly parts: PubSubDoorParts) {}

  /** Messages dropped because the ledger did not take them in time. */
  get lost(): number {
    return this.dropped;
  }

  /** Listens until `signal` aborts; what was heard by then is still stored. */
  async run(epoch: number, signal: AbortSignal): Promise<void> {
    const { subscriber, prefix } = this.parts;
    const hear = (_pattern: Buffer, channel: Buffer, message: Buffer) => this.hear(channel, message);
    const stop = () => this.wake();
    subscriber.on("pmessageBuffer", hear);
    signal.addEventListener("abort", stop);
    const pattern = `${escapePattern(prefix)}*`;
    try {
      await subscriber.psubscribe(pattern);
      this.parts.log.warn(
        "listening to Laravel's pub/sub channels: best effort, events are lost while no sidecar listens",
        {
          pattern,
        },
      );
      while (!signal.aborted || this.waiting.length > 0) await this.storeNext(epoch, signal);
    } finally {
      subscriber.off("pmessageBuffer", hear);
      signal.removeEventListener("abort", stop);
      if (subscriber.status === "ready") await subscriber.punsubscribe(pattern);
    }
  }

  private async storeNext(epoch: number, signal: AbortSignal): Promise<void> {
    if (this.waiting.length === 0) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        if (signal.aborted || this.waiting.length > 0) resolve();
      });
      return;
    }
    const batch = this.waiting.slice(0, batchSize);
    await this.parts.processor.process("pubsub", batch, epoch);
    this.waiting.splice(0, batch.length);
  }

  private hear(channel: Buffer, message: Buffer): void {
    if (this.waiting.length >= maxWaiting) {
      this.dropped++;
      this.parts.log.error("pub/sub message dropped: the ledger does not keep up", { dropped: this.dropped });
      return;
    }
    this.waiting.push({
      original: message,
      channel: channel.toString("utf8"),
      read: () => this.parts.read(channel, message),
    });
    this.wake();
  }
}

function escapePattern(prefix: string): string {
  return prefix.replace(/[\\*?[\]]/g, "\\$&");
}
