import type { Redis } from "ioredis";
import type { DeliveryKeys } from "../redis/keys.js";
import { compareIds, type LedgerId, recordedAt } from "../redis/ledger-id.js";
import { maxRun, owedIndexes } from "./settlement.js";
import type { LedgerReader } from "./types.js";

/** Records that are read at once. */
const recordsAtOnce = 100;

interface OpenRun {
  readonly from: LedgerId;
  readonly to: LedgerId;
  readonly skip: number;
  readonly states: string;
}

/**
 * The ledger ids, in pages, of all events up to `to` that are owed from the first look on to the last; some that are
 * settled meanwhile may be among them. An event moves from record to record while it is worked on, always to a
 * later one, so what was made since the last look is looked at again until there is nothing.
 */
export async function* openEvents(
  redis: Redis,
  ledger: Pick<LedgerReader, "range">,
  keys: DeliveryKeys,
  topic: string,
  to: LedgerId,
): AsyncGenerator<LedgerId[]> {
  const upTo = (ids: LedgerId[]) => ids.filter((id) => compareIds(id, to) <= 0);
  // In the order in which events move: parked, freed, in a run.
  for (const waiting of [keys.parked, keys.freed]) {
    const members = await redis.zrange(waiting, "0", "-1");
    const ids = members.map((member) => member.slice(member.lastIndexOf(":") + 1));
    for (let at = 0; at < ids.length; at += maxRun) yield upTo(ids.slice(at, at + maxRun));
  }
  for (let seen = 0; ; ) {
    const reply = await redis
      .multi()
      .hget(keys.state, "sequence")
      .zrangebyscore(keys.open, "-inf", recordedAt(to))
      .exec();
    const runs = ((reply?.[1]?.[1] ?? []) as string[]).filter((run) => Number(run.slice(1)) > seen);
    if (runs.length === 0) return;
    yield* idsIn(redis, ledger, keys, topic, runs, upTo);
    seen = Number(reply?.[0]?.[1] ?? 0);
  }
}

async function* idsIn(
  redis: Redis,
  ledger: Pick<LedgerReader, "range">,
  keys: DeliveryKeys,
  topic: string,
  runs: readonly string[],
  upTo: (ids: LedgerId[]) => LedgerId[],
): AsyncGenerator<LedgerId[]> {
  // Events of a run that came apart are many records of one cut.
  let cut: { name: string; ids: LedgerId[] } = { name: "", ids: [] };
  for (let at = 0; at < runs.length; at += recordsAtOnce) {
    const records = await readRuns(redis, keys, runs.slice(at, at + recordsAtOnce));
    const found: LedgerId[] = [];
    for (const { from, to, skip, states } of records) {
      if (cut.name !== `${from} ${to}`) {
        const entries = await ledger.range(topic, from, to, maxRun);
        cut = { name: `${from} ${to}`, ids: entries.map(({ id }) => id) };
      }
      found.push(...upTo(owedIndexes(states).flatMap((index) => cut.ids[skip + index] ?? [])));
    }
    for (let page = 0; page < found.length; page += maxRun) yield found.slice(page, page + maxRun);
  }
}

async function readRuns(redis: Redis, keys: DeliveryKeys, runs: readonly string[]): Promise<OpenRun[]> {
  const read = await Promise.all(
    runs.map((run) => redis.hmget(`${keys.prefix}run:${run}`, "from", "to", "skip", "states")),
  );
  return read.flatMap(([from, to, skip, states]) =>
    from && to && states ? [{ from, to, skip: Number(skip), states }] : [],
  );
}
