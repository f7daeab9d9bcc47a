import { HmsSyncClientError } from "../errors.js";
import type { SettleResult } from "../settle-batch.js";
import { lapseSilent } from "./lapsing.js";
import type { Ledger, LoggedEvent } from "./ledger.js";
import { OpenRuns } from "./open-runs.js";
import type { Owed, Run } from "./run.js";
import { type SettleOperation, settleLease } from "./settling.js";
import type { TestClock } from "./test-clock.js";

/** Most events that are leased together. */
const MAX_RUN = 500;
const MAX_RUNS_PER_PULL = 100;

/** An event and what has become of it. */
export interface Outcome {
  readonly owed: Owed;
  readonly attempts: number;
  readonly reason: string;
}

/** `leased` to a client, `delayed` until a time to come, `ready` for whoever asks, `held` behind one it must follow. */
export type Waiting = "leased" | "delayed" | "ready" | "held";

export interface Lease {
  /** `<run>.<generation>`; an event's token is `<lease>.<index>`. */
  readonly name: string;
  readonly attempt: number;
  readonly replayed: boolean;
  readonly redo: string | undefined;
  readonly indexes: readonly number[];
  readonly events: readonly LoggedEvent[];
}

/** What the consumer is owed of one topic: cuts runs of the ledger, leases them, settles them, takes back what was silent. */
export class ConsumerQueue {
  readonly acked: Outcome[] = [];
  readonly dead: Outcome[] = [];
  private readonly runs: OpenRuns;
  /** What is owed and in no run yet. */
  private backlog: Owed[] = [];
  private replays = 0;
  /** With order by key: keys of which an event is in a run. */
  private readonly held = new Set<string>();

  constructor(
    private readonly consumer: string,
    private readonly ledger: Ledger,
    private readonly clock: TestClock,
    /** Called when something may have become ready by time. */
    onReady: () => void,
  ) {
    const endIn = (list: Outcome[]) => (owed: Owed, attempts: number, reason: string) =>
      this.end(list, { owed, attempts, reason });
    const outcomes = { acked: endIn(this.acked), died: endIn(this.dead) };
    this.runs = new OpenRuns(ledger.topic, outcomes, clock, () => {
      lapseSilent(this.runs);
      this.runs.passTime();
      onReady();
    });
  }

  get ackWaitMs(): number {
    return this.ledger.topic.ackWaitMs;
  }

  /** Whether a pull would be answered with events now. */
  get hasReady(): boolean {
    return this.runs.hasReady || this.backlog.some((owed) => this.isFree(owed));
  }

  /** Owes an event, unless it is the consumer's own: it is not sent what it said itself. */
  add(event: LoggedEvent): void {
    if (!this.isOwn(event)) this.backlog.push({ event, replayed: false, redo: undefined });
  }

  /** Leases up to `max` events. */
  pull(max: number): Lease[] {
    const leases: Lease[] = [];
    for (let room = max; room > 0 && leases.length < MAX_RUNS_PER_PULL; ) {
      const run = this.runs.takeReady() ?? this.cut(Math.min(room, MAX_RUN));
      if (run === undefined) break;
      this.runs.lease(run, room);
      const lease = leaseOf(run);
      leases.push(lease);
      room -= lease.indexes.length;
    }
    return leases;
  }

  /** Settles events of one lease; one result an event for each operation. */
  settle(run: string, generation: number, operations: readonly SettleOperation[]): SettleResult[][] {
    return settleLease(this.runs, run, generation, operations);
  }

  /** Owes again what was recorded since then (ms since the epoch) and is not owed; how many events, and the replay's id. */
  replaySince(since: number, redo: boolean): { readonly events: number; readonly id: string } {
    const left = this.backlog.filter(({ replayed }) => replayed).length;
    if (left > 0) {
      const detail = `${left} events of a replay are still to be handed out; wait for them`;
      throw new HmsSyncClientError("replay_running", detail, { status: 409 });
    }
    const id = `replay-${++this.replays}`;
    const from = Math.max(since, this.clock.wallTime() - this.ledger.topic.retentionMs);
    const owed = new Set(this.owed.map((each) => each.owed.event));
    const again = this.ledger.events
      .filter((event) => event.recordedAt >= from && !this.isOwn(event) && !owed.has(event))
      .map((event) => ({ event, replayed: true, redo: redo ? id : undefined }));
    this.backlog.unshift(...again);
    return { events: again.length, id };
  }

  /** All that is neither acked nor a dead letter. */
  get owed(): (Outcome & { readonly waiting: Waiting })[] {
    const open = this.runs.all.flatMap((run) =>
      run.owedIndexes.map((index) => ({
        owed: run.events[index]!,
        attempts: run.deadlines === undefined ? run.attempts : run.counted,
        reason: run.reason,
        waiting: this.waiting(run),
      })),
    );
    const uncut = this.backlog.map((owed) => {
      const waiting: Waiting = this.isFree(owed) ? "ready" : "held";
      return { owed, attempts: 0, reason: "", waiting };
    });
    return [...open, ...uncut];
  }

  private waiting(run: Run): Waiting {
    if (run.deadlines !== undefined) return "leased";
    if (run.dueAt !== undefined) return "delayed";
    return this.runs.isReady(run) ? "ready" : "held";
  }

  /** A run of the next events whose keys are free; all of it live, or all of one replay. */
  private cut(max: number): Run | undefined {
    const events: Owed[] = [];
    const passed: Owed[] = [];
    let at = 0;
    for (; at < this.backlog.length && events.length < max; at++) {
      const owed = this.backlog[at]!;
      if (!this.isFree(owed)) passed.push(owed);
      else if (events.length > 0 && events[0]!.replayed !== owed.replayed) break;
      else events.push(this.claim(owed));
    }
    this.backlog = [...passed, ...this.backlog.slice(at)];
    if (events.length === 0) return undefined;
    return this.runs.create(
      events,
      events.map(() => "owed"),
      { kind: "run" },
    );
  }

  private end(list: Outcome[], outcome: Outcome): void {
    list.push(outcome);
    const { subject } = outcome.owed.event;
    if (subject !== undefined) this.held.delete(subject);
  }

  private isFree({ event: { subject } }: Owed): boolean {
    return this.ledger.topic.order === "none" || subject === undefined || !this.held.has(subject);
  }

  private claim(owed: Owed): Owed {
    const { subject } = owed.event;
    if (subject !== undefined) this.held.add(subject);
    return owed;
  }

  private isOwn({ source }: LoggedEvent): boolean {
    return source === this.consumer;
  }
}

function leaseOf(run: Run): Lease {
  const indexes = run.owedIndexes;
  const { replayed, redo } = run.events[indexes[0]!]!;
  return {
    name: `${run.name}.${run.generation}`,
    attempt: run.attempt,
    replayed,
    redo,
    indexes,
    events: indexes.map((index) => run.events[index]!.event),
  };
}
