import type { Redis } from "ioredis";
import { type DeliveryKeys, deliveryKeys } from "../redis/keys.js";
import { compareIds, justBefore, type LedgerId } from "../redis/ledger-id.js";
import { cameThrough, maxRun, owedIndexes } from "./settlement.js";
import type { LedgerReader } from "./types.js";

/** An event that is still owed. */
export interface OwedEvent {
  /** Undefined for an event that was redriven from a dead letter. */
  readonly ledgerId?: LedgerId;
  /** Its envelope; undefined when the ledger does not hold it any more. */
  readonly body: Buffer | undefined;
}

export interface LeftDeadLetter {
  readonly id: string;
  readonly reason: string;
  readonly attempts: number;
  readonly envelope: Buffer;
}

interface OpenRun {
  readonly from: LedgerId;
  readonly to: LedgerId;
  readonly skip: number;
  readonly states: string;
  readonly body: Buffer;
}

/** Records, and events of a ledger, that are read at once. */
const recordsAtOnce = 50;
const eventsAtOnce = 100;

/** What a consumer that is served no longer has left of a topic: read in pages, changed by nothing here. */
export class LeftDelivery {
  private readonly keys: DeliveryKeys;
  /** The cut that was read last: events of a run that came apart are many records of one cut. */
  private cut: { name: string; entries: OwedEvent[] } = { name: "", entries: [] };

  constructor(
    private readonly redis: Redis,
    private readonly ledger: Pick<LedgerReader, "range" | "tail">,
    readonly consumer: string,
    readonly topic: string,
  ) {
    this.keys = deliveryKeys(consumer, topic);
  }

  /** Differs from an earlier one when a record was made, settled or removed in between. */
  async fingerprint(): Promise<string> {
    const counters = ["cursor", "sequence", "block_sequence", "owed", "acked", "dead", "retiring"];
    return (await this.redis.hmget(this.keys.state, ...counters)).join(" ");
  }

  /** All that is owed, in pages: what was cut and is open, what waits for its key, what was never cut. */
  async *owed(): AsyncGenerator<OwedEvent[]> {
    const { last } = await this.ledger.tail(this.topic);
    for await (const run of this.openRuns()) yield await this.eventsOf(run);
    yield* this.parked();
    yield* this.uncut(last);
  }

  /** The dead letters in pages, the oldest first. */
  async *deadLetters(): AsyncGenerator<LeftDeadLetter[]> {
    for (let after = "-"; ; ) {
      const page = await this.redis.xrangeBuffer(this.keys.dead, after, "+", "COUNT", eventsAtOnce);
      if (page.length === 0) return;
      yield page.map(([id, fields]) => deadLetter(id!.toString(), fields as unknown as Buffer[]));
      after = `(${page.at(-1)![0]!.toString()}`;
    }
  }

  private async *openRuns(): AsyncGenerator<OpenRun> {
    for (let at = 0; ; at += recordsAtOnce) {
      const ids = await this.redis.zrange(this.keys.open, String(at), String(at + recordsAtOnce - 1));
      if (ids.length === 0) return;
      const runs = await Promise.all(ids.map((id) => this.openRun(id)));
      yield* runs.filter((run) => run !== undefined);
    }
  }

  private async openRun(id: string): Promise<OpenRun | undefined> {
    const key = `${this.keys.prefix}run:${id}`;
    const [from, to, skip, states, body] = await this.redis.hmgetBuffer(
      key,
      "from",
      "to",
      "skip",
      "states",
      "body",
    );
    if (!from || !to || !states) return undefined;
    const range = { from: from.toString(), to: to.toString(), skip: Number(skip?.toString()) };
    return { ...range, states: states.toString("latin1"), body: body ?? Buffer.alloc(0) };
  }

  private async eventsOf(run: OpenRun): Promise<OwedEvent[]> {
    if (run.body.length > 0) return [{ body: run.body }];
    const entries = await this.entriesOf(run);
    return owedIndexes(run.states).map((index) => entries[run.skip + index] ?? { body: undefined });
  }

  private async entriesOf({ from, to }: OpenRun): Promise<OwedEvent[]> {
    const name = `${from} ${to}`;
    if (this.cut.name !== name) {
      const entries = await this.ledger.range(this.topic, from, to, maxRun);
      this.cut = { name, entries: entries.map(({ id, body }) => ({ ledgerId: id, body })) };
    }
    return this.cut.entries;
  }

  // Their number is bounded (see order.lua); only their ids are held.
  private async *parked(): AsyncGenerator<OwedEvent[]> {
    // In the order in which they move, so that none is missed between the two.
    const waiting = await this.redis.zrange(this.keys.parked, "0", "-1");
    const freed = await this.redis.zrange(this.keys.freed, "0", "-1");
    const named = [...waiting, ...freed].map((member) => member.slice(member.lastIndexOf(":") + 1));
    const ids = [...new Set(named)].sort(compareIds);
    for (let at = 0; at < ids.length; at += eventsAtOnce) {
      yield await Promise.all(ids.slice(at, at + eventsAtOnce).map((id) => this.eventAt(id)));
    }
  }

  private async eventAt(ledgerId: LedgerId): Promise<OwedEvent> {
    const [entry] = await this.ledger.range(this.topic, justBefore(ledgerId), ledgerId, 1);
    return { ledgerId, body: entry?.body };
  }

  private async *uncut(last: LedgerId): AsyncGenerator<OwedEvent[]> {
    const cursor = await this.redis.hget(this.keys.state, "cursor");
    for (let after = cursor ?? last; compareIds(after, last) < 0; ) {
      const entries = await this.ledger.range(this.topic, after, last, eventsAtOnce);
      if (entries.length === 0) return;
      yield entries
        .filter(({ systems }) => !cameThrough(this.consumer, systems))
        .map(({ id, body }) => ({ ledgerId: id, body }));
      after = entries.at(-1)!.id;
    }
  }
}

function deadLetter(id: string, flat: readonly Buffer[]): LeftDeadLetter {
  const fields = new Map<string, Buffer>();
  for (let i = 0; i + 1 < flat.length; i += 2) fields.set(flat[i]!.toString(), flat[i + 1]!);
  return {
    id,
    reason: fields.get("reason")?.toString() ?? "",
    attempts: Number(fields.get("attempts")?.toString() ?? 0),
    envelope: fields.get("envelope") ?? Buffer.alloc(0),
  };
}
