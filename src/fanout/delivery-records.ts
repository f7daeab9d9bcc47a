import type { Redis } from "ioredis";
import { type DeliveryKeys, deliveryKeys } from "../redis/keys.js";
import { beforeAll, compareIds, type LedgerId, recordedAt } from "../redis/ledger-id.js";
import { valuesOf } from "../redis/replies.js";
import { list, Script, type ScriptArgument, type ScriptReply, text } from "../redis/scripts.js";
import { streamFields } from "../redis/stream-fields.js";
import type { CursorPosition } from "./removed-events.js";
import { ReplayRecords } from "./replay-records.js";
import type { SettleBatch } from "./settlement.js";
import type { DeliveryPolicy } from "./types.js";

/** The scripts behind the records; a parameter, so that a test can show that each check in them is needed. */
export interface DeliveryScripts {
  readonly open: Script;
  readonly rewind: Script;
  readonly removed: Script;
  readonly advance: Script;
  readonly lease: Script;
  readonly settle: Script;
  readonly sweep: Script;
  readonly bury: Script;
  readonly redrive: Script;
  readonly audit: Script;
  readonly retire: Script;
  readonly replay: Script;
  readonly replayCut: Script;
}

export function loadDeliveryScripts(): DeliveryScripts {
  const load = (name: string) => Script.load(import.meta.url, name);
  return {
    open: load("open"),
    rewind: load("rewind"),
    removed: load("removed"),
    advance: load("advance"),
    lease: load("lease"),
    settle: load("settle"),
    sweep: load("sweep"),
    bury: load("bury"),
    redrive: load("redrive"),
    audit: load("audit"),
    retire: load("retire"),
    replay: load("replay"),
    replayCut: load("replay-cut"),
  };
}

/** Runs that one step of a retirement removes. */
const removedAtOnce = 200;

/** A cut of the ledger: `count` events after `from` up to `to`. */
export interface AdvanceStep {
  readonly from: LedgerId;
  readonly to: LedgerId;
  readonly count: number;
  /** Most runs that may wait unleased. */
  readonly limit: number;
  /** The caller knows of events after `to`. */
  readonly more: boolean;
  /** One byte an event, 'o' owed or '-' not for this consumer; '' when all are owed. */
  readonly states: string;
  /** Leases the run at once; the same nonce gets the same run again. */
  readonly nonce?: string;
  /** Most events to lease with the nonce; a larger run waits for its ticket. */
  readonly most?: number;
  /** With order by key: the key of each event (see order-keys.ts), and its ledger id. */
  readonly order?: { readonly keys: string; readonly ids: readonly LedgerId[] };
}

export type Advanced =
  | { readonly outcome: "cut"; readonly ticket: string }
  | {
      readonly outcome: "leased";
      readonly run: string;
      /** With order by key: which events after the first `skip` of the cut are in the run, one byte an event. */
      readonly states?: string;
      readonly skip: number;
    }
  | { readonly outcome: "moved"; readonly cursor: LedgerId }
  | { readonly outcome: "passed" | "full" | "absent" };

export interface RunRange {
  readonly from: LedgerId;
  readonly to: LedgerId;
  /** Entries that were in the ledger from there to there; 0 when a sidecar of before wrote the record. */
  readonly count: number;
  readonly skip: number;
  readonly n: number;
  /** The event's own envelope when it was redriven from a dead letter; empty otherwise. */
  readonly body: Buffer;
}

export interface LeasedRun extends RunRange {
  readonly outcome: "ok";
  readonly run: string;
  readonly generation: number;
  readonly states: string;
  readonly attempt: number;
  readonly replayed: boolean;
  /** Events wait in the ledger behind the cursor: the caller should advance. */
  readonly behind: boolean;
  /** Tickets of what waits for a lease now: the part of the run that did not fit, events that it made room for. */
  readonly issued: readonly string[];
  /** Other runs that wait for a lease. */
  readonly waiting: number;
  /** The replay that asked for its events to count as new; '' otherwise. */
  readonly redo: string;
  /** The replay that brought it may go on: the caller should cut the next of it. */
  readonly replayBehind: boolean;
}

export type LeaseReply =
  | LeasedRun
  | { readonly outcome: "gone" | "leased" | "parked" | "throttled" }
  | { readonly outcome: "early"; readonly ticket: string; readonly due: number };

