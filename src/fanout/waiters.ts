/** Pulls that wait for one (consumer, topic). One waiter is woken per run; the longest waiting first. */
export class Waiters {
  private readonly waiting: (() => void)[] = [];

  get size(): number {
    return this.waiting.length;
  }

  /**
   * Registers now and resolves when woken, when `signal` aborts or after `waitMs`. Register, then check whether there
   * is something to lease, then await: the other order loses a wake-up.
   */
  register(waitMs: number, signal: AbortSignal): { woken: Promise<void>; cancel(): void } {
    let cancel = () => {};
    const woken = new Promise<void>((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", finish);
        const at = this.waiting.indexOf(finish);
        if (at !== -1) this.waiting.splice(at, 1);
        resolve();
      };
      const timer = setTimeout(finish, waitMs);
      cancel = finish;
      if (signal.aborted) finish();
      else {
        signal.addEventListener("abort", finish);
        this.waiting.push(finish);
      }
    });
    return { woken, cancel };
  }

  /** Wakes one; false when none waits here. */
  wakeOne(): boolean {
    const next = this.waiting[0];
    next?.();
    return next !== undefined;
  }
}
