import type { Redis } from "ioredis";
import { countersKey, ledgerLossesKey } from "../redis/keys.js";
import { beforeAll, compareIds, type LedgerId, recordedAt } from "../redis/ledger-id.js";

/** A ledger that ends before an entry it had confirmed. */
export interface LedgerLoss {
  readonly topic: string;
  /** An entry that had been confirmed. */
  readonly known: LedgerId;
  /** What came after this entry was lost. */
  readonly end: LedgerId;
  /** RFC 3339: when it was noticed. */
  readonly at: string;
}

export interface LedgerLossLog {
  error(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
}

/** Sent again from this much earlier (ms): the clocks of producers are not Redis's. */
const marginMs = 60_000;

/** What Redis lost of what it had acknowledged; told by every sidecar until an operator has seen to it. */
export class LedgerLosses {
  private unsaved: LedgerLoss[] = [];
  private saving: Promise<void> | undefined;

  /** `sidecar`: whose finding it is; each writes its own. */
  constructor(
    private readonly redis: Redis,
    private readonly sidecar: string,
    private readonly log: LedgerLossLog,
  ) {}

  /** Says it in the log at once and keeps it in Redis as soon as that can be. */
  report(loss: Omit<LedgerLoss, "at">): void {
    this.log.error("ledger_went_back: Redis lost events that it had acknowledged; send them again", {
      ...loss,
      since: sinceOf(loss.end),
    });
    this.unsaved.push({ ...loss, at: new Date().toISOString() });
    void this.save();
  }

  /** Keeps what could not be written at first; joined while it runs. */
  save(): Promise<void> {
    this.saving ??= this.saveAll()
      .catch((error: unknown) => {
        this.log.warn("keeping what the ledger lost failed; it is tried again", { error: String(error) });
      })
      .finally(() => {
        this.saving = undefined;
      });
    return this.saving;
  }

  /** One loss a topic: from the earliest end to the latest entry known. */
  async list(): Promise<LedgerLoss[]> {
    const kept = Object.values(await this.redis.hgetall(ledgerLossesKey));
    const losses = [...kept.map((text) => JSON.parse(text) as LedgerLoss), ...this.unsaved];
    const byTopic = new Map<string, LedgerLoss>();
    for (const loss of losses) byTopic.set(loss.topic, joined(byTopic.get(loss.topic), loss));
    return [...byTopic.values()];
  }

  /** An operator has had them sent again, or knows that nothing is to be sent. Resolves to the topics. */
  async acknowledge(): Promise<string[]> {
    await this.save();
    const topics = (await this.list()).map(({ topic }) => topic);
    await this.redis.del(ledgerLossesKey);
    return topics;
  }

  private async saveAll(): Promise<void> {
    while (this.unsaved.length > 0) {
      const loss = this.unsaved[0]!;
      const field = `${loss.topic} ${this.sidecar}`;
      const before = await this.redis.hget(ledgerLossesKey, field);
      const known = before === null ? undefined : (JSON.parse(before) as LedgerLoss);
      await this.redis
        .multi()
        .hset(ledgerLossesKey, field, JSON.stringify(joined(known, loss)))
        .hincrby(countersKey, "ledger.went_back", 1)
        .exec();
      this.unsaved.shift();
    }
  }
}

/** What an operator reads: what was lost, and what to do. */
export function lossInWords({ topic, known, end }: LedgerLoss): string {
  const place = end === beforeAll ? "its beginning" : `${end} (${timeOf(recordedAt(end))})`;
  const since = sinceOf(end);
  const window = since === undefined ? "all that they still have" : `what they sent since ${since}`;
  const relay = since === undefined ? "7d" : since;
  return (
    `ledger_went_back: the ledger of ${topic} had events up to ${known} (${timeOf(recordedAt(known))}) and went back to ${place}: ` +
    `Redis lost what it had acknowledged (a crash, a failover, or a restored copy). Have producers send again ${window} with the same ids ` +
    `(Laravel's outbox: php artisan hms-sync:relay --since=${relay}); then: hms-sync status --acknowledge`
  );
}

function sinceOf(end: LedgerId): string | undefined {
  return end === beforeAll ? undefined : timeOf(recordedAt(end) - marginMs);
}

function joined(one: LedgerLoss | undefined, other: LedgerLoss): LedgerLoss {
  if (one === undefined) return other;
  return {
    ...one,
    known: compareIds(one.known, other.known) > 0 ? one.known : other.known,
    end: compareIds(one.end, other.end) < 0 ? one.end : other.end,
  };
}

/** RFC 3339 in whole seconds. */
export function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