export interface PendingTicket {
  readonly ticket: string;
  /** Not before (ms since the epoch); 0 = at once. */
  readonly due: number;
}

export interface Swept {
  readonly handled: number;
  readonly pending: readonly PendingTicket[];
  readonly dying: readonly string[];
  /** When the next deadline or delay ends (ms since the epoch); 0 = nothing is scheduled. */
  readonly nextAt: number;
  /** A replay is begun and not cut to its end: the caller should go on with it. */
  readonly replaying: boolean;
}

export interface SettleReply {
  /** Per operation one byte an event: k ok, s stale, u unknown. */
  readonly results: readonly string[];
  /** Delayed tickets or dead letters wait to be carried out: the caller should sweep. */
  readonly followUp: boolean;
  /** Tickets of runs that may be leased at once. */
  readonly issued: readonly string[];
  /** ADVANCE waited for what was settled here: the caller should advance. */
  readonly behind: boolean;
}

/** An event its consumer did not take, with its own copy of the envelope (JSON text). */
export interface DeadLetter {
  readonly id: string;
  /** RFC 3339. */
  readonly at: string;
  readonly reason: string;
  readonly attempts: number;
  readonly envelope: string;
}

export interface DeliveryCounts {
  /** False before the consumer joined and once its retirement has begun: then it is owed only what is open. */
  readonly joined: boolean;
  readonly cursor: LedgerId;
  /** Ledger events before the cursor, trimmed ones included. */
  readonly ordinal: number;
  /** Events before the cursor that are not settled. */
  readonly open: number;
  readonly acked: number;
  /** Events that are not sent because they came through this consumer or do not match its filter. */
  readonly skipped: number;
  readonly dead: number;
  /** Events that somebody took out of the ledger before they were cut: it can never be given them. */
  readonly removed: number;
  /** Runs that are leased or wait for a delay to end. */
  readonly scheduledRuns: number;
  /** Of the open events, those that wait for an earlier one of their key. */
  readonly parked: number;
  /** Ledger events before the cursor when the consumer joined, and in all. */
  readonly joinedAt: number;
  readonly joinedTotal: number;
  /** Of the open events, those that replays brought. */
  readonly replayed: number;
  /** The latest replay, as long as it runs or some of the events it brought are open. */
  readonly replay?: ReplayProgress;
}

/** How far a replay is: `done` of its `of` events were settled or passed over. */
export interface ReplayProgress {
  readonly replay: string;
  readonly running: boolean;
  readonly done: number;
  readonly of: number;
}

/** Up to where a consumer has settled its topic, and what its replays hold besides. */
export interface SettledState {
  readonly settled: LedgerId;
  /** The replay that is begun and not cut to its end. */
  readonly replay?: string;
  /** Events that replays brought and that are open. */
  readonly replayed: number;
}

/** The records of one (consumer, topic): each method is one script, on one hash tag, with Redis time. */
export class DeliveryRecords {
  private readonly keys: DeliveryKeys;
  readonly replays: ReplayRecords;

  constructor(
    private readonly redis: Redis,
    private readonly scripts: DeliveryScripts,
    consumer: string,
    topic: string,
  ) {
    this.keys = deliveryKeys(consumer, topic);
    this.replays = new ReplayRecords(redis, scripts, this.keys);
  }

  /**
   * Creates the cursor once; resolves to the cursor in force. `total` events are in the ledger, `ordinal` before it.
   * Undefined when a retirement broke off: `remove` finishes it.
   */
  async open(cursor: LedgerId, ordinal: number, total: number): Promise<LedgerId | undefined> {
    const [outcome, inForce] = list(await this.run(this.scripts.open, cursor, ordinal, total));
    return text(outcome) === "retiring" ? undefined : text(inForce);
  }

  /** REWIND; see rewind.lua. Resolves to whether the cursor still was `cursor`. */
  async rewind(cursor: LedgerId, end: LedgerId, ordinal: number): Promise<boolean> {
    return (await this.run(this.scripts.rewind, cursor, end, ordinal)) === 1;
  }

