import type { SubscriptionHealth } from "./liveness.js";
import type { Message } from "./message.js";

/** Events of one topic, for a for-await loop. A loop that is left gives back what it had not handed out. */
export interface Subscription<Payload = unknown> extends AsyncIterableIterator<Message<Payload>> {
  readonly topic: string;
  /** Ends it as leaving the loop does: gives back what was not handed out and sends the settles; at most 5 s. */
  close(): Promise<void>;
}

/**
 * How a subscription ends. All hand out nothing more, give back what waits and send the settles.
 * `leave`: waits for no handler; at most 5 s for the bus.
 * `drain`: waits for what is handed out to be settled; once the loop has come back for more (with `concurrency`: and
 * nothing is handed out any more), at most 5 s.
 * `close`: as `drain`, but 5 s at most in any case, and later settles are refused.
 */
export type Leaving = "leave" | "drain" | "close";

/** What a subscription does by itself before it is quiet: a test kit waits for it. */
export interface Activity {
  /** Events that handlers are taken to be at work on. */
  readonly atWork: number;
  /** Whether settles, or a request for a replay, have not got through. */
  readonly unsent: boolean;
}

/** A subscription as the bus sees it. */
export interface Endable {
  health(): SubscriptionHealth;
  activity(): Activity;
  end(how: Leaving): Promise<void>;
}

/** The end of every iteration. */
export const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** How long (ms) an end waits for handlers and for the bus. */
const PATIENCE_MS = 5_000;

/** Waits for a subscription to become quiet; once hurried, no longer than 5 s. */
export class Ending {
  readonly done: Promise<void>;
  private resolve: () => void = () => undefined;
  private timer: NodeJS.Timeout | undefined;
  private over = false;

  constructor(private readonly isQuiet: () => boolean) {
    this.done = new Promise((resolve) => {
      this.resolve = resolve;
    });
    void this.done.then(() => {
      this.over = true;
    });
  }

  /** Something has changed. */
  check(): void {
    if (!this.isQuiet()) return;
    clearTimeout(this.timer);
    this.resolve();
  }

  hurry(): void {
    if (this.over) return;
    this.timer ??= setTimeout(this.resolve, PATIENCE_MS);
    this.check();
  }
}
