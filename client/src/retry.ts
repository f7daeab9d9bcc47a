import { HmsSyncClientError } from "./errors.js";
import { Liveness } from "./liveness.js";
import type { Logger } from "./log.js";

const FIRST_MS = 50;
const LARGEST_MS = 5_000;
const LONGEST_RETRY_AFTER_MS = 300_000;
const FIRST_REMINDER_MS = 10_000;
const LARGEST_REMINDER_MS = 600_000;

/** Exponential backoff with full jitter: after the n-th failure in a row anything from 0 to min(5 s, 50 ms * 2^(n-1)). */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const ceiling = Math.min(LARGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 30));
  return random() * ceiling;
}

/** Delay before the next try: what the gateway asked for, and the backoff on top so that not all come back at once. */
export function retryDelayMs(
  failures: number,
  retryAfterMs: number | undefined,
  random: () => number = Math.random,
): number {
  return Math.min(retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS) + backoffMs(failures, random);
}

/** Retry-After (RFC 9110: seconds or a date) in ms from `now`; undefined when absent or not understood. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/**
 * A row of failures of one kind of call: counts them, gives the delays between them, and says so once, then at growing
 * intervals, then when it is over.
 */
export class Outage {
  private failures = 0;
  private since = 0;
  private remindAfter = FIRST_REMINDER_MS;

  constructor(
    /** What failed, as the log line begins: "pulling inspections.status". */
    private readonly what: string,
    private readonly log: Logger,
    private readonly liveness: Liveness = new Liveness(),
    private readonly now: () => number = () => performance.now(),
  ) {}

  get going(): boolean {
    return this.failures > 0;
  }

  /** Counts a failure; gives the ms to wait before the next try. */
  failed(error: HmsSyncClientError): number {
    this.failures++;
    this.liveness.failed(this, error.code);
    if (this.failures === 1) {
      this.since = this.now();
      this.remindAfter = FIRST_REMINDER_MS;
      this.log.warn(`${this.what} failed, trying again until it succeeds: ${error.detail}`, {
        code: error.code,
      });
    } else this.remind(error);
    return retryDelayMs(this.failures, error.retryAfterMs);
  }

  /** A call succeeded. */
  over(): void {
    this.liveness.answered(this);
    if (this.failures === 0) return;
    const seconds = ((this.now() - this.since) / 1_000).toFixed(1);
    this.log.info(`${this.what} works again after ${seconds} s and ${this.failures} failed tries`);
    this.failures = 0;
  }

  /** Nobody tries any more. */
  abandon(): void {
    this.failures = 0;
    this.liveness.forget(this);
  }

  private remind(error: HmsSyncClientError): void {
    const lasted = this.now() - this.since;
    if (lasted < this.remindAfter) return;
    this.remindAfter = lasted + Math.min(lasted * 2, LARGEST_REMINDER_MS);
    this.log.warn(
      `${this.what} still fails after ${Math.round(lasted / 1_000)} s (${this.failures} tries): ${error.detail}`,
      { code: error.code },
    );
  }
}

export interface PersistOptions {
  readonly signal?: AbortSignal | undefined;
  /** Of `performance.now()`. */
  readonly deadline?: number | undefined;
  /** Whether an error ends it though it is retryable. */
  readonly fatal?: (error: HmsSyncClientError) => boolean;
}

/**
 * Repeats `attempt` until it succeeds. Rejects with its error when that is not retryable or when the next try would
 * begin later than `deadline` (of `performance.now()`), and with the signal's reason when it aborts.
 */
export async function persist<T>(
  attempt: () => Promise<T>,
  outage: Outage,
  options: PersistOptions = {},
): Promise<T> {
  try {
    return await repeated(attempt, outage, options);
  } finally {
    outage.abandon();
  }
}

async function repeated<T>(
  attempt: () => Promise<T>,
  outage: Outage,
  { signal, fatal, deadline = Number.POSITIVE_INFINITY }: PersistOptions,
): Promise<T> {
  for (;;) {
    try {
      const value = await attempt();
      outage.over();
      return value;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof HmsSyncClientError) || !error.retryable || fatal?.(error)) throw error;
      const delay = outage.failed(error);
      if (performance.now() + delay > deadline) throw error;
      await sleep(delay, signal);
    }
  }
}

/** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}
