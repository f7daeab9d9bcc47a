import type { Clock } from "./clock.js";
import type { Delivery, Settles } from "./delivery.js";
import { HmsSyncClientError } from "./errors.js";
import type { SettleAnswer } from "./frame.js";
import type { Logger } from "./log.js";
import { rejected, type SettleDetails } from "./message.js";
import { type Outage, sleep } from "./retry.js";
import {
  fitting,
  type SettleAction,
  SettleBatch,
  type Settlement,
  type SettleResult,
} from "./settle-batch.js";

export interface SettlerParts {
  readonly topic: string;
  readonly clock: Clock;
  /** Sends the settles and gives the answers; rejects with HmsSyncClientError. */
  readonly send: (batch: SettleBatch) => Promise<readonly SettleAnswer[]>;
  /** Called when a handler settles or says it is working. */
  readonly onActivity: () => void;
  /** Called when there is something to send. */
  readonly onPending: () => void;
  /** Called whenever settles were answered or given up. */
  readonly onSettled: () => void;
  /** Called when the bus refuses the settles themselves: it will not get better. */
  readonly onRefused: (error: HmsSyncClientError) => void;
  readonly outage: Outage;
  readonly log: Logger;
}

/**
 * Collects settles and brings them to the bus: at once while no request is under way, together while one is. A settle
 * whose answer was lost is sent again until it is answered; repeating one is safe.
 */
export class Settler implements Settles {
  private pending: Settlement[] = [];
  private inFlight = 0;
  private flushing = false;
  private retired = false;
  private refusal: HmsSyncClientError | undefined;
  private readonly waiting = new AbortController();

  constructor(private readonly parts: SettlerParts) {}

  /** Nothing is pending and nothing under way. */
  get idle(): boolean {
    return this.pending.length === 0 && this.inFlight === 0;
  }

  settle(delivery: Delivery, action: "ack" | "nack" | "term", details?: SettleDetails): Promise<void> {
    this.parts.onActivity();
    if (delivery.settled !== undefined) return this.repeated(delivery, action);
    if (this.refusal !== undefined) return rejected(this.refusal);
    delivery.settled = action;
    delivery.close();
    delivery.settling = this.promised(delivery, action, details);
    return delivery.settling;
  }

  working(delivery: Delivery): Promise<void> {
    this.parts.onActivity();
    if (delivery.settled !== undefined) return rejected(alreadySettled(delivery, "working"));
    if (this.refusal !== undefined) return rejected(this.refusal);
    const now = this.parts.clock.now();
    delivery.handedOutAt = now;
    if (delivery.extension !== undefined) return delivery.extension;
    // Fresh enough: the clock extends it in time. A handler may say so for each row it writes.
    if (delivery.isOpen && now - delivery.extendedAt < delivery.lease.ackWaitMs / 10)
      return Promise.resolve();
    delivery.extending = true;
    delivery.extension = this.promised(delivery, "extend");
    return delivery.extension;
  }

