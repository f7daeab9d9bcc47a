import type { SettleAction, SettleResult } from "../settle-batch.js";
import type { OpenRuns } from "./open-runs.js";
import type { Fate, Run, SettledRun } from "./run.js";

/** One action on the events `first` to `last` of a lease. */
export interface SettleOperation {
  readonly action: SettleAction;
  readonly first: number;
  readonly last: number;
  /** Of a nack; the backoff unless given. */
  readonly delayMs: number | undefined;
  readonly reason: string;
}

/**
 * Settles events of one lease; one result an event for each operation. A superseded generation settles nothing, and a
 * repeated settle is answered as it was the first time.
 */
export function settleLease(
  runs: OpenRuns,
  name: string,
  generation: number,
  operations: readonly SettleOperation[],
): SettleResult[][] {
  const run = runs.find(name);
  const known = run ?? runs.findFinished(name);
  if (known === undefined)
    return operations.map(({ first, last }) => Array(last - first + 1).fill("unknown"));
  const current = run?.generation === generation ? new LeaseSettlement(runs, run) : undefined;
  const results = operations.map((operation) => {
    const indexes = Array.from(
      { length: operation.last - operation.first + 1 },
      (_, i) => operation.first + i,
    );
    return indexes.map((index) => resultOf(known, index, generation, operation, current));
  });
  current?.complete();
  return results;
}

function resultOf(
  run: SettledRun,
  index: number,
  generation: number,
  operation: SettleOperation,
  current: LeaseSettlement | undefined,
): SettleResult {
  const fate = run.fates[index];
  if (fate === undefined || fate === "other") return "unknown";
  if (fate === "owed") return current?.apply(index, operation) ? "ok" : "stale";
  return fate === operation.action && run.settledIn[index] === generation ? "ok" : "stale";
}

/** The settles of one request for the lease that a run has now, or had last. */
class LeaseSettlement {
  private readonly released: number[] = [];
  private readonly extended: number[] = [];

  constructor(
    private readonly runs: OpenRuns,
    private readonly run: Run,
  ) {}

  /** False for an extension of what is not leased any more. */
  apply(index: number, operation: SettleOperation): boolean {
    const { run } = this;
    const { action } = operation;
    if (action === "extend") {
      if (run.deadlines === undefined) return false;
      this.extended.push(index);
      return true;
    }
    if (action === "ack") this.runs.outcomes.acked(run.events[index]!, run.attempt, run.reason);
    else if (action === "nack") this.nack(index, operation);
    else if (action === "term") this.died(index, operation.reason);
    else this.released.push(index);
    run.settle(index, action);
    return true;
  }

  complete(): void {
    const { runs, run } = this;
    if (this.released.length > 0) this.giveBack();
    if (run.owedIndexes.length === 0) runs.finish(run);
    else if (this.extended.length > 0) this.extend();
  }

  private nack(index: number, { delayMs, reason }: SettleOperation): void {
    const { runs, run } = this;
    const attempts = run.counted;
    if (attempts >= runs.policy.maxDeliver) this.died(index, reason === "" ? "nacked" : reason);
    else {
      const delay = delayMs ?? runs.backoffMs(attempts);
      const dueAt = delay > 0 ? runs.now + delay : undefined;
      runs.makeReady(runs.createSingle(run, index, { attempts, dueAt, reason }));
    }
  }

  private died(index: number, reason: string): void {
    this.runs.outcomes.died(this.run.events[index]!, this.run.counted, reason);
  }

  /** As if they had never been handed out. */
  private giveBack(): void {
    const { runs, run } = this;
    const first = Math.min(...this.released);
    const last = Math.max(...this.released);
    const events = run.events.slice(first, last + 1);
    const fates = events.map((_, i): Fate => (this.released.includes(first + i) ? "owed" : "other"));
    const { kind, lapses, suspect, reason } = run;
    const attempts = kind === "single" ? run.attempts - 1 : 0;
    const other = runs.create(events, fates, { kind, attempts, lapses, suspect, reason });
    if (suspect) runs.joinLane(other);
    else runs.makeReady(other);
  }

  private extend(): void {
    const deadline = this.runs.now + this.runs.policy.ackWaitMs;
    const { deadlines } = this.run;
    for (const index of this.extended) if (deadlines !== undefined) deadlines[index] = deadline;
    this.runs.wakeAt(this.run.nextDeadline ?? deadline);
  }
}