  /** Undefined before it joined. */
  async position(): Promise<CursorPosition | undefined> {
    const [cursor, ...counts] = await this.redis.hmget(
      this.keys.state,
      ...["cursor", "ordinal", "removed", "rewound"],
    );
    const [ordinal, removed, rewound] = counts.map(Number);
    return cursor ? { cursor, ordinal: ordinal!, removed: removed!, rewound: rewound! } : undefined;
  }

  /** REMOVED; see removed.lua. Resolves to whether the position still held. */
  async countRemoved(position: CursorPosition, count: number, before: LedgerId): Promise<boolean> {
    const { removed, rewound } = position;
    return (await this.run(this.scripts.removed, removed, rewound, count, before)) === 1;
  }

  /** Removed events that no operator has acknowledged, and the entry before which they came. */
  async unseenRemoved(): Promise<{ readonly count: number; readonly before: LedgerId }> {
    const fields = ["removed", "removed_seen", "removed_before"] as const;
    const [removed, seen, before] = await this.redis.hmget(this.keys.state, ...fields);
    return { count: Number(removed) - Number(seen), before: before ?? beforeAll };
  }

  /** An operator knows of `count` more of them. */
  async acknowledgeRemoved(count: number): Promise<void> {
    await this.redis.hincrby(this.keys.state, "removed_seen", count);
  }

  /** Takes the cursor away for good: nothing is cut any more, and `remove` may follow. */
  async beginRetiring(): Promise<void> {
    await this.run(this.scripts.retire, "begin", 0);
  }

  /** Removes runs, dead letters and state of a consumer whose retirement was begun; of no other. */
  async remove(): Promise<void> {
    while (text(list(await this.run(this.scripts.retire, "step", removedAtOnce))[0]) === "more");
  }

  /** The schema version the consumer has been given so far; undefined before it joined. */
  async joinedVersion(): Promise<number | undefined> {
    const version = await this.redis.hget(this.keys.state, "version");
    return version === null ? undefined : Number(version);
  }

  /** Keeps the schema version the consumer is given: `stated`, else what is kept, else `current`. */
  async version(stated: number | undefined, current: number): Promise<number> {
    if (stated === undefined) await this.redis.hsetnx(this.keys.state, "version", String(current));
    else await this.redis.hset(this.keys.state, "version", String(stated));
    return stated ?? Number(await this.redis.hget(this.keys.state, "version"));
  }

  async cursor(): Promise<LedgerId | undefined> {
    return (await this.redis.hget(this.keys.state, "cursor")) ?? undefined;
  }

  /** ADVANCE; see advance.lua. With a nonce the run is leased at once, to whoever waits. */
  async advance(step: AdvanceStep, policy: DeliveryPolicy): Promise<Advanced> {
    const { from, to, count, limit, more, nonce, states, most, order } = step;
    const cut = [from, to, count, limit, more ? "1" : "0", nonce ?? "", policy.ackWaitMs, states];
    const room = [most ?? "", policy.maxInFlight ?? ""];
    const keys = [order?.keys ?? "", order?.ids.join(" ") ?? ""];
    const reply = list(await this.run(this.scripts.advance, ...cut, ...room, ...keys));
    const outcome = text(reply[0]);
    if (outcome === "cut") return { outcome, ticket: text(reply[1]) };
    if (outcome === "leased") {
      const states = reply[2] === undefined ? {} : { states: text(reply[2]) };
      return { outcome, run: text(reply[1]), skip: Number(reply[3] ?? 0), ...states };
    }
    if (outcome === "moved") return { outcome, cursor: text(reply[1]) };
    return { outcome: outcome as "passed" | "full" | "absent" };
  }

  /** LEASE; see lease.lua. `nonce` makes a repeated call get the same lease. */
  async lease(ticket: string, nonce: string, policy: DeliveryPolicy, max: number): Promise<LeaseReply> {
    const run = runOf(ticket);
    const args = [run, ticket, nonce, policy.ackWaitMs, max, policy.maxInFlight ?? ""];
    const reply = list(await this.run(this.scripts.lease, ...args));
    const outcome = text(reply[0]);
    if (outcome === "ok") return leasedRun(run, reply);
    if (outcome === "early") return { outcome, ticket: text(reply[1]), due: Number(text(reply[2])) };
    return { outcome: outcome as "gone" | "leased" | "parked" | "throttled" };
  }

