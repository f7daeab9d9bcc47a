import type { Redis } from "ioredis";
import { HmsSyncError } from "../errors.js";
import { ledgerKeys } from "../redis/keys.js";
import { beforeAll, compareIds, type LedgerId } from "../redis/ledger-id.js";
import { list, Script, text } from "../redis/scripts.js";
import { HighWater, type WentBack } from "./high-water.js";
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
    const reply = await this.redis.multi().hmget(keys.meta, "last", "total").xlen(keys.stream).exec();
    const [last, total] = (reply?.[0]?.[1] ?? []) as (string | null)[];
    this.notice(topic, known, last ?? beforeAll);
    return { last: last ?? beforeAll, total: Number(total ?? 0), kept: Number(reply?.[1]?.[1] ?? 0) };
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

  /** Up to where each ledger is known to have been. */
  marks(): ReadonlyMap<string, LedgerId> {
    return this.highWater.all();
  }

  /**
   * Looks whether the ledger still has the entry `mark`, which was confirmed before: by this sidecar, or by one that ran
   * before it. Finds a loss also when more was recorded since; to be called after every new connection to Redis.
   */
  async verify(topic: string, mark: LedgerId = this.highWater.at(topic)): Promise<void> {
    if (mark === beforeAll) return;
    const keys = ledgerKeys(topic);
    this.notice(topic, mark, mark); // the call begins at this mark
    const reply = await this.redis
      .multi()
      .hget(keys.meta, "last")
      .xrange(keys.stream, mark, mark)
      .xrevrange(keys.stream, `(${mark}`, "-", "COUNT", 1)
      .exec();
    const [last, found, before] = (reply ?? []).map(([, value]) => value);
    const end = (last ?? beforeAll) as LedgerId;
    if (compareIds(end, mark) < 0) return this.notice(topic, mark, end);
    const older = (before as [LedgerId, string[]][])[0]?.[0];
    // Trimming takes the oldest first: where an older entry is kept, this one was lost.
    if ((found as unknown[]).length === 0 && older !== undefined) this.notice(topic, mark, older);
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
