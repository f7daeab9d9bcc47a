/** outbox: a commit in Laravel's database, from which its relay sends. */
export type Door = "http" | "xadd" | "outbox";
/**
 * invoke: under way. ok: the bus said that it has it. failed: it certainly has not (and never will of this attempt).
 * unknown: nobody can tell.
 */
export type Outcome = "invoke" | "ok" | "failed" | "unknown";

/** One try to publish an event. */
export interface Attempt {
  readonly at: number;
  readonly door: Door;
  outcome: Outcome;
  /** When the outcome was known (ms since the epoch, as `at`). */
  until?: number;
  /** HTTP status, error code or message: why. */
  detail?: string;
}

/** One event that a client wants on the bus, under one id however often it tries. */
export interface Operation {
  readonly id: string;
  readonly topic: string;
  readonly source: string;
  /** Ordering key of the payload. */
  readonly key: string;
  /** Its own bytes: what must come out at the other end. */
  readonly payload: string;
  /** Breaks the topic's schema: must never be in the ledger, and its refusal must be told. */
  readonly bad: boolean;
  readonly attempts: Attempt[];
}

/** All that clients did, in order of their first attempt. */
export class OperationLog {
  readonly operations: Operation[] = [];
  private readonly byId = new Map<string, Operation>();

  add(operation: Operation): void {
    this.operations.push(operation);
    this.byId.set(operation.id, operation);
  }

  of(id: string): Operation | undefined {
    return this.byId.get(id);
  }

  /** Accepted: the bus answered for it at least once. */
  accepted(): Operation[] {
    return this.operations.filter((operation) => !operation.bad && wasAccepted(operation));
  }
}

export function wasAccepted({ attempts }: Operation): boolean {
  return attempts.some(({ outcome }) => outcome === "ok");
}
