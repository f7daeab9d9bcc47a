export interface Rate {
  /** Tokens that come per second. */
  readonly perSecond: number;
  /** Most tokens a bucket holds: what may be taken at once after a quiet time. */
  readonly burst: number;
}

interface Bucket {
  level: number;
  /** Milliseconds of the clock at which the level was right. */
  at: number;
}

const maxBuckets = 10_000;

/**
 * Token buckets by name, in memory. rate-limiter-flexible was looked at: its limiter in memory counts in fixed windows,
 * so twice the rate passes at the edge of two, a refused call costs as much as one that passes, and what costs more
 * than a whole window never passes.
 */
export class TokenBuckets {
  private readonly buckets = new Map<string, Bucket>();

  /** `now` is a clock in milliseconds that never goes back. */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /**
   * Takes `cost` tokens and answers 0, or takes none and answers the milliseconds until they are there. What costs more
   * than a bucket holds passes when it is full; the next ones then wait until that is paid off.
   */
  take(name: string, cost: number, rate: Rate): number {
    const bucket = this.filled(name, rate);
    const needed = Math.min(cost, rate.burst);
    if (bucket.level < needed) return Math.ceil(((needed - bucket.level) / rate.perSecond) * 1_000);
    bucket.level -= cost;
    return 0;
  }

  /** Milliseconds until there is one token to take; 0 when there is one now. */
  wait(name: string, rate: Rate): number {
    const { level } = this.filled(name, rate);
    return level >= 1 ? 0 : Math.ceil(((1 - level) / rate.perSecond) * 1_000);
  }

  private filled(name: string, { perSecond, burst }: Rate): Bucket {
    const now = this.now();
    const known = this.buckets.get(name) ?? { level: burst, at: now };
    known.level = Math.min(burst, known.level + ((now - known.at) / 1_000) * perSecond);
    known.at = now;
    this.keep(name, known);
    return known;
  }

  /** The bucket that was asked for longest ago makes room. */
  private keep(name: string, bucket: Bucket): void {
    this.buckets.delete(name);
    if (this.buckets.size >= maxBuckets) this.buckets.delete(this.buckets.keys().next().value!);
    this.buckets.set(name, bucket);
  }
}
