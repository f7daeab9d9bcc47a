import type { Redis } from "ioredis";
import { type DeliveryKeys, deliveryKeys } from "../redis/keys.js";
import { type LedgerId, recordedAt } from "../redis/ledger-id.js";
import { list, Script, type ScriptArgument, type ScriptReply, text } from "../redis/scripts.js";
import { streamFields } from "../redis/stream-fields.js";
import type { SettleBatch } from "./settlement.js";
import type { DeliveryPolicy } from "./types.js";

/** The scripts behind the records; a parameter, so that a test can show that each check in them is needed. */
export interface DeliveryScripts {
  readonly open: Script;
  readonly advance: Script;
  readonly lease: Script;
  readonly settle: Script;
  readonly sweep: Script;
  readonly bury: Script;
  readonly redrive: Script;
  readonly audit: Script;
}

export function loadDeliveryScripts(): DeliveryScripts {
  const load = (name: string) => Script.load(import.meta.url, name);
  return {
    open: load("open"),
    advance: load("advance"),
    lease: load("lease"),
    settle: load("settle"),
    sweep: load("sweep"),
    bury: load("bury"),
    redrive: load("redrive"),
    audit: load("audit"),
  };
}

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
}

export type Advanced =
  | { readonly outcome: "cut"; readonly ticket: string }
  | { readonly outcome: "leased"; readonly run: string }
  | { readonly outcome: "moved"; readonly cursor: LedgerId }
  | { readonly outcome: "passed" | "full" | "absent" };

export interface RunRange {
  readonly from: LedgerId;
  readonly to: LedgerId;
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
  /** Ticket of the part of the run that did not fit, or ''. */
  readonly rest: string;
  /** Other runs that wait for a lease. */
  readonly waiting: number;
}

export type LeaseReply =
  | LeasedRun
  | { readonly outcome: "gone" | "leased" | "parked" }
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
}

export interface SettleReply {
  /** Per operation one byte an event: k ok, s stale, u unknown. */
  readonly results: readonly string[];
  /** Tickets or dead letters wait to be carried out: the caller should sweep. */
  readonly followUp: boolean;
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
  readonly cursor: LedgerId;
  /** Ledger events before the cursor, trimmed ones included. */
  readonly ordinal: number;
  /** Events in open runs. */
  readonly open: number;
  readonly acked: number;
  /** Events that are not sent because they came through this consumer. */
  readonly skipped: number;
  readonly dead: number;
  /** Runs that are leased or wait for a delay to end. */
  readonly scheduledRuns: number;
}

/** The records of one (consumer, topic): each method is one script, on one hash tag, with Redis time. */
export class DeliveryRecords {
  private readonly keys: DeliveryKeys;

  constructor(
    private readonly redis: Redis,
    private readonly scripts: DeliveryScripts,
    consumer: string,
    topic: string,
  ) {
    this.keys = deliveryKeys(consumer, topic);
  }

  /** Creates the cursor once; resolves to the cursor in force. */
  async open(cursor: LedgerId, ordinal: number): Promise<LedgerId> {
    return text(list(await this.run(this.scripts.open, cursor, ordinal))[1]);
  }

  async cursor(): Promise<LedgerId | undefined> {
    return (await this.redis.hget(this.keys.state, "cursor")) ?? undefined;
  }

  /** ADVANCE; see advance.lua. With a nonce the run is leased at once, to whoever waits. */
  async advance(step: AdvanceStep, policy: DeliveryPolicy): Promise<Advanced> {
    const { from, to, count, limit, more, nonce, states } = step;
    const args = [from, to, count, limit, more ? "1" : "0", nonce ?? "", policy.ackWaitMs, states];
    const reply = list(await this.run(this.scripts.advance, ...args));
    const outcome = text(reply[0]);
    if (outcome === "cut") return { outcome, ticket: text(reply[1]) };
    if (outcome === "leased") return { outcome, run: text(reply[1]) };
    if (outcome === "moved") return { outcome, cursor: text(reply[1]) };
    return { outcome: outcome as "passed" | "full" | "absent" };
  }

