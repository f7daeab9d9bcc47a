import type { Redis } from "ioredis";
import { HmsSyncError } from "../errors.js";
import { ledgerKeys } from "../redis/keys.js";
import { beforeAll, compareIds, type LedgerId } from "../redis/ledger-id.js";
import { valuesOf } from "../redis/replies.js";
import { list, Script, text } from "../redis/scripts.js";
import { HighWater, type HighWaterMark, type WentBack } from "./high-water.js";
import type {
  Ledger,
  LedgerEntry,
  LedgerStretch,
  LedgerTail,
  RecordableEvent,
  Recorded,
  RecordOptions,
  TrimFloors,
} from "./ledger.js";
import { RecentEntries } from "./recent-entries.js";

/** The scripts behind the ledger; a parameter, so that a test can show that each check in them is needed. */
export interface LedgerScripts {
  readonly record: Script;
  readonly trim: Script;
  readonly floor: Script;
  readonly count: Script;
}

export function loadLedgerScripts(): LedgerScripts {
  const load = (name: string) => Script.load(import.meta.url, name);
  return { record: load("record"), trim: load("trim"), floor: load("floor"), count: load("count") };
}

/** Entries that are counted in one step, so that Redis answers others in between. */
const countedAtOnce = 2_000;

type StreamEntries = [id: Buffer, fields: Buffer[]][];

/** The ledger in Redis Streams, one stream per topic, with the newest entries shared in memory. */
export class StreamLedger implements Ledger, TrimFloors {
  private readonly recent = new Map<string, RecentEntries>();
  private readonly highWater = new HighWater();
  /** Told, in the turn in which it is noticed, that Redis lost entries that it had confirmed. */
  onWentBack: (loss: WentBack) => void = () => {};

  constructor(
    private readonly redis: Redis,
    private readonly scripts: LedgerScripts = loadLedgerScripts(),
  ) {}

  async record(
    topic: string,
    events: readonly RecordableEvent[],
    options: RecordOptions,
  ): Promise<Recorded[]> {
    const keys = ledgerKeys(topic);
    const known = this.highWater.at(topic);
    const reply = list(
      await this.scripts.record.run(
        this.redis,
        [keys.stream, keys.meta, ...events.map((event) => `${keys.seen}${event.source}/${event.id}`)],
        [
          options.epoch ?? "",
          options.rememberMs,
          ...events.flatMap((event) => [event.digest, event.text, event.systems]),
        ],
      ),
    );
    if (text(reply[0]) === "fenced") throw fenced(topic, options.epoch, text(reply[1]));
    const recorded = events.map((_event, index) => recordedAt(reply, index));
    this.notice(topic, known, text(reply[1]));
    const last = recorded.findLast(({ status }) => status === "new");
    if (last !== undefined) this.notice(topic, last.ledgerId, last.ledgerId);
    this.remember(topic, text(reply[1]), events, recorded);
    return recorded;
  }

  async range(topic: string, after: LedgerId, to: LedgerId, limit: number): Promise<LedgerEntry[]> {
    const known = this.recent.get(topic)?.range(after, to, limit);
    if (known !== undefined) return known;
    const raw = (await this.redis.xrangeBuffer(
      ledgerKeys(topic).stream,
      `(${after}`,
      to,
      "COUNT",
      limit,
    )) as unknown as StreamEntries;
    return raw.map(([id, fields]) => ({
      id: id.toString("latin1"),
      body: fields[1]!,
      systems: fields[3]?.toString("latin1") ?? "",
    }));
  }

  async tail(topic: string): Promise<LedgerTail> {
    const keys = ledgerKeys(topic);
    const known = this.highWater.at(topic);
    // No MULTI: a Redis whose memory is full refuses reads in one, and how full it is should still be told.
    for (;;) {
      const [meta, kept, after] = await this.redis
        .pipeline()
        .hmget(keys.meta, "last", "total")
        .xlen(keys.stream)
        .hget(keys.meta, "total")
        .exec()
        .then(valuesOf);
      const [last, total] = meta as (string | null)[];
      if (total !== after) continue; // recorded in between
      this.notice(topic, known, last ?? beforeAll);
      this.highWater.count(topic, Number(total ?? 0));
      return { last: last ?? beforeAll, total: Number(total ?? 0), kept: Number(kept) };
    }
  }

