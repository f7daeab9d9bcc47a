import { successful } from "./answers.js";
import type { Clock } from "./clock.js";
import { HmsSyncClientError, malformed } from "./errors.js";
import { FRAMED_TYPE, parseFrame } from "./frame.js";
import type { Logger } from "./log.js";
import type { Pulled } from "./pulled.js";
import type { Outage } from "./retry.js";
import type { SettleBatch } from "./settle-batch.js";
import type { Settler } from "./settler.js";
import type { Answer, Transport } from "./transport.js";

export interface PullerParts {
  readonly transport: Transport;
  readonly url: string;
  readonly topic: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Most events of one pull. */
  readonly max: number;
  readonly settler: Settler;
  /** Whether one more pull is wanted beside those outstanding. */
  readonly wanted: (outstanding: number) => boolean;
  /** Whether nothing is left to hand out until the bus answers. */
  readonly isEmpty: () => boolean;
  readonly onPulled: (pulled: Pulled) => void;
  /** A pull has ended, or the time to try again has come. */
  readonly onReady: () => void;
  /** The bus refuses: it will not get better. */
  readonly onRefused: (error: HmsSyncClientError) => void;
  readonly outage: Outage;
  readonly log: Logger;
}

const WAIT_MS = 20_000;
/**
 * How long (ms) the bus may keep the answer of a pull that carries settles for events to come, when there is nothing to hand
 * out without them: at a steady pace one request then does for both.
 */
const SETTLE_WAIT_MS = 25;
/** The bus may take this much longer (ms) than a pull waits before the connection counts as dead. */
const GRACE_MS = 10_000;
/** An empty answer in less than this (ms), though asked to wait, comes from a bus that is closing. */
const HASTY_MS = 100;

/** Keeps pulls outstanding as long as they are wanted; after a failure one at a time, with backoff. */
export class Puller {
  private outstanding = 0;
  private max: number;
  private retryAt = 0;
  private retryTimer: NodeJS.Timeout | undefined;
  private readonly stopped = new AbortController();

  constructor(private readonly parts: PullerParts) {
    this.max = parts.max;
  }

  get idle(): boolean {
    return this.outstanding === 0;
  }

  /** Starts what is wanted. */
  pump(): void {
    while (this.mayPull()) void this.pull();
  }

  /** Ends waiting pulls. One whose answer has begun is still read, and its events are passed on. */
  stop(): void {
    clearTimeout(this.retryTimer);
    this.stopped.abort();
  }

  private mayPull(): boolean {
    if (this.stopped.signal.aborted || !this.parts.wanted(this.outstanding)) return false;
    if (this.outstanding > 0 && this.parts.outage.going) return false;
    return performance.now() >= this.retryAt;
  }

  private async pull(): Promise<void> {
    this.outstanding++;
    const batch = this.parts.settler.take();
    const startedAt = this.parts.clock.now();
    try {
      this.received(await this.request(batch), batch, startedAt);
    } catch (error) {
      this.failed(error, batch);
    } finally {
      this.outstanding--;
      this.parts.onReady();
    }
  }

  private request(batch: SettleBatch | undefined): Promise<Answer> {
    const settleWaitMs = this.parts.isEmpty() ? SETTLE_WAIT_MS : 0;
    const body = {
      ...{ max: this.max, wait_ms: WAIT_MS },
      ...{ settle: batch?.entries ?? [], settle_wait_ms: settleWaitMs },
    };
    return this.parts.transport.call({
      method: "POST",
      path: this.parts.path,
      headers: { ...this.parts.headers, accept: FRAMED_TYPE },
      body: JSON.stringify(body),
      timeoutMs: WAIT_MS + GRACE_MS,
      signal: this.stopped.signal,
      keepAnswer: true,
    });
  }

  private received(answer: Answer, batch: SettleBatch | undefined, startedAt: number): void {
    const { body, headers, arrivedAt } = successful(answer, this.parts.url);
    if (!headers["content-type"]?.startsWith(FRAMED_TYPE)) {
      throw malformed(`a pull with content type ${headers["content-type"] ?? "(none)"}`);
    }
    const { leases, settled } = parseFrame(body);
    if (leases.length > 0) this.parts.onPulled({ leases, bytes: body, arrivedAt });
    if (batch !== undefined) this.parts.settler.answered(batch, settled);
    if (leases.length === 0 && batch === undefined && arrivedAt - startedAt < HASTY_MS) {
      this.retryIn(HASTY_MS);
    } else this.parts.outage.over();
  }

  private failed(error: unknown, batch: SettleBatch | undefined): void {
    const stopped = this.stopped.signal.aborted;
    const known = error instanceof HmsSyncClientError ? error : stopped ? aborted() : internal(error);
    if (batch !== undefined) this.parts.settler.failed(batch, known);
    if (stopped) return;
    if (!known.retryable) {
      this.parts.onRefused(known);
      return;
    }
    if (known.code === "response_too_large" || known.code === "response_too_slow") this.pullLess();
    this.retryIn(this.parts.outage.failed(known));
  }

  /** Its leases lapse and come again in smaller answers. */
  private pullLess(): void {
    this.max = Math.max(1, Math.floor(this.max / 2));
    this.parts.log.warn(`pulling at most ${this.max} events at a time from now on`, {
      topic: this.parts.topic,
    });
  }

  private retryIn(ms: number): void {
    this.retryAt = performance.now() + ms;
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => {
      // A timer may fire a fraction of a millisecond early by this clock: that it fired is what counts.
      this.retryAt = 0;
      this.parts.onReady();
    }, ms);
  }
}

function aborted(): HmsSyncClientError {
  return new HmsSyncClientError("aborted", "the pull that carried the settles was ended", {
    retryable: true,
  });
}

function internal(cause: unknown): HmsSyncClientError {
  return new HmsSyncClientError("internal_error", "pulling failed inside the client; please report this", {
    cause,
  });
}
