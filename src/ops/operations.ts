import type { Redis } from "ioredis";
import { HmsSyncError } from "../errors.js";
import { countersKey } from "../redis/keys.js";
import { lossInWords } from "./ledger-losses.js";
import { removedInWords } from "./removed-events.js";
import type { OperatedCounts, OperatedQueue, OperationsParts, RegistryFacts } from "./types.js";

/** What operators see and do. Nothing here is needed for an event to pass. */
export class SidecarOperations {
  constructor(private readonly parts: OperationsParts) {}

  /** The whole state in one JSON object; `state` is `ok`, or `red` with the reasons in `problems`. */
  async status(): Promise<Record<string, unknown>> {
    const registry = this.parts.registry();
    const [redis, intake, topics, leaving, counters, rejects, losses, removed, durability] =
      await Promise.all([
        memoryOf(this.parts.redis),
        this.parts.intake(),
        this.topics(),
        this.leaving(),
        this.parts.redis.hgetall(countersKey),
        this.parts.rejects.count(),
        this.parts.losses.list(),
        this.parts.removedEvents(),
        this.parts.durability(),
      ]);
    const problems = [
      ...this.parts.problems(),
      ...registryProblems(registry),
      ...memoryProblems(redis),
      ...(durability.refusal === undefined ? [] : [durability.refusal]),
      ...losses.map(lossInWords),
      ...removed.map(removedInWords),
    ];
    return {
      state: problems.length === 0 ? "ok" : "red",
      problems,
      registry,
      redis: { ...redis, durability: durability.level },
      sidecars: this.parts.sidecars(),
      intake: { ...intake, counters: numbers(counters) },
      rejects,
      topics,
      leaving,
      ledger_went_back: losses,
      events_removed: removed,
    };
  }

  /** An operator has seen to what the ledgers lost or had removed; resolves to their topics. */
  async acknowledgeLosses(): Promise<{ acknowledged: readonly string[] }> {
    const removed = await this.parts.removedEvents();
    await this.parts.acknowledgeRemoved(removed);
    const lost = await this.parts.losses.acknowledge();
    return { acknowledged: [...new Set([...lost, ...removed.map(({ topic }) => topic)])] };
  }

  async rejects(limit: number): Promise<unknown[]> {
    const rejects = await this.parts.rejects.newest(limit);
    return rejects.map(({ original, originalBytes, ...reject }) => ({
      ...reject,
      original_bytes: originalBytes,
      original: original.toString("utf8"),
      original_base64: original.toString("base64"),
    }));
  }

  async deadLetters(filter: { topic?: string; consumer?: string; limit: number }): Promise<unknown[]> {
    const queues = this.parts
      .queues()
      .filter(
        ({ topic, consumer }) =>
          (filter.topic ?? topic) === topic && (filter.consumer ?? consumer) === consumer,
      );
    const letters = await Promise.all(
      queues.map(async (queue) => {
        const { topic, consumer } = queue;
        return (await queue.deadLetters(filter.limit)).map((letter) => ({ topic, consumer, ...letter }));
      }),
    );
    return letters
      .flat()
      .sort((a, b) => b.at.localeCompare(a.at))
      .slice(0, filter.limit);
  }

  /** Owes dead letters again; ids that do not exist are left out of the answer. 404 when there is no such delivery. */
  async redrive(
    topic: string,
    consumer: string,
    ids: readonly string[] | "all",
  ): Promise<{ redriven: string[] }> {
    const queue = this.parts.queues().find((each) => each.topic === topic && each.consumer === consumer);
    if (queue === undefined) {
      throw new HmsSyncError("unknown_delivery", `${consumer} is not a consumer of ${topic} in topics.yaml`, {
        status: 404,
      });
    }
    if (ids !== "all") return { redriven: await queue.redrive(ids) };
    const letters = await queue.deadLetters(10_000);
    return { redriven: await queue.redrive(letters.map(({ id }) => id).reverse()) };
  }

  private async leaving(): Promise<unknown[]> {
    const leaving = await this.parts.leaving();
    return leaving.map(({ topic, consumer, owed, counts }) => {
      const { dead, cursor } = counts;
      return { topic, consumer, owed, dead, cursor };
    });
  }

  private async topics(): Promise<Record<string, unknown>> {
    const described = await Promise.all(
      this.parts.topics().map(async (topic) => {
        const { last, total, kept } = await this.parts.tail(topic.name);
        const queues = this.parts.queues().filter((queue) => queue.topic === topic.name);
        const consumers = await Promise.all(
          queues.map(async (queue) => [queue.consumer, await deliveryOf(queue, total)] as const),
        );
        const { qos, version, retentionMs } = topic;
        return [
          topic.name,
          {
            qos,
            version,
            retention_ms: retentionMs,
            recorded: total,
            kept,
            last,
            consumers: Object.fromEntries(consumers),
          },
        ] as const;
      }),
    );
    return Object.fromEntries(described);
  }
}

async function deliveryOf(queue: OperatedQueue, total: number): Promise<Record<string, unknown>> {
  const counts = await queue.counts();
  const { open, acked, skipped, dead, removed, parked, scheduledRuns, cursor, replay } = counts;
  const catchingUp = catchingUpOf(counts);
  return {
    version: queue.version,
    owed: owedOf(counts, total),
    open,
    acked,
    skipped,
    dead,
    removed,
    parked,
    scheduled_runs: scheduledRuns,
    waiting_pulls: queue.waiting,
    cursor,
    ...(catchingUp === undefined ? {} : { catching_up: catchingUp }),
    ...(replay === undefined ? {} : { replay }),
  };
}

function owedOf({ open, ordinal }: OperatedCounts, total: number): number {
  return open + Math.max(0, total - ordinal);
}

/** How many a newcomer has settled of what the ledger kept when it joined; undefined once it has passed that. */
function catchingUpOf({ ordinal, open, replayed, joinedAt, joinedTotal }: OperatedCounts) {
  const settled = ordinal - (open - replayed);
  if (settled >= joinedTotal) return undefined;
  return { done: Math.max(0, settled - joinedAt), of: joinedTotal - joinedAt };
}

function registryProblems({ refused }: RegistryFacts): string[] {
  if (refused === undefined) return [];
  const more = refused.problems.length > 1 ? ` (and ${refused.problems.length - 1} more)` : "";
  return [
    `topics.yaml was changed at ${refused.at} and refused, the registry before it is in force: ${refused.problems[0]}${more}; correct the file`,
  ];
}

interface Memory {
  readonly used_bytes: number;
  /** 0 = no limit. */
  readonly max_bytes: number;
}

async function memoryOf(redis: Redis): Promise<Memory> {
  const info = await redis.info("memory");
  const read = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1] ?? 0);
  return { used_bytes: read("used_memory"), max_bytes: read("maxmemory") };
}

/** Shouts at four fifths of Redis's memory; at its end Redis refuses, and so does the bus. */
function memoryProblems({ used_bytes, max_bytes }: Memory): string[] {
  if (max_bytes === 0 || used_bytes < max_bytes * 0.8) return [];
  const percent = Math.floor((used_bytes / max_bytes) * 100);
  return [
    `Redis uses ${percent} % of its maxmemory; owed events are never trimmed, so raise it or let consumers catch up`,
  ];
}

function numbers(counters: Record<string, string>): Record<string, number> {
  return Object.fromEntries(Object.entries(counters).map(([name, value]) => [name, Number(value)]));
}
