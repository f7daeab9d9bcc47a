import type { TopicPolicy } from "./options.js";
import { type Fate, type Owed, Run, type RunFields, type SettledRun } from "./run.js";
import type { TestClock } from "./test-clock.js";

/** How long (ms) a repeated settle of a settled run is answered as the first time. */
const FINISHED_MS = 120_000;

/** Told what becomes of events for good. */
export interface Outcomes {
  acked(owed: Owed, attempts: number, reason: string): void;
  died(owed: Owed, attempts: number, reason: string): void;
}

/** The runs of one consumer that are not settled: which may be leased, which wait, and for what. */
export class OpenRuns {
  private readonly runs = new Map<string, Run>();
  private readonly ready: Run[] = [];
  /** Suspects wait here for the one before them to be settled, so that a poison event dies alone. */
  private readonly lane: Run[] = [];
  private laneHolder: Run | undefined;
  private readonly finished = new Map<string, { readonly run: SettledRun; readonly until: number }>();
  private sequence = 0;
  private timer: { readonly at: number; readonly cancel: () => void } | undefined;

  constructor(
    readonly policy: TopicPolicy,
    readonly outcomes: Outcomes,
    private readonly clock: TestClock,
    /** Called when deadlines or delays have come. */
    private readonly onTime: () => void,
  ) {}

  get now(): number {
    return this.clock.now();
  }

  get all(): Run[] {
    return [...this.runs.values()];
  }

  get hasReady(): boolean {
    return this.ready.some((run) => this.isWaiting(run) && this.mayLead(run));
  }

  /** Whether a pull would get it. */
  isReady(run: Run): boolean {
    return this.ready.includes(run) && this.mayLead(run);
  }

  find(name: string): Run | undefined {
    return this.runs.get(name);
  }

  findFinished(name: string): SettledRun | undefined {
    const found = this.finished.get(name);
    return found !== undefined && found.until > this.now ? found.run : undefined;
  }

  create(events: Owed[], fates: Fate[], fields: RunFields): Run {
    const run = new Run(`r${++this.sequence}`, events, fates, fields);
    this.runs.set(run.name, run);
    return run;
  }

  /** One event of a run on its own. */
  createSingle(parent: Run, index: number, fields: Omit<RunFields, "kind">): Run {
    return this.create([parent.events[index]!], ["owed"], {
      lapses: parent.lapses,
      ...fields,
      kind: "single",
    });
  }

  /** May be leased: now, or at the end of its delay. */
  makeReady(run: Run): void {
    if (run.dueAt === undefined) this.ready.push(run);
    else this.wakeAt(run.dueAt);
  }

  joinLane(run: Run): void {
    if (this.laneHolder !== undefined) this.lane.push(run);
    else this.lead(run);
  }

  freeLane(run: Run): void {
    if (this.laneHolder !== run) return;
    this.laneHolder = undefined;
    let next = this.lane.shift();
    while (next !== undefined && !this.isWaiting(next)) next = this.lane.shift();
    if (next !== undefined) this.lead(next);
  }

  /** Takes the run that waits longest and may be leased. */
  takeReady(): Run | undefined {
    for (let run = this.ready.shift(); run !== undefined; run = this.ready.shift()) {
      if (!this.isWaiting(run)) continue;
      if (!this.mayLead(run)) {
        this.lane.push(run);
        continue;
      }
      if (run.suspect) this.laneHolder = run;
      return run;
    }
    return undefined;
  }

  /** Begins a lease of at most `max` events; the rest becomes a run of its own. */
  lease(run: Run, max: number): void {
    this.divide(run, max);
    const deadline = this.now + this.policy.ackWaitMs;
    run.lease(deadline);
    this.wakeAt(deadline);
  }

  /** All of it is settled. */
  finish(run: Run): void {
    this.runs.delete(run.name);
    const { generation, fates, settledIn } = run;
    const until = this.now + FINISHED_MS;
    this.finished.set(run.name, { run: { generation, fates, settledIn }, until });
    if (run.suspect) this.freeLane(run);
  }

  /** Its event is a dead letter now. */
  bury(run: Run): void {
    this.runs.delete(run.name);
  }

  backoffMs(attempts: number): number {
    const { backoffMs } = this.policy;
    return backoffMs[Math.min(Math.max(attempts, 1), backoffMs.length) - 1]!;
  }

  /** Has `onTime` called at that time at the latest. */
  wakeAt(at: number): void {
    if (this.timer !== undefined && this.timer.at <= at) return;
    this.timer?.cancel();
    const cancel = this.clock.after(at - this.now, () => {
      this.timer = undefined;
      this.onTime();
    });
    this.timer = { at, cancel };
  }

  /** Forgets what is settled for long, and makes ready whose delay has ended. */
  passTime(): void {
    for (const [name, { until }] of this.finished) if (until <= this.now) this.finished.delete(name);
    for (const run of this.runs.values()) {
      if (run.dueAt === undefined || run.dueAt > this.now) continue;
      run.dueAt = undefined;
      this.ready.push(run);
    }
    const next = Math.min(...this.all.flatMap(({ nextDeadline, dueAt }) => nextDeadline ?? dueAt ?? []));
    if (next !== Number.POSITIVE_INFINITY) this.wakeAt(next);
  }

  /** A late settle may have ended it meanwhile. */
  private isWaiting(run: Run): boolean {
    return this.runs.get(run.name) === run && run.deadlines === undefined;
  }

  private lead(run: Run): void {
    this.laneHolder = run;
    this.makeReady(run);
  }

  private mayLead(run: Run): boolean {
    return !run.suspect || this.laneHolder === undefined || this.laneHolder === run;
  }

  private divide(run: Run, max: number): void {
    const end = run.owedIndexes[max];
    if (end === undefined) return;
    const other = this.create(run.events.splice(end), run.fates.splice(end), {
      kind: "run",
      lapses: run.lapses,
    });
    other.settledIn.splice(0, other.settledIn.length, ...run.settledIn.splice(end));
    this.makeReady(other);
  }
}
