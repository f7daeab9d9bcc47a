import { HmsSyncClientError } from "../errors.js";
import { durationMs } from "../resume-point.js";
import type { SettleEntry } from "../settle-batch.js";
import { ConsumerQueue, type Lease } from "./consumer-queue.js";
import { type EventInput, Ledger } from "./ledger.js";
import { instantOf, policyOf, type TestBusOptions } from "./options.js";
import type { TestClock } from "./test-clock.js";
import { type SettleAnswer, settleAll } from "./wire.js";

interface WaitingPull {
  readonly max: number;
  readonly resolve: (leases: readonly Lease[]) => void;
  readonly reject: (error: unknown) => void;
}

/** One topic: what was recorded, what the consumer is owed of it, and the pulls that wait for that. */
export class GatewayTopic {
  readonly ledger: Ledger;
  readonly queue: ConsumerQueue;
  private pulls: WaitingPull[] = [];

  constructor(
    name: string,
    options: TestBusOptions,
    private readonly clock: TestClock,
    private readonly isUp: () => boolean,
  ) {
    const policy = policyOf(name, options.topics[name]!);
    this.ledger = new Ledger(policy, options.validate);
    this.queue = new ConsumerQueue(options.consumer, this.ledger, clock, () => this.serve());
  }

  /** @throws HmsSyncClientError with the gateway's code, as `Ledger.record`. */
  publish(input: EventInput): { id: string; topic: string; version: number; duplicate: boolean } {
    const { event, duplicate } = this.ledger.record(input, this.clock.wallTime());
    if (!duplicate) this.queue.add(event);
    this.serve();
    return { id: event.id, topic: this.ledger.topic.name, version: event.version, duplicate };
  }

  /** Resolves with what there is; with nothing only when it shall not wait. Rejects when the bus goes away meanwhile. */
  pull(max: number, wait: boolean, signal: AbortSignal | undefined): Promise<readonly Lease[]> {
    const leases = this.queue.pull(max);
    if (leases.length > 0 || !wait) return Promise.resolve(leases);
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.pulls = this.pulls.filter((each) => each !== pull);
        reject(signal?.reason);
      };
      const pull = {
        max,
        resolve: (answer: readonly Lease[]) => {
          signal?.removeEventListener("abort", abort);
          resolve(answer);
        },
        reject,
      };
      this.pulls.push(pull);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  settle(entries: readonly SettleEntry[]): SettleAnswer[] {
    const answers = settleAll(this.queue, entries);
    this.serve();
    return answers;
  }

  /**
   * Owes the consumer once more what was recorded since then: a duration, an RFC 3339 time or `0`.
   * @throws HmsSyncClientError `replay_running`, `invalid_option`.
   */
  replay(since: string, redo: boolean): { events: number; replay: string } {
    const span = since === "0" ? this.clock.wallTime() : durationMs(since);
    const from = span === undefined ? instantOf("since", since) : this.clock.wallTime() - span;
    const { events, id } = this.queue.replaySince(from, redo);
    this.serve();
    return { events, replay: id };
  }

  /** Ends the pulls that wait. */
  interrupt(error: HmsSyncClientError): void {
    for (const { reject } of this.pulls.splice(0)) reject(error);
  }

  /** Hands what is ready to the pulls that wait. */
  serve(): void {
    while (this.pulls.length > 0 && this.isUp()) {
      const leases = this.queue.pull(this.pulls[0]!.max);
      if (leases.length === 0) return;
      this.pulls.shift()?.resolve(leases);
    }
  }
}

/** The topics behind one address, which can be reached or not. */
export class Gateway {
  readonly topics: ReadonlyMap<string, GatewayTopic>;
  private reachable = true;

  constructor(options: TestBusOptions, clock: TestClock) {
    const names = Object.keys(options.topics);
    this.topics = new Map(
      names.map((name) => [name, new GatewayTopic(name, options, clock, () => this.reachable)]),
    );
  }

  /** @throws HmsSyncClientError `unknown_topic`. */
  topic(name: string): GatewayTopic {
    const topic = this.topics.get(name);
    if (topic !== undefined) return topic;
    const known = [...this.topics.keys()].join(", ");
    throw new HmsSyncClientError("unknown_topic", `the test bus has no topic ${name}; it has ${known}`, {
      status: 404,
    });
  }

  get isUp(): boolean {
    return this.reachable;
  }

  /** @throws HmsSyncClientError `unreachable` while it is down. */
  mustBeUp(): void {
    if (!this.reachable) throw unreachable();
  }

  down(): void {
    this.reachable = false;
    for (const topic of this.topics.values()) topic.interrupt(unreachable());
  }

  up(): void {
    this.reachable = true;
    for (const topic of this.topics.values()) topic.serve();
  }
}

function unreachable(): HmsSyncClientError {
  return new HmsSyncClientError("unreachable", "the test bus is down; call up()", { retryable: true });
}
