import type { Clock } from "./clock.js";

/** Whether a subscription's handlers still do something: ask for events, or say something of one. */
export class Attention {
  /** Nothing was done for too long, and nothing since. */
  lacking = false;
  private paidAt = 0;

  constructor(private readonly clock: Clock) {}

  /** Something was done. True when it had been lacking. */
  paid(): boolean {
    this.paidAt = this.clock.now();
    const lacked = this.lacking;
    this.lacking = false;
    return lacked;
  }

  /** Notes and tells whether nothing was done for longer than this (ms). */
  lacks(longestMs: number): boolean {
    this.lacking = this.clock.now() - this.paidAt > longestMs;
    return this.lacking;
  }
}