  /** SETTLE; see settle.lua. */
  async settle(batch: SettleBatch, policy: DeliveryPolicy): Promise<SettleReply> {
    const reply = list(
      await this.run(
        this.scripts.settle,
        batch.run,
        batch.generation,
        policy.ackWaitMs,
        policy.maxDeliver,
        policy.backoffMs.join(","),
        policy.maxInFlight ?? "",
        policy.order,
        ...batch.operations.flatMap((operation) => [
          operation.action[0]!,
          operation.first,
          operation.last,
          operation.delayMs ?? "",
          operation.reason,
        ]),
      ),
    );
    return {
      results: list(reply[0]).map(text),
      followUp: Number(reply[1]) > 0,
      behind: Number(reply[2]) > 0,
      issued: words(reply[3]),
    };
  }

  /** SWEEP; see sweep.lua. */
  async sweep(policy: DeliveryPolicy, limit: number): Promise<Swept> {
    const args = [policy.maxDeliver, policy.backoffMs.join(","), limit, policy.maxInFlight ?? ""];
    const reply = list(await this.run(this.scripts.sweep, ...args));
    return {
      handled: Number(reply[0] ?? 0),
      pending: pairs(list(reply[1])),
      dying: list(reply[2]).map(text),
      nextAt: Math.floor(Number(text(reply[3]))),
      replaying: reply[4] === 1,
    };
  }

  /** Tickets that were added to BullMQ need no mark any more. */
  async ticketsAdded(tickets: readonly string[]): Promise<void> {
    if (tickets.length > 0) await this.redis.hdel(this.keys.pending, ...tickets);
  }

  async rangeOf(run: string): Promise<RunRange | undefined> {
    const key = `${this.keys.prefix}run:${run}`;
    const fields = ["from", "to", "count", "skip", "n", "body"];
    const [from, to, count, skip, n, body] = await this.redis.hmgetBuffer(key, ...fields);
    if (!from || !to) return undefined;
    return {
      from: text(from),
      to: text(to),
      count: Number(text(count ?? undefined)),
      skip: Number(text(skip)),
      n: Number(text(n)),
      body: body ?? Buffer.alloc(0),
    };
  }

  /** BURY; resolves to the dead letter's id, or '' when another sidecar was first. */
  async bury(run: string, envelope: Buffer, ledgerId: LedgerId | ""): Promise<string> {
    return text(await this.run(this.scripts.bury, run, envelope, ledgerId));
  }

  /** REDRIVE; resolves to the new ticket, or undefined when there is no such dead letter. */
  async redrive(deadLetter: string): Promise<string | undefined> {
    const ticket = list(await this.run(this.scripts.redrive, deadLetter))[0];
    return ticket === undefined ? undefined : text(ticket);
  }

  /** The newest dead letters first, at most `limit`. */
  async deadLetters(limit: number): Promise<DeadLetter[]> {
    const entries = await this.redis.xrevrange(this.keys.dead, "+", "-", "COUNT", limit);
    return entries.map(([id, flat]) => {
      const fields = streamFields(flat);
      return {
        id,
        at: new Date(recordedAt(id)).toISOString(),
        reason: fields.get("reason") ?? "",
        attempts: Number(fields.get("attempts") ?? 0),
        envelope: fields.get("envelope") ?? "",
      };
    });
  }

  /** Tickets that waiting runs count on; see audit.lua. */
  async ticketsCountedOn(limit: number): Promise<string[]> {
    return list(await this.run(this.scripts.audit, "list", limit)).map(text);
  }

  /** Replaces a ticket that BullMQ no longer has; resolves to whether the run still counted on it. */
  async replaceTicket(ticket: string): Promise<boolean> {
    return (await this.run(this.scripts.audit, "replace", runOf(ticket), ticket)) === 1;
  }

