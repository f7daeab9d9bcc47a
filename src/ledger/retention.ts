import type { Ledger } from "./ledger.js";

export interface RetentionLog {
  error(message: string, fields?: Record<string, unknown>): void;
}

/** A topic's replay window, and who must have settled an event before it may go. */
export interface RetainedTopic {
  readonly name: string;
  readonly retentionMs: number;
  readonly consumers: readonly string[];
}

const everyMs = 30_000;

/** Trims each topic to its retention, again and again. What is owed stays, however old it is. */
export class Retention {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly ledger: Pick<Ledger, "trim">,
    private readonly topics: () => readonly RetainedTopic[],
    /** Raises the floors of the topic's consumers to what they have settled. */
    private readonly raiseFloors: (topic: string) => Promise<void>,
    private readonly log: RetentionLog,
  ) {}

  start(): void {
    this.timer = setInterval(() => {
      this.running = this.trimAll().catch((error: unknown) => {
        this.log.error("trimming the ledger failed; it is tried again", { error: String(error) });
      });
    }, everyMs);
    this.timer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  private async trimAll(): Promise<void> {
    for (const { name, retentionMs, consumers } of this.topics()) {
      await this.raiseFloors(name);
      await this.ledger.trim(name, Date.now() - retentionMs, consumers);
    }
  }
}
