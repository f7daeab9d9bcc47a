import { Delivery, type Holder, Lease } from "./delivery.js";
import type { FramedLease } from "./frame.js";

/** Events of one answer: `bytes` holds the envelopes, `arrivedAt` is when their leases began at the latest. */
export interface Pulled {
  readonly leases: readonly FramedLease[];
  readonly bytes: Buffer;
  readonly arrivedAt: number;
}

/** One event of a lease: its envelope are the bytes from `start` to `end`. */
export interface LeasedEvent {
  readonly delivery: Delivery;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly attempt: number;
  readonly replayed: boolean;
}

/** The leases and their events, in the order in which they came. */
export function unpack(pulled: Pulled, holder: Holder): { leases: Lease[]; events: LeasedEvent[] } {
  const { bytes, arrivedAt } = pulled;
  const leases: Lease[] = [];
  const unpacked: LeasedEvent[] = [];
  for (const { lease: name, ackWaitMs, attempt, replayed, redo, events } of pulled.leases) {
    const lease = new Lease(name, ackWaitMs, holder, redo);
    for (const { index, start, end } of events) {
      unpacked.push({
        delivery: new Delivery(lease, index, arrivedAt),
        bytes,
        start,
        end,
        attempt,
        replayed,
      });
    }
    leases.push(lease);
  }
  return { leases, events: unpacked };
}
