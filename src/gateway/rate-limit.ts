import { HmsSyncError } from "../errors.js";
import { TokenBuckets } from "./token-buckets.js";
import type { Directory, Identity } from "./types.js";

/** How many seconds of its rate a system may post at once after a quiet time. */
const burstSeconds = 3;

/** Events per second of each system that posts, as topics.yaml says or else `defaultRate` (0: any number); admin posts freely. */
export class RateLimit {
  constructor(
    private readonly directory: Pick<Directory, "limitsOf">,
    private readonly defaultRate: number,
    private readonly buckets = new TokenBuckets(),
  ) {}

  /** Counts `events` of the system. Throws `rate_limited` (429), saying in whole seconds when to come again. */
  take({ system, admin }: Identity, events: number): void {
    const perSecond = this.directory.limitsOf(system).rate ?? this.defaultRate;
    if (admin || perSecond === 0) return;
    const burst = Math.max(1, perSecond * burstSeconds);
    const waitMs = this.buckets.take(system, events, { perSecond, burst });
    if (waitMs > 0) throw rateLimited(system, perSecond, waitMs);
  }
}

/** A refusal that says in whole seconds when to come again. */
export function tooMany(code: "rate_limited" | "too_many_failures", message: string, waitMs: number) {
  const retry_after = Math.max(1, Math.ceil(waitMs / 1_000));
  return new HmsSyncError(code, `${message}; come again in ${retry_after} s`, {
    status: 429,
    retryable: true,
    details: { retry_after },
  });
}

function rateLimited(system: string, perSecond: number, waitMs: number): HmsSyncError {
  const rate = perSecond < 1 ? `${Math.round(perSecond * 60)}/m` : `${Math.round(perSecond)}/s`;
  return tooMany(
    "rate_limited",
    `${system} posts more than its ${rate} (rate of ${system} under $systems in topics.yaml, else HMS_SYNC_RATE_LIMIT)`,
    waitMs,
  );
}
