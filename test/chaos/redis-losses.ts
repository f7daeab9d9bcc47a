import { statSync, truncateSync } from "node:fs";
import { eventually } from "../support/eventually.js";
import type { Random } from "./random.js";
import type { Fault, World } from "./world.js";
import { TOPICS } from "./world-topics.js";

/** One time that Redis forgot what it had acknowledged, and what came of it. Times are ms since the epoch. */
export interface Loss {
  /** When Redis died. */
  readonly at: number;
  /** Topics whose ledger is known to have gone back. */
  readonly topics: readonly string[];
  /** What the status told of it; undefined while nobody has looked. */
  told: readonly Told[] | undefined;
  /** Ids of the events that were sent again, because the bus said so. */
  readonly sentAgain: Set<string>;
}

/** A line of the status: the topic, and the argument of the relay's `--since` in it. */
export interface Told {
  readonly topic: string;
  readonly since: string;
}

/** The bus has to say what it lost within this time (ms). */
export const TOLD_WITHIN_MS = 20_000;

/** Above this many events an empty Redis could not be refilled and drained in the time of I8 on two cores. */
const MOST_TO_REFILL = 2_000;

/*
 * Sidecars have to be there to notice: what only the intake held, and no sidecar had read, nobody but Redis has ever known of.
 */
const touches = ["redis", "network of redis", "sidecar-1", "sidecar-2"];

/** Redis dies, comes back without its latest writes, and goes on as if nothing had happened. */
function redisForgets(name: string, forget: (world: World, random: Random) => void): Fault {
  return {
    name,
    touches,
    weight: 3,
    async inject(world, random) {
      const { redis, redisProxy, losses } = world;
      const before = await endsOf(world);
      await redis.kill9();
      const at = Date.now();
      forget(world, random);
      return async () => {
        redisProxy.cut(); // nothing is recorded before it is seen where the ledgers end
        await redis.start();
        const after = await endsOf(world);
        losses.push({ at, topics: lower(before, after), told: undefined, sentAgain: new Set() });
        redisProxy.heal();
      };
    },
  };
}

/** As a crash of the machine does with appendfsync everysec: the end of the file was never on the disk. */
function cutTail({ redis }: World, random: Random): void {
  const { size } = statSync(redis.aofTail);
  truncateSync(redis.aofTail, Math.max(Math.floor(size / 2), size - random.integer(20_000, 300_000)));
}

export const redisLosses: readonly Fault[] = [
  redisForgets("the tail of the append-only file is cut off", cutTail),
  redisForgets("Redis comes back empty", (world, random) => {
    if (world.log.operations.length > MOST_TO_REFILL) cutTail(world, random);
    else world.redis.wipe();
  }),
];

/** Where the ledger of each topic ends. */
async function endsOf({ redis }: World): Promise<ReadonlyMap<string, string>> {
  const ends = await Promise.all(
    TOPICS.map(async (topic) => {
      const entries = await redis.client.xrevrange(`hms-sync:ledger:{${topic}}:events`, "+", "-", "COUNT", 1);
      return [topic, entries[0]?.[0] ?? "0-0"] as const;
    }),
  );
  return new Map(ends);
}

function lower(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...before].filter(([topic, end]) => isBefore(after.get(topic)!, end)).map(([topic]) => topic);
}

function isBefore(one: string, other: string): boolean {
  const [ms = 0, n = 0] = one.split("-").map(Number);
  const [otherMs = 0, otherN = 0] = other.split("-").map(Number);
  return ms < otherMs || (ms === otherMs && n < otherN);
}

/**
 * What an operator does when the bus says that a ledger went back: has producers send again what it names, then acknowledges it.
 * Publishing is paused, and what was under way is settled. Resolves when that is done, or when the bus has said nothing in time.
 */
export async function refillWhatWasTold(world: World): Promise<void> {
  const pending = world.losses.filter(({ told }) => told === undefined);
  if (pending.length === 0) return;
  const topics = new Set(pending.flatMap((loss) => loss.topics));
  const told = await toldOf(world, topics);
  for (const loss of pending) loss.told = told;
  const since = earliest(told);
  if (since === undefined) return;
  const again = [
    ...(await world.producer.refill(since.ms)),
    ...((await world.laravel?.node.refill(since.text)) ?? []),
  ];
  for (const loss of pending) for (const id of again) loss.sentAgain.add(id);
  await world.sidecars[0]!.call("POST", "/v1/ledger-losses/acknowledge", {});
}

/** What the status tells, as soon as it tells of all of these topics, or when the time is up. */
async function toldOf(world: World, topics: ReadonlySet<string>): Promise<Told[]> {
  let told: Told[] = [];
  const tellsAll = async () => {
    told = await tellings(world);
    return [...topics].every((topic) => told.some((each) => each.topic === topic));
  };
  await eventually(tellsAll, { timeoutMs: TOLD_WITHIN_MS, everyMs: 100 }).catch(() => undefined); // the checker says so
  return told;
}

export async function tellings({ sidecars }: World): Promise<Told[]> {
  const { body } = await sidecars[0]!.call("GET", "/v1/status");
  const text: string = (body.problems ?? []).join("\n");
  const lines = text.matchAll(/ledger_went_back: the ledger of (\S+) had .*? --since=([^\s)]+)\)/g);
  return [...lines].map(([, topic = "", since = ""]) => ({ topic, since }));
}

/** A loss without a date is one of everything. */
function earliest(told: readonly Told[]): { ms: number; text: string } | undefined {
  const times = told.map(({ since }) => ({
    ms: Number.isNaN(Date.parse(since)) ? 0 : Date.parse(since),
    text: since,
  }));
  return times.sort((one, other) => one.ms - other.ms)[0];
}
