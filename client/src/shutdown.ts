import type { SubscriptionHealth } from "./liveness.js";
import type { Logger } from "./log.js";
import type { Activity, Endable, Leaving } from "./subscription.js";

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/**
 * The running subscriptions of one bus. While there are any, the first SIGTERM or SIGINT drains them instead of ending
 * the process; the process then ends when its own work is done. A second signal ends it at once, as ever.
 */
export class Subscriptions {
  private readonly running = new Set<Endable>();
  private readonly ends = new Set<Promise<void>>();
  private open = true;

  constructor(
    /** Whether signals are listened to. */
    private readonly drainOnSignals: boolean,
    private readonly log: Logger,
  ) {}

  /** Takes one up; false when nothing may begin any more. */
  readonly add = (subscription: Endable): boolean => {
    if (!this.open) return false;
    if (this.running.size === 0 && this.drainOnSignals)
      for (const name of SIGNALS) process.on(name, this.onSignal);
    this.running.add(subscription);
    return true;
  };

  readonly delete = (subscription: Endable): void => {
    this.running.delete(subscription);
    if (this.running.size === 0) this.ignoreSignals();
  };

  health(): SubscriptionHealth[] {
    return [...this.running].map((subscription) => subscription.health());
  }

  activity(): Activity[] {
    return [...this.running].map((subscription) => subscription.activity());
  }

  /** Ends all; resolves when they have ended. */
  async end(how: Leaving): Promise<void> {
    this.open = false;
    for (const subscription of this.running) this.ends.add(subscription.end(how));
    await Promise.all(this.ends);
  }

  private readonly onSignal = (name: NodeJS.Signals) => {
    this.ignoreSignals();
    this.log.info(`${name}: finishing what is handed out, giving back the rest; once more ends at once`);
    void this.end("drain");
  };

  private ignoreSignals(): void {
    for (const name of SIGNALS) process.off(name, this.onSignal);
  }
}
