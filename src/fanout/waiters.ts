import type { Lease } from "./types.js";

/** A pull that waits: told that there is something to lease, or handed a lease directly. */
export interface Waiter {
  /** Most events the pull takes. */
  readonly max: number;
  /** Resolves to the lease handed over, or to undefined when there may be something, time is up, or the signal aborted. */
  readonly woken: Promise<Lease | undefined>;
  /** Ends the wait; false when it had ended before. */
  cancel(): boolean;
}

interface Waiting {
  readonly max: number;
  /** When its time is up, by `performance.now()`. */
  readonly until: number;
  readonly wake: (lease?: Lease) => void;
}

/**
 * Pulls that wait for one (consumer, topic). One waiter is woken per run: the one whose time is up first, since a pull that
 * carried settles waits only for a moment, and what it is given then spares its client another request.
 */
export class Waiters {
  private readonly waiting: Waiting[] = [];

  get size(): number {
    return this.waiting.length;
  }

  /** How many events the next waiter takes; 0 when none waits. */
  get nextMax(): number {
    return this.waiting[0]?.max ?? 0;
  }

  /**
   * Registers now and resolves when woken, when `signal` aborts or after `waitMs`. Register, then check whether there
   * is something to lease, then await: the other order loses a wake-up.
   */
  register(max: number, waitMs: number, signal: AbortSignal): Waiter {
    let wake: (lease?: Lease) => void = () => {};
    let ended = false;
    const woken = new Promise<Lease | undefined>((resolve) => {
      const entry: Waiting = { max, until: performance.now() + waitMs, wake: (lease) => wake(lease) };
      const stop = () => wake();
      const timer = setTimeout(stop, waitMs);
      wake = (lease) => {
        ended = true;
        clearTimeout(timer);
        signal.removeEventListener("abort", stop);
        const at = this.waiting.indexOf(entry);
        if (at !== -1) this.waiting.splice(at, 1);
        resolve(lease);
      };
      if (signal.aborted) wake();
      else {
        signal.addEventListener("abort", stop);
        this.add(entry);
      }
    });
    const cancel = () => {
      const waited = !ended;
      wake();
      return waited;
    };
    return { max, woken, cancel };
  }

  private add(entry: Waiting): void {
    const later = this.waiting.findIndex(({ until }) => until > entry.until);
    if (later === -1) this.waiting.push(entry);
    else this.waiting.splice(later, 0, entry);
  }

  /** Wakes one, handing it `lease` if given; false when none waits here. */
  wakeOne(lease?: Lease): boolean {
    const next = this.waiting[0];
    next?.wake(lease);
    return next !== undefined;
  }
}
