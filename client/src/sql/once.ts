import { HmsSyncClientError, invalidOption } from "../errors.js";
import { Permanent } from "../permanent.js";
import type { KnexLike } from "./dialect.js";
import { Housekeeping } from "./housekeeping.js";
import { KnexStore } from "./knex-store.js";
import { keptUntil, type OnceMessage, onceRecord } from "./once-record.js";
import type { OnceStore } from "./once-store.js";
import { ONCE_TABLE } from "./once-table.js";

export interface OnceOptions {
  /** The table of a knex transaction; `hms_sync_once` unless given. */
  readonly table?: string;
  /** Takes a replayed event whose record may have been pruned, instead of refusing it: it may then be done twice. */
  readonly acceptOld?: boolean;
}

/** The event was handled past its lease: the bus has given it to another. Thrown so that the transaction rolls back. */
export class StaleLease extends HmsSyncClientError {
  constructor(id: string) {
    super(
      "stale_lease",
      `event ${id} was at work for longer than its ack_wait and goes out again; its transaction must not be committed.` +
        " Call working() in long handlers, or raise ack_wait in topics.yaml",
      { retryable: true },
    );
    this.name = "StaleLease";
  }
}

/** A replay brought an event so old that whether it was done before is no longer recorded. */
export class ReplayTooOld extends Permanent {
  constructor() {
    super(
      "replay_too_old: whether the event was done before is no longer recorded; replay with redo, or give once acceptOld",
    );
    this.name = "ReplayTooOld";
  }
}

/** What tests bring along. */
export interface OnceParts {
  readonly housekeeping: Housekeeping;
  /** ms since 1970. */
  readonly now: () => number;
}

const parts: OnceParts = { housekeeping: new Housekeeping(), now: Date.now };

/**
 * Runs `fn` unless the event was done before. A record of the event goes into the database in the caller's transaction:
 * with what `fn` writes in it, it is committed or it is not there at all.
 * @returns whether `fn` ran; false when the event was done before. Ack in both cases.
 * @throws StaleLease, ReplayTooOld, what `fn` or the database threw: let it out of the transaction, which rolls back.
 */
export async function once(
  message: OnceMessage,
  trx: KnexLike | OnceStore,
  fn: () => unknown,
  options: OnceOptions = {},
  { housekeeping, now }: OnceParts = parts,
): Promise<boolean> {
  const lease = new LeaseWatch(message, now);
  const store = storeOf(trx, options);
  const record = onceRecord(message, now());
  housekeeping.note(record, now());
  lease.check();
  if (options.acceptOld !== true) await refuseTooOld(message, store, now());
  if (!(await store.insert(record))) return false;
  await fn();
  await housekeeping.tidy(store, record, now());
  lease.check();
  return true;
}

function storeOf(trx: KnexLike | OnceStore, { table = ONCE_TABLE }: OnceOptions): OnceStore {
  // A knex instance has an `insert`, too: first whether it is one.
  if ("client" in trx && "raw" in trx) {
    if (trx.isTransaction === true) return new KnexStore(trx, table);
    throw invalidOption(
      "trx",
      "no transaction",
      "call once inside knex.transaction(async (trx) => …) with that trx",
    );
  }
  const store = trx as Partial<OnceStore>;
  const missing = (["insert", "oldest", "prune"] as const).filter(
    (name) => typeof store[name] !== "function",
  );
  if (missing.length === 0) return trx as OnceStore;
  throw invalidOption("trx", `without ${missing.join(", ")}`, "give a knex transaction or a OnceStore");
}

/**
 * Records are pruned in the order of their time: a record that would be kept until then is there or never was while
 * that time has not come, or while an earlier one is still kept. Only a replay brings what was acked long ago.
 */
async function refuseTooOld(message: OnceMessage, store: OnceStore, now: number): Promise<void> {
  if (!message.replayed || message.redo !== undefined) return;
  const kept = keptUntil(message);
  if (now < kept) return;
  const { consumer = "", topic } = message;
  const oldest = await store.oldest({ consumer, topic });
  if (oldest === undefined || kept < oldest.getTime()) throw new ReplayTooOld();
}

/** Looks whether the lease has ended. A machine that was suspended stops `performance.now()`, but no wall clock. */
class LeaseWatch {
  private readonly began: number;

  constructor(
    private readonly message: OnceMessage,
    private readonly now: () => number,
  ) {
    this.began = now() - performance.now();
  }

  check(): void {
    const asleep = Math.max(0, this.now() - performance.now() - this.began);
    if (performance.now() + asleep >= this.message.leaseEndsAt) throw new StaleLease(this.message.id);
  }
}
