import type { KnexLike } from "./dialect.js";
import { type OnceOptions, StaleLease } from "./once.js";
import type { OnceStore } from "./once-store.js";
import { isAway, sqlReason, sqlRefusal } from "./sql-error.js";

/** A knex instance, as far as it is used here. */
export interface KnexDatabase<Trx> {
  transaction(run: (trx: Trx) => Promise<boolean>): PromiseLike<boolean>;
}

/** A message, as far as it is used here. */
export interface WritableMessage {
  readonly id: string;
  readonly leaseEndsAt: number;
  once(trx: KnexLike | OnceStore, fn: () => unknown, options?: OnceOptions): Promise<boolean>;
  working(): Promise<void>;
}

export interface AwayOptions {
  /** Called each time the database could not be reached, with the error's code: for a log or a probe. */
  readonly onAway?: (code: string) => void;
}

export interface WriteOptions extends OnceOptions, AwayOptions {}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

/**
 * What a handler does with a database: a transaction in which `write` runs once for the event. While the database is
 * away it waits and keeps the event, which would else use up its deliveries and become a dead letter in a long outage.
 * @returns whether `write` ran; false when the event was done before.
 * @throws Permanent when the row can never be written: with the SQL error's code and constraint as reason, no values.
 * @throws StaleLease, ReplayTooOld and what else `write` or the database threw: the event comes again.
 */
export async function writeOnce<Trx extends KnexLike>(
  knex: KnexDatabase<Trx>,
  message: WritableMessage,
  write: (trx: Trx) => unknown,
  options: WriteOptions = {},
): Promise<boolean> {
  const attempt = () => knex.transaction((trx) => message.once(trx, () => write(trx), options));
  try {
    return await repeated(attempt, options, (ms) => pauseFor(ms, message));
  } catch (error) {
    throw sqlRefusal(error);
  }
}

/**
 * Does `work` again until the database can be reached, for what an adapter does before it takes events: after a power cut the
 * two start together. Other errors than the database's being away reject.
 */
export function whenReachable<T>(work: () => PromiseLike<T>, options: AwayOptions = {}): Promise<T> {
  return repeated(work, options, (ms) => new Promise((resolve) => setTimeout(resolve, ms)));
}

async function repeated<T>(
  work: () => PromiseLike<T>,
  { onAway }: AwayOptions,
  pauseOf: (ms: number) => Promise<void>,
): Promise<T> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isAway(error)) throw error;
      onAway?.(sqlReason(error));
    }
    await pauseOf(pause);
  }
}

/** Waits, and keeps the lease meanwhile. @throws StaleLease when it could not be kept. */
async function pauseFor(ms: number, message: WritableMessage): Promise<void> {
  const left = message.leaseEndsAt - performance.now();
  if (left <= 0) throw new StaleLease(message.id);
  void message.working(); // when the bus is away as well, the lease ends and the next round says so
  await new Promise((resolve) => setTimeout(resolve, Math.min(ms, left / 3)));
}
