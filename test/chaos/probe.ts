import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { STALE_REASON } from "./delivery-invariants.js";
import type { Random } from "./random.js";
import { callBus } from "./sidecar-node.js";

/** One event handed to the probe. */
export interface ProbeDelivery {
  readonly id: string;
  readonly token: string;
  /** When the pull that brought it was sent (ms since the epoch). */
  readonly askedAt: number;
  readonly at: number;
  readonly replayed: boolean;
}

/** A settle that the bus answered. */
export interface ProbeSettle {
  readonly id: string;
  readonly token: string;
  readonly action: "ack" | "nack" | "term" | "extend";
  readonly result: string;
  readonly sentAt: number;
  readonly at: number;
  /** The event had been handed out again, under another token, before this settle was sent. */
  readonly stale: boolean;
}

export interface ProbeParts {
  readonly random: Random;
  readonly gateways: readonly string[];
  readonly token: string;
  readonly topic: string;
  readonly consumer: string;
}

/** With ack_wait 2s: each extension comes in time, all together last longer. */
const EXTENSIONS = 5;
const EXTEND_EVERY_MS = 700;

/**
 * A consumer without an adapter that behaves badly: it lets leases lapse, keeps their tokens, and tries to settle with
 * them once the event has come again. What it was told stands in its log, for the checker.
 */
export class Probe {
  readonly deliveries: ProbeDelivery[] = [];
  readonly settles: ProbeSettle[] = [];
  private readonly newest = new Map<string, string>();
  private readonly kept: ProbeDelivery[] = [];
  private readonly end = new AbortController();
  private readonly loops: Promise<void>[] = [];
  private readonly working = new Set<Promise<void>>();
  private holds = true;

  constructor(private readonly parts: ProbeParts) {
    setMaxListeners(200, this.end.signal); // one for each wait
  }

  start(): void {
    for (let n = 0; n < 2; n++) this.loops.push(this.run());
  }

  /** From now on every delivery is acked: nothing is left owed. */
  behave(): void {
    this.holds = false;
  }

  misbehave(): void {
    this.holds = true;
  }

  async stop(): Promise<void> {
    this.end.abort();
    await Promise.all([...this.loops, ...this.working]);
  }

  private async run(): Promise<void> {
    while (!this.end.signal.aborted) {
      const went = await this.round().then(
        () => true,
        () => false, // the bus is away: that is what these runs are about
      );
      await delay(went ? 20 : 200, undefined, { signal: this.end.signal }).catch(() => undefined); // the end
    }
  }

  private async round(): Promise<void> {
    const askedAt = Date.now();
    const pulled = await this.call("pull", { max: this.parts.random.integer(1, 6), wait_ms: 500 });
    const deliveries = pulled.deliveries as {
      token: string;
      replayed: boolean;
      envelope: { id: string };
    }[];
    for (const { token, replayed, envelope } of deliveries) {
      this.deliveries.push({ id: envelope.id, token, replayed, askedAt, at: Date.now() });
      this.newest.set(envelope.id, token);
    }
    await this.trySuperseded();
    for (const { token, envelope } of deliveries) await this.treat(envelope.id, token);
  }

  /** Settles what was kept and has been handed out again since. */
  private async trySuperseded(): Promise<void> {
    for (const old of [...this.kept]) {
      const newest = this.newest.get(old.id);
      if (newest === old.token) continue;
      this.kept.splice(this.kept.indexOf(old), 1);
      await this.settle(old.id, old.token, this.parts.random.pick(["ack", "term", "nack"] as const), true);
    }
  }

  private async treat(id: string, token: string): Promise<void> {
    const delivery = this.deliveries.findLast((each) => each.token === token)!;
    const fate = this.parts.random.next();
    if (this.holds && fate < 0.25) this.kept.push(delivery);
    else if (this.holds && fate < 0.35) await this.settle(id, token, "nack", false);
    else if (this.holds && fate < 0.45) this.workLong(id, token);
    else await this.settle(id, token, "ack", false);
  }

  /** Takes longer than ack_wait and says so in time: meanwhile nobody else may be handed the event. */
  private workLong(id: string, token: string): void {
    const work = this.extendAndAck(id, token)
      .catch(() => undefined) // the bus is away
      .finally(() => this.working.delete(work));
    this.working.add(work);
  }

  private async extendAndAck(id: string, token: string): Promise<void> {
    for (let n = 0; n < EXTENSIONS && this.holds && !this.end.signal.aborted; n++) {
      await this.settle(id, token, "extend", false);
      await delay(EXTEND_EVERY_MS, undefined, { signal: this.end.signal });
    }
    await this.settle(id, token, "ack", false);
  }

  private async settle(
    id: string,
    token: string,
    action: ProbeSettle["action"],
    stale: boolean,
  ): Promise<void> {
    const sentAt = Date.now();
    const { settled } = await this.call("settle", {
      settle: [{ token, action, ...(action === "term" ? { reason: STALE_REASON } : {}) }],
    });
    const result = (settled as { result: string }[])[0]!.result;
    this.settles.push({ id, token, action, result, stale, sentAt, at: Date.now() });
  }

  // biome-ignore lint/suspicious/noExplicitAny: the wire is looked at freely in tests
  private async call(what: "pull" | "settle", body: unknown): Promise<any> {
    const { random, gateways, token, topic, consumer } = this.parts;
    const url = `${random.pick(gateways)}/v1/topics/${topic}/${what}`;
    const answer = await callBus(url, "POST", { token, body, consumer, timeoutMs: 5_000 });
    if (answer.status !== 200) throw new Error(`${what} answered ${answer.status}`);
    return answer.body;
  }
}
