import type { SettleAction } from "../settle-batch.js";
import type { LoggedEvent } from "./ledger.js";

/** What became of one event of a run: how it was settled, `lapsed` out of it, or `other` when it is not of this run. */
export type Fate = "owed" | Exclude<SettleAction, "extend"> | "lapsed" | "other";

/** An event that is owed, and the replay that owes it. */
export interface Owed {
  readonly event: LoggedEvent;
  readonly replayed: boolean;
  /** Id of the replay that asked for its events to count as new. */
  readonly redo: string | undefined;
}

export interface RunFields {
  /** A `single` is one event that counts its attempts. */
  readonly kind: "run" | "single";
  /** Counted attempts of a single. */
  readonly attempts?: number;
  /** Leases that lapsed. */
  readonly lapses?: number;
  /** Whether it was silent before: such singles are leased one at a time. */
  readonly suspect?: boolean;
  /** Not to be leased before, on the bus's clock. */
  readonly dueAt?: number | undefined;
  /** Of the last nack. */
  readonly reason?: string;
}

/** What is left of a run when all of it is settled, so that a repeated settle is answered as the first time. */
export type SettledRun = Pick<Run, "generation" | "fates" | "settledIn">;

/** Events that are leased together and settled one by one. */
export class Run {
  readonly kind: "run" | "single";
  attempts: number;
  lapses: number;
  suspect: boolean;
  dueAt: number | undefined;
  reason: string;
  /** Leases so far. */
  generation = 0;
  /** What the consumer is told with the latest one: which time it is handed out. */
  attempt = 0;
  /** Of each event, while the run is leased. */
  deadlines: number[] | undefined;
  /** The generation that settled each event. */
  readonly settledIn: number[];

  constructor(
    readonly name: string,
    readonly events: Owed[],
    readonly fates: Fate[],
    fields: RunFields,
  ) {
    this.kind = fields.kind;
    this.attempts = fields.attempts ?? 0;
    this.lapses = fields.lapses ?? 0;
    this.suspect = fields.suspect ?? false;
    this.dueAt = fields.dueAt;
    this.reason = fields.reason ?? "";
    this.settledIn = fates.map(() => 1);
  }

  get owedIndexes(): number[] {
    return this.fates.flatMap((fate, index) => (fate === "owed" ? [index] : []));
  }

  /** Attempts that count against each of its events. */
  get counted(): number {
    return this.kind === "single" ? this.attempts : 1;
  }

  lease(deadline: number): void {
    this.generation++;
    if (this.kind === "single") this.attempts++;
    this.attempt = this.lapses + this.counted;
    this.dueAt = undefined;
    this.deadlines = this.fates.map(() => deadline);
  }

  settle(index: number, fate: Fate): void {
    this.fates[index] = fate;
    this.settledIn[index] = this.generation;
  }

  unlease(): void {
    this.deadlines = undefined;
  }

  /** The earliest deadline of what is owed; undefined when it is not leased. */
  get nextDeadline(): number | undefined {
    const { deadlines } = this;
    return deadlines && Math.min(...this.owedIndexes.map((index) => deadlines[index]!));
  }
}