  async count(topic: string, after: LedgerId, to: LedgerId): Promise<LedgerStretch> {
    let count = 0;
    let first: LedgerId | undefined;
    for (let last = after; ; ) {
      const args = [last, to, countedAtOnce];
      const reply = list(await this.scripts.count.run(this.redis, [ledgerKeys(topic).stream], args));
      const counted = Number(reply[0]);
      count += counted;
      if (counted > 0) {
        first ??= text(reply[1]);
        last = text(reply[2]);
      }
      if (counted === countedAtOnce) continue;
      return first === undefined ? { count } : { count, first, last };
    }
  }

  async first(topic: string): Promise<LedgerId | undefined> {
    const entries = await this.redis.xrange(ledgerKeys(topic).stream, "-", "+", "COUNT", 1);
    return entries[0]?.[0];
  }

  async trim(topic: string, keepFromMs: number, consumers: readonly string[]): Promise<number> {
    const keys = ledgerKeys(topic);
    const oldest = `${Math.max(0, Math.floor(keepFromMs))}-0`;
    const reply = list(
      await this.scripts.trim.run(this.redis, [keys.stream, keys.floors], [oldest, ...consumers]),
    );
    return Number(reply[0] ?? 0);
  }

  async raiseFloor(topic: string, holder: string, settledUpTo: LedgerId): Promise<void> {
    await this.scripts.floor.run(this.redis, [ledgerKeys(topic).floors], [holder, settledUpTo]);
  }

  async dropFloor(topic: string, holder: string): Promise<void> {
    await this.redis.hdel(ledgerKeys(topic).floors, holder);
  }

  async holders(topic: string): Promise<string[]> {
    return await this.redis.hkeys(ledgerKeys(topic).floors);
  }

  /** Reads all from Redis again: the next one to be connected to may not have what this one confirmed. */
  forgetRecent(): void {
    this.recent.clear();
  }

  /** Up to where each ledger is known to have been. */
  marks(): ReadonlyMap<string, HighWaterMark> {
    return this.highWater.all();
  }

  /**
   * Looks whether the ledger still has the entry `mark`, which was confirmed before: by this sidecar, or by one that ran
   * before it. Finds a loss also when more was recorded since; to be called after every new connection to Redis.
   */
  async verify(topic: string, mark?: HighWaterMark): Promise<void> {
    const { last: known, total: knownTotal } = mark ?? this.markOf(topic);
    if (known === beforeAll) return;
    const keys = ledgerKeys(topic);
    this.notice(topic, known, known); // the call begins at this mark
    const [meta, found, before] = await this.redis
      .pipeline()
      .hmget(keys.meta, "last", "total")
      .xrange(keys.stream, known, known)
      .xrevrange(keys.stream, `(${known}`, "-", "COUNT", 1)
      .exec()
      .then(valuesOf);
    const [last, total] = meta as (string | null)[];
    const end = last ?? beforeAll;
    const older = (before as [LedgerId, string[]][])[0]?.[0];
    if (compareIds(end, known) < 0) this.notice(topic, known, end);
    else if ((found as unknown[]).length > 0) return;
    // Trimming takes the oldest first: where an older entry is kept, this one was lost. Nor does it change the total.
    else if (older !== undefined || Number(total) < knownTotal) this.notice(topic, known, older ?? beforeAll);
  }

  private markOf(topic: string): HighWaterMark {
    return { last: this.highWater.at(topic), total: this.highWater.totalOf(topic) };
  }

  private notice(topic: string, known: LedgerId, end: LedgerId): void {
    const loss = this.highWater.compare(topic, known, end);
    if (loss === undefined) return;
    this.recent.delete(topic);
    this.onWentBack(loss);
  }

  private remember(
    topic: string,
    before: LedgerId,
    events: readonly RecordableEvent[],
    recorded: readonly Recorded[],
  ): void {
    const added: LedgerEntry[] = [];
    for (const [index, result] of recorded.entries()) {
      if (result.status !== "new") continue;
      const { text, systems } = events[index]!;
      added.push({ id: result.ledgerId, body: Buffer.from(text, "utf8"), systems });
    }
    const entries = this.recent.get(topic) ?? new RecentEntries();
    entries.append(before, added);
    this.recent.set(topic, entries);
  }
}

function recordedAt(reply: ReturnType<typeof list>, index: number): Recorded {
  const at = 3 + index * 2;
  return { status: text(reply[at]) as Recorded["status"], ledgerId: text(reply[at + 1]) };
}

function fenced(topic: string, epoch: number | undefined, current: string): HmsSyncError {
  return new HmsSyncError(
    "fenced",
    `intake epoch ${epoch} of topic ${topic} was superseded by epoch ${current}; this reader stops without acknowledging`,
    { status: 503, retryable: true, details: { topic, epoch, current } },
  );
}