  /** LEASE; see lease.lua. `nonce` makes a repeated call get the same lease. */
  async lease(ticket: string, nonce: string, policy: DeliveryPolicy, max: number): Promise<LeaseReply> {
    const run = runOf(ticket);
    const reply = list(await this.run(this.scripts.lease, run, ticket, nonce, policy.ackWaitMs, max));
    const outcome = text(reply[0]);
    if (outcome === "ok") return leasedRun(run, reply);
    if (outcome === "early") return { outcome, ticket: text(reply[1]), due: Number(text(reply[2])) };
    return { outcome: outcome as "gone" | "leased" | "parked" };
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
        ...batch.operations.flatMap((operation) => [
          operation.action[0]!,
          operation.first,
          operation.last,
          operation.delayMs ?? "",
          operation.reason,
        ]),
      ),
    );
    return { results: list(reply[0]).map(text), followUp: Number(reply[1]) > 0 };
  }

  /** SWEEP; see sweep.lua. */
  async sweep(policy: DeliveryPolicy, limit: number): Promise<Swept> {
    const reply = list(
      await this.run(this.scripts.sweep, policy.maxDeliver, policy.backoffMs.join(","), limit),
    );
    return {
      handled: Number(reply[0] ?? 0),
      pending: pairs(list(reply[1])),
      dying: list(reply[2]).map(text),
      nextAt: Math.floor(Number(text(reply[3]))),
    };
  }

  /** Tickets that were added to BullMQ need no mark any more. */
  async ticketsAdded(tickets: readonly string[]): Promise<void> {
    if (tickets.length > 0) await this.redis.hdel(this.keys.pending, ...tickets);
  }

  async rangeOf(run: string): Promise<RunRange | undefined> {
    const key = `${this.keys.prefix}run:${run}`;
    const [from, to, skip, n, body] = await this.redis.hmgetBuffer(key, "from", "to", "skip", "n", "body");
    if (!from || !to) return undefined;
    return {
      from: text(from),
      to: text(to),
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

  /** Everything up to this ledger id is settled: the consumer's trim floor. */
  async settledUpTo(): Promise<LedgerId | undefined> {
    const reply = await this.redis
      .multi()
      .hget(this.keys.state, "cursor")
      .zrange(this.keys.open, "0", "0", "WITHSCORES")
      .exec();
    const cursor = reply?.[0]?.[1] as string | null;
    const oldest = (reply?.[1]?.[1] as string[] | undefined)?.[1];
    if (cursor === null || cursor === undefined) return undefined;
    return oldest !== undefined && Number(oldest) <= recordedAt(cursor) ? `${oldest}-0` : cursor;
  }

  async counts(): Promise<DeliveryCounts> {
    const reply = await this.redis
      .multi()
      .hmget(this.keys.state, "cursor", "ordinal", "owed", "acked", "skipped", "dead")
      .zcard(this.keys.schedule)
      .exec();
    const [cursor, ordinal, open, acked, skipped, dead] = (reply?.[0]?.[1] ?? []) as (string | null)[];
    return {
      cursor: cursor ?? "0-0",
      ordinal: Number(ordinal ?? 0),
      open: Number(open ?? 0),
      acked: Number(acked ?? 0),
      skipped: Number(skipped ?? 0),
      dead: Number(dead ?? 0),
      scheduledRuns: Number(reply?.[1]?.[1] ?? 0),
    };
  }

  private run(script: Script, ...args: ScriptArgument[]): Promise<ScriptReply> {
    return script.run(this.redis, [this.keys.state], [this.keys.prefix, ...args]);
  }
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
    rest: text(reply[11]),
    waiting: Number(reply[12] ?? 0),
  };
}

function pairs(flat: readonly ScriptReply[]): PendingTicket[] {
  const tickets: PendingTicket[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2)
    tickets.push({ ticket: text(flat[i]), due: Number(text(flat[i + 1])) });
  return tickets;
}