  /** Asks for more time for these; an extension that does not get through is asked for again by the clock. */
  extend(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      delivery.extending = true;
      this.add({ delivery, action: "extend" });
    }
  }

  /** Gives back what was never handed out, so that it goes to another and counts no attempt. */
  release(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      if (delivery.settled !== undefined || !delivery.isOpen) continue;
      delivery.settled = "released";
      delivery.close();
      this.add({ delivery, action: "release" });
    }
  }

  /** Takes what is to be sent next, for a request that carries settles along; undefined when there is nothing. */
  take(): SettleBatch | undefined {
    if (this.pending.length === 0) return undefined;
    const wanted = this.pending.filter(isWanted);
    const count = fitting(wanted);
    this.pending = wanted.slice(count);
    if (count === 0) return undefined;
    this.inFlight++;
    return new SettleBatch(count === wanted.length ? wanted : wanted.slice(0, count), this.parts.clock.now());
  }

  /** The bus has answered what `take` gave. */
  answered(batch: SettleBatch, answers: readonly SettleAnswer[]): void {
    this.inFlight--;
    const refused = new Map<string, number>();
    batch.resolve(answers, (settlement, result) => {
      finish(settlement, result, batch.madeAt);
      if (result === "ok" || settlement.action === "extend") return;
      const kind = `${settlement.action} ${result}`;
      refused.set(kind, (refused.get(kind) ?? 0) + 1);
    });
    for (const [kind, count] of refused) {
      this.parts.log.warn("settle came too late, the event comes again", {
        topic: this.parts.topic,
        settle: kind,
        count,
      });
    }
    this.parts.onSettled();
  }

  /** What `take` gave did not get through: it is sent again, or given up when the bus refused it. */
  failed(batch: SettleBatch, error: unknown): void {
    this.inFlight--;
    const extensions = batch.settlements.filter(({ action, resolve }) => action === "extend" && !resolve);
    for (const { delivery } of extensions) delivery.extending = false;
    const rest = batch.settlements.filter(({ action, resolve }) => action !== "extend" || resolve);
    this.pending = [...rest, ...this.pending];
    const known = error instanceof HmsSyncClientError ? error : internal(error);
    if (!known.retryable || this.retired) {
      this.refuse(known);
      this.parts.onRefused(known);
    } else if (this.pending.length > 0) this.parts.onPending();
    this.parts.onSettled();
  }

  /** Sends what is pending, unless a request is already under way: that one goes on until nothing is. */
  flush(): void {
    if (this.flushing || this.pending.length === 0) return;
    this.flushing = true;
    void this.flushAll().finally(() => {
      this.flushing = false;
      if (this.pending.length > 0) this.parts.onPending();
    });
  }

  /** Rejects what is pending and whatever comes. */
  refuse(error: HmsSyncClientError): void {
    this.refusal = error;
    this.waiting.abort();
    const given = this.pending;
    this.pending = [];
    for (const { reject } of given) reject?.(error);
    if (given.length > 0) {
      const details = { topic: this.parts.topic, count: given.length, why: error.code };
      this.parts.log.warn("settles were given up, their events come again", details);
    }
  }

  /** The process is about to end: what the bus has not taken by now, or does not take at the first try, is given up. */
  retire(): void {
    this.retired = true;
    if (!this.idle)
      this.refuse(new HmsSyncClientError("closed", "the bus was not reached before the client ended"));
  }

  private async flushAll(): Promise<void> {
    for (let batch = this.take(); batch !== undefined; batch = this.take()) {
      try {
        const answers = await this.parts.send(batch);
        this.parts.outage.over();
        this.answered(batch, answers);
      } catch (error) {
        this.failed(batch, error);
        if (this.refusal !== undefined) return;
        await this.pause(this.parts.outage.failed(error as HmsSyncClientError));
      }
    }
  }

  private pause(ms: number): Promise<void> {
    return sleep(ms, this.waiting.signal).catch(() => undefined); // cut short when there is nothing to wait for
  }

  private repeated(delivery: Delivery, action: "ack" | "nack" | "term"): Promise<void> {
    if (delivery.settled === action) return delivery.settling!;
    return rejected(alreadySettled(delivery, action));
  }

  private promised(delivery: Delivery, action: SettleAction, details: SettleDetails = {}): Promise<void> {
    const { delayMs, reason } = details;
    const promise = new Promise<void>((resolve, reject) => {
      this.add({ delivery, action, delayMs, reason, resolve, reject });
    });
    promise.catch(() => undefined); // unawaited, it is logged in `answered` and must not end the process
    return promise;
  }

  private add(settlement: Settlement): void {
    if (this.refusal !== undefined) {
      settlement.reject?.(this.refusal);
      return;
    }
    this.pending.push(settlement);
    if (this.pending.length === 1) this.parts.onPending();
  }
}

/** An extension is pointless once the event is settled; its promise then has been told by `finish` or never was. */
function isWanted(settlement: Settlement): boolean {
  if (settlement.action !== "extend" || settlement.delivery.settled === undefined) return true;
  settlement.resolve?.();
  return false;
}

function finish(
  { delivery, action, resolve, reject }: Settlement,
  result: SettleResult,
  madeAt: number,
): void {
  if (action === "extend") {
    delivery.extending = false;
    delivery.extension = undefined;
    if (result === "ok") delivery.extendedAt = Math.max(delivery.extendedAt, madeAt);
    else delivery.close();
  }
  if (result === "ok") resolve?.();
  else reject?.(lost(delivery, action, result));
}

function lost({ lease, index }: Delivery, action: string, result: "stale" | "unknown"): HmsSyncClientError {
  const event = `event ${index} of lease ${lease.name}`;
  if (result === "unknown")
    return new HmsSyncClientError("unknown_lease", `${action}: the bus does not know ${event}`);
  return new HmsSyncClientError(
    "stale_lease",
    `${action} of ${event} came too late: it was out for more than ${lease.ackWaitMs} ms (ack_wait) and goes out again;` +
      " call working() in long handlers, or raise ack_wait in topics.yaml",
  );
}

function internal(cause: unknown): HmsSyncClientError {
  return new HmsSyncClientError("internal_error", "settling failed inside the client; please report this", {
    cause,
  });
}

function alreadySettled({ lease, index, settled }: Delivery, action: string): HmsSyncClientError {
  return new HmsSyncClientError(
    "already_settled",
    `${action} of event ${index} of lease ${lease.name}: it already has its ${settled}; ack, nack and term exclude each other`,
  );
}
