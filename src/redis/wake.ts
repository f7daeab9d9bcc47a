import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { sidecarsKey, wakeKey } from "./keys.js";
import { streamFields } from "./stream-fields.js";

/** What a sidecar tells the others: a delivery waits, access keys changed, or another registry may be in force. */
export interface WakeMessage {
  readonly kind: "delivery" | "access-keys" | "registry" | "started";
  readonly consumer: string;
  readonly topic: string;
}

export interface WakeLog {
  warn(message: string, fields?: Record<string, unknown>): void;
}

const blockMs = 5_000;
const heartbeatMs = 2_000;
/** A sidecar silent for this long (ms) is not told of anything any more. */
const aliveMs = 10_000;
const maxEntries = 1_000;

/**
 * One capped stream on which sidecars wake each other's waiting pulls, and one blocking read of it per sidecar. A lost
 * wake-up costs time, never an event: every pull looks at its queue again when it ends, and the sweeper wakes too.
 */
export class WakeStream {
  readonly id = randomUUID();
  private last = "$";
  private peers = 0;
  private digest = "";
  private readonly members: string[] = [];
  private otherDigests = 0;
  private closed = false;
  private reading: Promise<void> = Promise.resolve();
  private heartbeat: NodeJS.Timeout | undefined;
  private readonly queued = new Set<string>();

  constructor(
    private readonly redis: Redis,
    private readonly blocking: Redis,
    private readonly log: WakeLog,
  ) {}

  /** Other sidecars that gave a sign of life lately. */
  get otherSidecars(): number {
    return this.peers;
  }

  get alone(): boolean {
    return this.peers === 0;
  }

  /** Those of them that go by another registry than this one. */
  get otherRegistries(): number {
    return this.otherDigests;
  }

  /** Digest of the registry that this sidecar goes by; the others are told with its next sign of life. */
  goBy(digest: string): void {
    this.digest = digest;
  }

  /** Another registry may be in force; resolves when the others can see by which one this sidecar goes. */
  async registryChanged(digest: string): Promise<void> {
    this.digest = digest;
    await this.beat();
    this.send({ kind: "registry", consumer: "", topic: "" });
  }

  async start(onWake: (message: WakeMessage) => void): Promise<void> {
    const entries = await this.redis.xrevrange(wakeKey, "+", "-", "COUNT", 1);
    this.last = entries[0]?.[0] ?? "0-0";
    await this.beat();
    this.heartbeat = setInterval(() => {
      this.beat().catch((error: unknown) => this.log.warn("sign of life failed", { error: String(error) }));
    }, heartbeatMs);
    this.heartbeat.unref();
    this.reading = this.read(onWake);
    this.send({ kind: "started", consumer: "", topic: "" });
  }

  wakeElsewhere(consumer: string, topic: string): void {
    if (!this.alone) this.send({ kind: "delivery", consumer, topic });
  }

  /** Told to all, since a peer that just started may not be known yet. */
  accessKeysChanged(): void {
    this.send({ kind: "access-keys", consumer: "", topic: "" });
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.heartbeat);
    this.blocking.disconnect();
    await this.reading;
    if (this.redis.status === "ready") await this.redis.zrem(sidecarsKey, ...this.members);
  }

  // Several wake-ups of one queue in one turn of the event loop are one.
  private send({ kind, consumer, topic }: WakeMessage): void {
    const key = `${kind} ${consumer} ${topic}`;
    if (this.queued.has(key)) return;
    this.queued.add(key);
    setImmediate(() => {
      this.queued.delete(key);
      this.redis
        .xadd(
          wakeKey,
          "MAXLEN",
          "~",
          maxEntries,
          "*",
          "from",
          this.id,
          "kind",
          kind,
          "consumer",
          consumer,
          "topic",
          topic,
        )
        .catch((error: unknown) => this.log.warn("waking other sidecars failed", { error: String(error) }));
    });
  }

  private async beat(): Promise<void> {
    const now = Date.now();
    const { digest } = this;
    const member = `${this.id} ${digest}`;
    // Beats may overlap: each takes away all that this sidecar has ever been written as.
    if (!this.members.includes(member)) this.members.push(member);
    const reply = await this.redis
      .multi()
      .zrem(sidecarsKey, ...this.members)
      .zadd(sidecarsKey, now, member)
      .zremrangebyscore(sidecarsKey, "-inf", now - aliveMs)
      .zrange(sidecarsKey, "0", "-1")
      .exec();
    const others = ((reply?.[3]?.[1] ?? []) as string[]).filter((each) => each !== member);
    this.peers = others.length;
    this.otherDigests = others.filter((each) => digestIn(each) !== digest).length;
  }

  // A sidecar that has just started must be told of things from now on.
  private async hear(message: WakeMessage, onWake: (message: WakeMessage) => void): Promise<void> {
    if (message.kind === "started") await this.beat();
    else onWake(message);
  }

  private async read(onWake: (message: WakeMessage) => void): Promise<void> {
    while (!this.closed) {
      try {
        const reply = await this.blocking.xread(
          "COUNT",
          100,
          "BLOCK",
          blockMs,
          "STREAMS",
          wakeKey,
          this.last,
        );
        for (const [id, fields] of reply?.[0]?.[1] ?? []) {
          this.last = id;
          const message = Object.fromEntries(streamFields(fields));
          if (message.from !== this.id) await this.hear(message as unknown as WakeMessage, onWake);
        }
      } catch (error) {
        if (this.closed) return;
        this.log.warn("reading the wake stream failed; trying again", { error: String(error) });
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }
}

/** A sidecar stands in the set as `<id> <digest of its registry>`. */
function digestIn(member: string): string {
  return member.slice(member.indexOf(" ") + 1);
}
