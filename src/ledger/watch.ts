import type { Redis } from "ioredis";
import type { HighWaterMark } from "./high-water.js";

export interface LedgerWatchParts {
  readonly redis: Redis;
  readonly ledger: {
    marks(): ReadonlyMap<string, HighWaterMark>;
    forgetRecent(): void;
    verify(topic: string, mark: HighWaterMark): Promise<void>;
  };
  /** Where marks outlive the process. */
  readonly state: {
    ledgerMarks(redis: string): Promise<ReadonlyMap<string, HighWaterMark>>;
    writeLedgerMarks(redis: string, marks: ReadonlyMap<string, HighWaterMark>): Promise<void>;
  };
  /** Keeps losses that could not be written when they were found. */
  readonly saveLosses: () => Promise<void>;
  /** Which Redis it is: marks of another one say nothing. */
  readonly name: string;
  readonly log: { warn(message: string, fields?: Record<string, unknown>): void };
}

/** How often the marks are written down when they have grown (ms). */
const everyMs = 2_000;

/**
 * Notices that Redis lost ledger entries that it had confirmed: compares after every new connection, and at the start
 * with what the sidecar before wrote down. (Each answer of the ledger is compared as well, by the ledger itself.)
 */
export class LedgerWatch {
  private timer: NodeJS.Timeout | undefined;
  private written = "";
  private work: Promise<void> = Promise.resolve();
  private readonly onClose = () => this.parts.ledger.forgetRecent();
  private readonly onReady = () => {
    // As they are now: the next answers may raise them past what is lost.
    const marks = new Map(this.parts.ledger.marks());
    void this.run(() => this.verifyAll(marks));
  };

  constructor(private readonly parts: LedgerWatchParts) {}

  /** Resolves when the ledgers are compared with what was written down. */
  async start(): Promise<void> {
    const { redis, state, name, log } = this.parts;
    const marks = await state.ledgerMarks(name).catch((error: unknown) => {
      log.warn("what was known of the ledgers cannot be read; a loss of before goes unnoticed", {
        error: String(error),
      });
      return new Map<string, HighWaterMark>();
    });
    await this.verifyAll(marks);
    redis.on("close", this.onClose).on("ready", this.onReady);
    this.timer = setInterval(() => void this.run(() => this.save()), everyMs);
    this.timer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    this.parts.redis.off("close", this.onClose).off("ready", this.onReady);
    await this.run(() => this.save());
  }

  private async verifyAll(marks: ReadonlyMap<string, HighWaterMark>): Promise<void> {
    for (const [topic, mark] of marks) await this.parts.ledger.verify(topic, mark);
  }

  private async save(): Promise<void> {
    const { saveLosses, state, ledger, name } = this.parts;
    if (this.parts.redis.status === "ready") await saveLosses();
    const marks = ledger.marks();
    const text = JSON.stringify([...marks]);
    if (text === this.written) return;
    await state.writeLedgerMarks(name, marks);
    this.written = text;
  }

  // One piece of work after the other.
  private run(work: () => Promise<void>): Promise<void> {
    this.work = this.work.then(work).catch((error: unknown) => {
      this.parts.log.warn("looking after the ledgers failed; it is tried again", { error: String(error) });
    });
    return this.work;
  }
}
