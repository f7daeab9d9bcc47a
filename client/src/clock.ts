/** Time as leases are measured by it. A test kit brings one that it can turn forward. */
export interface Clock {
  /** Milliseconds that never go back, as `performance.now()`. */
  now(): number;
  /** Calls back once after `ms`; gives what cancels it. Keeps no process alive. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
