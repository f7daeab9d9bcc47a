import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { eventually } from "../support/eventually.js";
import type { Attempt, Door, Operation, OperationLog } from "./operation-log.js";
import { badPayloadOf, payloadOf } from "./payloads.js";
import type { Random } from "./random.js";
import { callBus } from "./sidecar-node.js";

export interface ProducerParts {
  readonly random: Random;
  readonly log: OperationLog;
  readonly topics: readonly string[];
  /** Addresses of the gateways, one picked for each attempt. */
  readonly gateways: readonly string[];
  readonly token: string;
  /** Where XADD goes. */
  readonly redisPort: number;
  /** Events begun in a second. */
  readonly pace: number;
}

const KEYS = 12;
const IN_FLIGHT = 64;
const TIMEOUT_MS = 5_000;
const RETRY_MS = 300;

/**
 * A paced client of the bus. Each event has one id for ever and is tried until it was accepted or certainly refused: over
 * HTTP with its id as Idempotency-Key, or by XADD as the PHP driver writes it.
 */
export class Producer {
  private readonly redis: Redis;
  private readonly pending = new Set<Operation>();
  private readonly working = new Set<Promise<void>>();
  private readonly end = new AbortController();
  private paused = false;
  private n = 0;
  private pacing: Promise<void> | undefined;

  constructor(private readonly parts: ProducerParts) {
    setMaxListeners(2 * IN_FLIGHT, this.end.signal); // one for each wait
    this.redis = new Redis(parts.redisPort, "127.0.0.1", {
      maxRetriesPerRequest: 0, // what was under way is unknown, and this client tells so
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      commandTimeout: TIMEOUT_MS,
      retryStrategy: () => 100,
    }).on("error", () => undefined); // each command tells its own
  }

  /** Publishes at its pace until paused or stopped. */
  start(): void {
    this.pacing ??= this.run();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  /** Begins one event; resolves when it was accepted or certainly refused. */
  async publish(
    topic: string,
    payload: (n: number) => string,
    more: { door?: Door; key?: string } = {},
  ): Promise<Operation> {
    const n = ++this.n;
    const key = more.key ?? "k0";
    const door = more.door ?? "http";
    return await this.carry(this.operation(n, topic, door, payload(n), key, false), door);
  }

  /**
   * Sends every event again that was accepted since (ms since the epoch), as an outbox does when the bus's ledger went back.
   * Resolves with their ids when all are accepted again; the producer should be paused.
   */
  async refill(since: number): Promise<string[]> {
    await this.settled();
    const again = this.parts.log.operations.filter(
      ({ bad, attempts }) =>
        !bad &&
        attempts.some(
          ({ door, outcome, until = 0 }) => door !== "outbox" && outcome === "ok" && until >= since,
        ),
    );
    const waiting = again.values();
    const next = async () => {
      for (const operation of waiting) await this.carry(operation, operation.attempts[0]!.door);
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, next));
    return again.map(({ id }) => id);
  }

  /** Resolves when no event is under way; the producer should be paused. */
  async settled(timeoutMs = 60_000): Promise<void> {
    await eventually(() => this.pending.size === 0, { timeoutMs, everyMs: 50 });
  }

  get underWay(): number {
    return this.pending.size;
  }

  async stop(): Promise<void> {
    this.end.abort();
    await this.pacing;
    this.redis.disconnect();
    await Promise.all(this.working);
  }

  private async run(): Promise<void> {
    const { random, pace } = this.parts;
    let next = performance.now();
    while (!this.end.signal.aborted) {
      next = Math.max(next + (random.next() * 2_000) / pace, performance.now() - 100);
      await this.wait(next - performance.now());
      if (!this.paused && this.pending.size < IN_FLIGHT) this.another();
    }
  }

  private another(): void {
    const { random, topics } = this.parts;
    const n = ++this.n;
    const key = `k${random.integer(1, KEYS)}`;
    const bad = random.chance(0.02);
    const door: Door = random.chance(0.5) ? "http" : "xadd";
    const payload = bad ? badPayloadOf(n, key) : payloadOf(n, key, random);
    const operation = this.operation(n, random.pick(topics), door, payload, key, bad);
    const work = this.carry(operation, door).then(() => void this.working.delete(work));
    this.working.add(work);
  }

  private operation(
    n: number,
    topic: string,
    door: Door,
    payload: string,
    key: string,
    bad: boolean,
  ): Operation {
    const source = door === "xadd" ? "hms-api" : "cli";
    const id = `${bad ? "bad" : "op"}-${n}`;
    const operation: Operation = { id, topic, source, key, payload, bad, attempts: [] };
    this.parts.log.add(operation);
    return operation;
  }

  private async carry(operation: Operation, door: Door): Promise<Operation> {
    this.pending.add(operation);
    while (!this.end.signal.aborted) {
      const { outcome, detail } = await this.attempt(operation, door);
      if (outcome === "ok" || (outcome === "failed" && isFinal(detail))) break;
      await this.wait(RETRY_MS);
    }
    this.pending.delete(operation);
    return operation;
  }

  private async attempt(operation: Operation, door: Door): Promise<Attempt> {
    const attempt: Attempt = { at: Date.now(), door, outcome: "invoke" };
    operation.attempts.push(attempt);
    try {
      if (door === "http") await this.post(operation, attempt);
      else await this.add(operation, attempt);
    } catch (error) {
      attempt.outcome = "unknown";
      attempt.detail = String(error);
    }
    attempt.until = Date.now();
    return attempt;
  }

  private async post({ id, topic, payload }: Operation, attempt: Attempt): Promise<void> {
    const url = `${this.parts.random.pick(this.parts.gateways)}/v1/topics/${topic}/events`;
    const { status, body } = await callBus(url, "POST", {
      token: this.parts.token,
      text: payload,
      headers: { "idempotency-key": id },
      timeoutMs: TIMEOUT_MS,
    });
    attempt.detail = `${status} ${body?.code ?? ""}`.trim();
    if (status === 202) attempt.outcome = "ok";
    else attempt.outcome = status < 500 ? "failed" : "unknown";
  }

  private async add({ id, topic, payload }: Operation, attempt: Attempt): Promise<void> {
    const reply = await this.redis.xadd(
      ...(["hms-sync:intake", "*", "id", id, "channels", JSON.stringify([topic]), "event", "Done"] as const),
      ...["data", payload, "time", "2024-04-23T15:02:11Z", "source", "hms-api", "timezone", "UTC"],
    );
    attempt.outcome = "ok";
    attempt.detail = String(reply);
  }

  private async wait(ms: number): Promise<void> {
    await delay(Math.max(0, ms), undefined, { signal: this.end.signal }).catch(() => undefined); // the end is looked at by who waits
  }
}

/** A refusal that no repetition changes: the request itself is at fault. */
function isFinal(detail = ""): boolean {
  const status = Number(detail.slice(0, 3));
  return status >= 400 && status < 500 && status !== 429 && status !== 408;
}
