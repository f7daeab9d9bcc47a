import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import { intakeKey } from "../redis/keys.js";
import { streamFields } from "../redis/stream-fields.js";
import { Acknowledger } from "./acknowledger.js";
import type { IntakeProcessor } from "./processor.js";
import type { IntakeLog, IntakeOutcome, RawMessage } from "./types.js";

const group = "hms-sync";
/** One fixed name: whoever leads owns what an earlier leader had claimed. */
const reader = "reader";
const batchSize = 500;
const blockMs = 1_000;
/** On a busy belt, batches smaller than this wait `lingerMs` for company: each costs the same whatever its size. */
const smallBatch = 32;
const lingerMs = 4;
const batchesInFlight = 2;
/**
 * How often (ms) the leader looks for entries that are claimed but unread by it: a fenced reader that went on may have
 * taken some before it noticed.
 */
const pendingEveryMs = 1_000;

type StreamEntry = [id: Buffer, fields: Buffer[] | null];

export interface StreamDoorParts {
  readonly redis: Redis;
  /** A connection of its own: it blocks. */
  readonly blocking: Redis;
  readonly processor: IntakeProcessor;
  /** Parses and normalizes one entry's fields. */
  readonly read: (fields: Map<string, Buffer>) => IntakeOutcome;
  readonly log: IntakeLog;
}

/** The durable door: the stream that the PHP driver writes. An entry is acknowledged when the ledger has it. */
export class StreamDoor {
  constructor(private readonly parts: StreamDoorParts) {}

  /** Creates stream and group where they are missing. */
  async open(): Promise<void> {
    try {
      await this.parts.redis.xgroup("CREATE", intakeKey, group, "0", "MKSTREAM");
    } catch (error) {
      if (!String(error).includes("BUSYGROUP")) throw error;
    }
  }

  /** Entries not yet acknowledged. */
  async backlog(): Promise<number> {
    return await this.parts.redis.xlen(intakeKey);
  }

  /**
   * Reads until `signal` aborts: first what an earlier reader had in hand, then what is new. Rejects when an entry
   * could not be stored; it then stays pending for the next call.
   */
  async run(epoch: number, signal: AbortSignal): Promise<void> {
    await this.open(); // a Redis that came back empty has no group
    const failures: unknown[] = [];
    const { redis } = this.parts;
    const onFailure = (error: unknown) => void failures.push(error);
    const done = new Acknowledger({ redis, stream: intakeKey, group, onFailure });
    await this.readPending(epoch, signal, done);
    const unblock = await this.unblocker();
    signal.addEventListener("abort", unblock);
    // A reply that was lost with its connection leaves entries claimed and unread: they are pending, not new.
    let lost = false;
    const onLost = () => {
      lost = true;
    };
    this.parts.blocking.on("close", onLost);
    const inFlight = new Set<Promise<void>>();
    let lastRead = 0;
    let lookedAt = performance.now();
    try {
      while (!signal.aborted && failures.length === 0) {
        const entries = await this.readNew();
        if (signal.aborted || failures.length > 0) break; // unacknowledged: read again as pending
        if (lost || performance.now() - lookedAt > pendingEveryMs) {
          lost = false;
          await Promise.all(inFlight);
          // What was just read is among the pending, in its place.
          await this.readPending(epoch, signal, done);
          lookedAt = performance.now();
          continue;
        }
        if (entries.length === 0) continue;
        const handled: Promise<void> = this.handle(entries, epoch, done)
          .catch(onFailure)
          .finally(() => inFlight.delete(handled));
        inFlight.add(handled);
        if (inFlight.size >= batchesInFlight) await Promise.race(inFlight);
        if (entries.length < smallBatch && performance.now() - lastRead < lingerMs) await delay(lingerMs);
        lastRead = performance.now();
      }
    } finally {
      signal.removeEventListener("abort", unblock);
      this.parts.blocking.off("close", onLost);
      await Promise.all(inFlight);
      await done.flush().catch(onFailure);
    }
    if (failures.length > 0) throw failures[0];
  }

  // Ends the blocking read early, so that stopping does not wait for it.
  private async unblocker(): Promise<() => void> {
    const id = await this.parts.blocking.client("ID");
    return () => {
      this.parts.redis.client("UNBLOCK", id).catch((error: unknown) => {
        this.parts.log.warn("could not end the blocking read; it ends by itself", { error: String(error) });
      });
    };
  }

  private async readPending(epoch: number, signal: AbortSignal, done: Acknowledger): Promise<void> {
    await done.flush();
    let after = "0";
    while (!signal.aborted) {
      const reply = await this.parts.redis.xreadgroupBuffer(
        ...(["GROUP", group, reader, "COUNT", batchSize, "STREAMS", intakeKey, after] as const),
      );
      const entries = entriesOf(reply);
      if (entries.length === 0) return await done.flush();
      await this.handle(entries, epoch, done);
      after = entries.at(-1)![0].toString("latin1");
    }
  }

  private async readNew(): Promise<StreamEntry[]> {
    const reply = await this.parts.blocking.xreadgroupBuffer(
      ...(["GROUP", group, reader, "COUNT", batchSize, "BLOCK", blockMs, "STREAMS", intakeKey, ">"] as const),
    );
    return entriesOf(reply);
  }

  private async handle(entries: readonly StreamEntry[], epoch: number, done: Acknowledger): Promise<void> {
    await this.parts.processor.process(
      "stream",
      entries.filter(([, fields]) => fields !== null).map(([, fields]) => this.message(fields!)),
      epoch,
    );
    done.add(entries.map(([id]) => id));
  }

  private message(fields: readonly Buffer[]): RawMessage {
    const named = streamFields(fields);
    return {
      get original() {
        return originalOf(named);
      },
      channel: named.get("channels")?.toString("utf8") ?? "",
      read: () => this.parts.read(named),
    };
  }
}

/** The entry as one JSON-like line of bytes, the data untouched, for whoever looks at a reject. */
function originalOf(fields: ReadonlyMap<string, Buffer>): Buffer {
  return Buffer.concat(
    [...fields].flatMap(([name, value]) => [Buffer.from(`${name}: `), value, Buffer.from("\n")]),
  );
}

function entriesOf(reply: unknown): StreamEntry[] {
  const streams = reply as [Buffer, StreamEntry[]][] | null;
  return streams?.[0]?.[1] ?? [];
}
