import type { Clock } from "../clock.js";

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/**
 * The one clock of a test bus and of the clients connected to it: it stands still until it is moved, so neither the
 * bus's leases nor the client's extensions of them run while a test waits, and both run in step when it does not.
 */
export class TestClock implements Clock {
  private elapsed = 0;
  private timers: Timer[] = [];

  /** `startAt` is what it shows at first, in ms since the epoch. */
  constructor(private readonly startAt: number) {}

  now(): number {
    return this.elapsed;
  }

  /** What it shows, in ms since the epoch. */
  wallTime(): number {
    return this.startAt + this.elapsed;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.elapsed + ms, callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((each) => each !== timer);
    };
  }

  /** When the next callback is due; undefined when none is. */
  get nextAt(): number | undefined {
    return this.timers.length === 0 ? undefined : Math.min(...this.timers.map(({ at }) => at));
  }

  /** Moves on to `at`, no further than `nextAt`, and calls back what is due then. */
  moveTo(at: number): void {
    this.elapsed = Math.max(this.elapsed, at);
    const due = this.timers.filter((timer) => timer.at <= this.elapsed);
    this.timers = this.timers.filter((timer) => timer.at > this.elapsed);
    for (const { callback } of due) callback();
  }
}