  /** Everything up to `settled` is settled: the consumer's trim floor. Undefined before it joined. */
  async settledUpTo(): Promise<SettledState | undefined> {
    // No MULTI: a Redis whose memory is full refuses reads in one, and trimming makes room. An event goes from the cursor to
    // the parked or the open ones, and from the parked to the open ones: read in this order, it is seen in one of them.
    const [state, parked, open] = await this.redis
      .pipeline()
      .hmget(this.keys.state, "cursor", "replay", "replay_phase", "replay_cursor", "replay_owed")
      .zrange(this.keys.blocks, "0", "0", "WITHSCORES")
      .zrange(this.keys.open, "0", "0", "WITHSCORES")
      .exec()
      .then(valuesOf);
    const [cursor, replay, phase, replayCursor, replayed] = state as (string | null)[];
    if (cursor === null || cursor === undefined) return undefined;
    const oldest = [parked, open].flatMap((each) => (each as string[])[1] ?? []);
    const running = phase !== null && phase !== undefined;
    const held = [cursor, ...(running ? [replayCursor!] : []), ...oldest.map((ms) => `${ms}-0`)];
    const settled = held.reduce((a, b) => (compareIds(b, a) < 0 ? b : a));
    return { settled, replayed: Number(replayed ?? 0), ...(running ? { replay: replay! } : {}) };
  }

  async counts(): Promise<DeliveryCounts> {
    const [state, scheduled, delayed, parkedEvents] = await this.redis
      .pipeline() // no MULTI: a Redis whose memory is full refuses reads in one
      .hmget(this.keys.state, ...counters)
      .zcard(this.keys.schedule)
      .zcard(this.keys.delayed)
      .zcard(this.keys.parked)
      .exec()
      .then(valuesOf);
    const values = state as (string | null)[];
    const [cursor, ordinal, open, acked, skipped, dead, removed, ...more] = values;
    const [joinedAt, joinedTotal, replayed, ...replay] = more;
    return {
      joined: cursor !== null && cursor !== undefined,
      cursor: cursor ?? "0-0",
      ordinal: Number(ordinal ?? 0),
      open: Number(open ?? 0),
      acked: Number(acked ?? 0),
      skipped: Number(skipped ?? 0),
      dead: Number(dead ?? 0),
      removed: Number(removed ?? 0),
      scheduledRuns: Number(scheduled) + Number(delayed),
      parked: Number(parkedEvents),
      joinedAt: Number(joinedAt ?? 0),
      joinedTotal: Number(joinedTotal ?? 0),
      replayed: Number(replayed ?? 0),
      ...progressIn(Number(replayed ?? 0), replay),
    };
  }

  private run(script: Script, ...args: ScriptArgument[]): Promise<ScriptReply> {
    return script.run(this.redis, [this.keys.state], [this.keys.prefix, ...args]);
  }
}

const counters = [
  ...["cursor", "ordinal", "owed", "acked", "skipped", "dead", "removed", "joined_at", "joined_total"],
  ...["replay_owed", "replay", "replay_phase", "replay_events", "replay_passed"],
];

function progressIn(
  replayed: number,
  [replay, phase, events, passed]: readonly (string | null | undefined)[],
): { replay?: ReplayProgress } {
  const running = phase !== null && phase !== undefined;
  if (!running && replayed <= 0) return {};
  // One that was cancelled ends with what was cut of it.
  const of = Number((running ? events : passed) ?? 0);
  return { replay: { replay: replay!, running, done: Math.max(0, Number(passed ?? 0) - replayed), of } };
}

/** A ticket is the BullMQ job id `<run>-<number>`. */
export function runOf(ticket: string): string {
  return ticket.slice(0, ticket.indexOf("-"));
}

function leasedRun(run: string, reply: ScriptReply[]): LeasedRun {
  return {
    outcome: "ok",
    run,
    generation: Number(reply[1]),
    from: text(reply[2]),
    to: text(reply[3]),
    skip: Number(reply[4]),
    n: Number(reply[5]),
    states: text(reply[6]),
    attempt: Number(reply[7]),
    replayed: text(reply[8]) === "1",
    body: Buffer.isBuffer(reply[9]) ? reply[9] : Buffer.alloc(0),
    behind: text(reply[10]) === "1",
    issued: words(reply[11]),
    waiting: Number(reply[12] ?? 0),
    redo: text(reply[13]),
    replayBehind: text(reply[14]) === "1",
    count: Number(text(reply[15])),
  };
}

function words(reply: ScriptReply | undefined): string[] {
  return text(reply).split(" ").filter(Boolean);
}

function pairs(flat: readonly ScriptReply[]): PendingTicket[] {
  const tickets: PendingTicket[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2)
    tickets.push({ ticket: text(flat[i]), due: Number(text(flat[i + 1])) });
  return tickets;
}
