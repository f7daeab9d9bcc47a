import { type Clock, systemClock } from "./clock.js";
import { type Delivery, hasLapsed, type Lease, needsExtension } from "./delivery.js";

/** What the clock found: deliveries to extend, and those whose time ran out before they were handed out. */
export interface Due {
  readonly extend: readonly Delivery[];
  readonly lapsed: readonly Delivery[];
}

const TICKS_PER_ACK_WAIT = 6;
const SHORTEST_TICK_MS = 10;

/** The open leases of one subscription, and a clock that looks at them six times per ack_wait while there are any. */
export class LeaseBook {
  private readonly leases = new Set<Lease>();
  private cancelTick: (() => void) | undefined;

  constructor(
    private readonly onTick: (due: Due) => void,
    private readonly clock: Clock = systemClock,
  ) {}

  add(lease: Lease): void {
    if (lease.open === 0) return;
    this.leases.add(lease);
    // At once: a busy client settles runs far more often than the clock looks.
    lease.whenAllClosed = () => this.leases.delete(lease);
    this.arm();
  }

  /** Deliveries neither settled nor lost. */
  get open(): number {
    let open = 0;
    for (const lease of this.leases) open += lease.open;
    return open;
  }

  stop(): void {
    this.cancelTick?.();
    this.cancelTick = undefined;
    this.leases.clear();
  }

  private arm(): void {
    if (this.cancelTick !== undefined || this.leases.size === 0) return;
    const shortest = Math.min(...[...this.leases].map(({ ackWaitMs }) => ackWaitMs));
    const ms = Math.max(SHORTEST_TICK_MS, shortest / TICKS_PER_ACK_WAIT);
    this.cancelTick = this.clock.after(ms, () => this.tick());
  }

  private tick(): void {
    this.cancelTick = undefined;
    const now = this.clock.now();
    const due = { extend: [] as Delivery[], lapsed: [] as Delivery[] };
    for (const lease of this.leases) {
      for (const delivery of lease.deliveries) if (delivery.isOpen) sort(delivery, now, due);
    }
    this.arm();
    this.onTick(due);
  }
}

function sort(delivery: Delivery, now: number, due: { extend: Delivery[]; lapsed: Delivery[] }): void {
  if (hasLapsed(delivery, now)) {
    delivery.close();
    if (delivery.handedOutAt === undefined) due.lapsed.push(delivery);
  } else if (!delivery.extending && needsExtension(delivery, now)) due.extend.push(delivery);
}
