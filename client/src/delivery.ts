import { type Clock, systemClock } from "./clock.js";
import type { Handouts } from "./handouts.js";
import type { SettleDetails, SettleHandle } from "./message.js";

/** Takes what becomes of deliveries. */
export interface Settles {
  settle(delivery: Delivery, action: "ack" | "nack" | "term", details?: SettleDetails): Promise<void>;
  working(delivery: Delivery): Promise<void>;
}

/** What the deliveries of one subscription share. */
export interface Holder {
  readonly settles: Settles;
  readonly consumer: string | undefined;
  readonly handouts: Handouts;
  readonly clock: Clock;
}

/** A lease of a run: the deliveries of it that this client still answers for. Times on the holder's clock. */
export class Lease {
  private static count = 0;
  /** Orders leases by arrival. */
  readonly sequence = Lease.count++;
  readonly deliveries: Delivery[] = [];
  /** Deliveries neither settled nor given up. */
  open = 0;
  /** Called when the last of them is settled or given up. */
  whenAllClosed: () => void = () => undefined;

  constructor(
    readonly name: string,
    readonly ackWaitMs: number,
    readonly holder: Holder,
    /** The replay that asked for its events to count as new. */
    readonly redo?: string,
  ) {}
}

/** One event of a lease, and what this client has done with it. */
export class Delivery implements SettleHandle {
  /** When its lease was last known to start anew. */
  extendedAt: number;
  /** When it was handed out, or last said `working()`; undefined while it waits in the buffer. */
  handedOutAt: number | undefined;
  /** `released` for what goes back unhandled. */
  settled: "ack" | "nack" | "term" | "released" | undefined;
  /** The promise of that settle. */
  settling: Promise<void> | undefined;
  /** An extension is on its way. */
  extending = false;
  /** The promise of one that `working()` asked for. */
  extension: Promise<void> | undefined;
  /** Whether it still counts in `lease.open`. */
  isOpen = true;

  constructor(
    readonly lease: Lease,
    readonly index: number,
    leasedAt: number,
  ) {
    this.extendedAt = leasedAt;
    lease.deliveries.push(this);
    lease.open++;
  }

  get consumer(): string | undefined {
    return this.lease.holder.consumer;
  }

  get redo(): string | undefined {
    return this.lease.redo;
  }

  get leaseEndsAt(): number {
    const { ackWaitMs, holder } = this.lease;
    const endsAt = this.extendedAt + ackWaitMs;
    return holder.clock === systemClock ? endsAt : performance.now() + endsAt - holder.clock.now();
  }

  settle(action: "ack" | "nack" | "term", details?: SettleDetails): Promise<void> {
    return this.lease.holder.settles.settle(this, action, details);
  }

  working(): Promise<void> {
    return this.lease.holder.settles.working(this);
  }

  /** Begins its time with a handler. */
  handOut(): void {
    const { clock, handouts } = this.lease.holder;
    this.handedOutAt = clock.now();
    handouts.count++;
  }

  /** No longer ours to extend: settled, or lost. */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    if (this.handedOutAt !== undefined) this.lease.holder.handouts.closed();
    if (--this.lease.open === 0) this.lease.whenAllClosed();
  }
}

/**
 * Whether the bus should be asked for more time now. What waits in the buffer is extended for as long as it waits.
 * What is handed out gets one extension that starts no earlier than it was handed out, so that it has its whole
 * ack_wait (to a twentieth), and no further one: an event whose handler says nothing goes back.
 */
export function needsExtension(delivery: Delivery, now: number): boolean {
  const { extendedAt, handedOutAt, lease } = delivery;
  if (now - extendedAt < lease.ackWaitMs / 3) return false;
  return handedOutAt === undefined || handedOutAt - extendedAt > lease.ackWaitMs / 20;
}

/** Whether the bus has taken the event back by now, as far as this client knows. */
export function hasLapsed(delivery: Delivery, now: number): boolean {
  return now - delivery.extendedAt >= delivery.lease.ackWaitMs;
}
