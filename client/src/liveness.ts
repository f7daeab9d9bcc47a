/** How one subscription stands. */
export interface SubscriptionHealth {
  readonly topic: string;
  /** As whom it receives; null for a passing reader. */
  readonly consumer: string | null;
  /** Events fetched that wait to be handed out. */
  readonly waiting: number;
  /** Events handed out and not settled. */
  readonly handedOut: number;
  /** When an event was last handed out. */
  readonly lastEventAt: Date | null;
}

/** How a bus stands, for a probe: `JSON.stringify` writes its times in RFC 3339. */
export interface Health {
  /** Whether the bus is open and nothing fails at the moment. */
  readonly ok: boolean;
  readonly url: string;
  /** Since when the bus has answered without a failure; null while something fails. */
  readonly connectedAt: Date | null;
  /** When it last answered; up to half a minute ago on a quiet belt. */
  readonly lastAnswerAt: Date | null;
  /** Code of the failure that is being tried again, say `unreachable`. */
  readonly failing: string | null;
  /** The running subscriptions, those of `handle` included. */
  readonly subscriptions: readonly SubscriptionHealth[];
}

/** Whether the bus answers: told by everything that calls it. */
export class Liveness {
  private readonly failures = new Map<object, string>();
  private connectedSince: number | undefined;
  private answeredAt: number | undefined;

  answered(by: object): void {
    this.answeredAt = Date.now();
    if (this.failures.size > 0) this.failures.delete(by);
    if (this.failures.size === 0) this.connectedSince ??= this.answeredAt;
  }

  failed(by: object, code: string): void {
    this.failures.set(by, code);
    this.connectedSince = undefined;
  }

  /** Nobody waits for it any more. */
  forget(by: object): void {
    this.failures.delete(by);
  }

  get connectedAt(): Date | null {
    return dateOf(this.connectedSince);
  }

  get lastAnswerAt(): Date | null {
    return dateOf(this.answeredAt);
  }

  get failing(): string | null {
    return [...this.failures.values()].at(-1) ?? null;
  }
}

function dateOf(ms: number | undefined): Date | null {
  return ms === undefined ? null : new Date(ms);
}
