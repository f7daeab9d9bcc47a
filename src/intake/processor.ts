import type { Redis } from "ioredis";
import { HmsSyncError } from "../errors.js";
import { countersKey } from "../redis/keys.js";
import type { Probes } from "./probes.js";
import type { Reject, Rejects } from "./rejects.js";
import type { IntakeEvent, IntakeLedger, IntakeLog, IntakeOutcome, RawMessage } from "./types.js";

export interface ProcessorParts {
  readonly redis: Redis;
  readonly ledger: IntakeLedger;
  readonly rejects: Pick<Rejects, "add">;
  readonly probes: Pick<Probes, "add">;
  /** How long the topic's ids are remembered (ms). */
  readonly rememberMs: (topic: string) => number;
  /** Told the ledger's new end of a topic. */
  readonly onRecorded: (topic: string, last: string) => void;
  readonly log: IntakeLog;
}

interface Sorted {
  readonly byTopic: Map<string, { event: IntakeEvent; message: RawMessage }[]>;
  readonly rejects: Reject[];
  readonly probes: string[];
  ignored: number;
  empty: number;
}

/**
 * Brings messages of a door into the ledger: what is an event is recorded, what is not is kept as a reject. When it
 * resolves, all of it is stored and the door may acknowledge; when it rejects, nothing may be acknowledged.
 */
export class IntakeProcessor {
  constructor(private readonly parts: ProcessorParts) {}

  async process(door: "stream" | "pubsub", messages: readonly RawMessage[], epoch: number): Promise<void> {
    const sorted = this.sort(door, messages);
    // Commands are issued in this turn, so batches reach the ledger in the order they were read.
    const recording = [...sorted.byTopic].map(([topic, entries]) => this.record(door, topic, entries, epoch));
    const conflicts = (await settleAll(recording)).flat();
    const rejects = [...sorted.rejects, ...conflicts];
    await this.parts.rejects.add(rejects);
    await this.parts.probes.add(sorted.probes);
    await this.count(door, messages.length, rejects, sorted);
  }

  private sort(door: string, messages: readonly RawMessage[]): Sorted {
    const sorted: Sorted = { byTopic: new Map(), rejects: [], probes: [], ignored: 0, empty: 0 };
    for (const message of messages) {
      const outcome = this.read(door, message, sorted);
      if (outcome === undefined) continue;
      if (outcome.probe !== undefined) sorted.probes.push(outcome.probe);
      sorted.ignored += outcome.ignored.length;
      for (const { code, reason, channel } of outcome.rejects) {
        sorted.rejects.push(rejectOf(door, message, code, reason, outcome.source, channel));
      }
      for (const event of outcome.events) {
        const entries = sorted.byTopic.get(event.topic) ?? [];
        entries.push({ event, message });
        sorted.byTopic.set(event.topic, entries);
      }
    }
    return sorted;
  }

  private read(door: string, message: RawMessage, sorted: Sorted): IntakeOutcome | undefined {
    try {
      return message.read();
    } catch (error) {
      const code = error instanceof HmsSyncError ? error.code : "internal_error";
      const reason = error instanceof Error ? error.message : String(error);
      if (code === "empty_message") {
        sorted.empty++;
        this.parts.log.error(
          "Laravel published an empty message: an event's data could not be encoded (bad UTF-8 or INF) and is lost; use the hms-sync driver, which throws instead",
          { door, channel: message.channel },
        );
      }
      sorted.rejects.push(rejectOf(door, message, code, reason, "", message.channel));
      return undefined;
    }
  }

  private async record(
    door: string,
    topic: string,
    entries: readonly { event: IntakeEvent; message: RawMessage }[],
    epoch: number,
  ): Promise<Reject[]> {
    const events = entries.map(({ event }) => event);
    const recorded = await this.parts.ledger.record(topic, events, {
      rememberMs: this.parts.rememberMs(topic),
      epoch,
    });
    const last = recorded.findLast(({ status }) => status === "new");
    if (last !== undefined) this.parts.onRecorded(topic, last.ledgerId);
    return entries.flatMap(({ event, message }, index) =>
      recorded[index]!.status === "conflict"
        ? [rejectOf(door, message, "id_reused", reusedId(event), event.source, topic)]
        : [],
    );
  }

  private async count(door: string, read: number, rejects: readonly Reject[], sorted: Sorted): Promise<void> {
    const counters: [string, number][] = [
      // What came through the stream is in the ledger or among the rejects; of pub/sub nothing else keeps count.
      [`${door}.read`, door === "pubsub" ? read : 0],
      [`${door}.rejected`, rejects.length],
      [`${door}.ignored`, sorted.ignored],
      [`${door}.empty`, sorted.empty],
    ];
    const counted = counters.filter(([, value]) => value > 0);
    if (counted.length === 0) return;
    const pipeline = this.parts.redis.pipeline();
    for (const [name, value] of counted) pipeline.hincrby(countersKey, name, value);
    await pipeline.exec();
    if (rejects.length > 0) {
      const codes = [...new Set(rejects.map(({ code }) => code))];
      this.parts.log.warn("events rejected; see: hms-sync rejects", {
        door,
        rejected: rejects.length,
        codes,
      });
    }
  }
}

function rejectOf(
  door: string,
  message: RawMessage,
  code: string,
  reason: string,
  source: string,
  channel?: string,
): Reject {
  return { code, reason, door, source, channel: channel ?? message.channel, original: message.original };
}

function reusedId(event: IntakeEvent): string {
  return `topic ${event.topic} has an event ${event.id} of ${event.source} with another body; give each event an id of its own`;
}

// Waits for all before it fails, so that nothing is still being written when the caller starts over.
async function settleAll<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(work);
  const failed = settled.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}
