import { randomUUID } from "node:crypto";
import { type Bus, ConnectedBus, consumerOf, type Identity, whoami } from "../bus.js";
import { invalidOption } from "../errors.js";
import { Liveness } from "../liveness.js";
import { defaultLogger, type Logger } from "../log.js";
import { type Published, payloadText } from "../publisher.js";
import { Outage, persist } from "../retry.js";
import { findTelemetry } from "../telemetry.js";
import type { Outcome, Waiting } from "./consumer-queue.js";
import { Gateway } from "./gateway.js";
import { MemoryTransport } from "./memory-transport.js";
import { type Duration, instantOf, msOf, type TestBusOptions } from "./options.js";
import type { Owed } from "./run.js";
import { Stillness } from "./stillness.js";
import { TestClock } from "./test-clock.js";

export interface TestConnectOptions {
  /** The consumer of the test bus; nobody else may receive. */
  readonly consumer?: string;
  /** Gives up waiting for a bus that is down when aborted; later it closes the connection. */
  readonly signal?: AbortSignal;
  /** Whether SIGTERM and SIGINT drain the running subscriptions; false unless given. */
  readonly drain?: boolean;
  /** Plain lines on standard error unless given. */
  readonly logger?: Logger;
  /** With an admin's token: what is published comes from `cli`, and so goes to the consumer too. */
  readonly admin?: boolean;
}

export interface TestPublishOptions {
  /** A random one unless given. */
  readonly id?: string;
  readonly version?: number;
  /** When it happened, RFC 3339; what the bus's clock shows unless given. */
  readonly time?: string;
  /** The event's key; with the topic's `key` that member of the payload unless given. */
  readonly subject?: string;
  /** The system it comes from; `hms-api` unless given. */
  readonly source?: string;
  /** The event's type; the topic's name unless given. */
  readonly type?: string;
  readonly traceparent?: string;
}

/** One event of a topic, with its payload parsed. */
export interface PublishedEvent {
  readonly id: string;
  readonly source: string;
  readonly version: number;
  readonly subject: string | undefined;
  readonly payload: unknown;
}

export interface AckedEvent extends PublishedEvent {
  /** Which time it was handed out when it was acked. */
  readonly attempts: number;
  /** Why the attempt before failed; empty when there was none. */
  readonly reason: string;
  readonly replayed: boolean;
}

export interface OwedEvent extends PublishedEvent {
  /** Counted attempts so far. */
  readonly attempts: number;
  /** Why the latest one failed; empty when none did. */
  readonly reason: string;
  readonly replayed: boolean;
  /** `leased` to a client, `delayed` until a time to come, `ready` for whoever asks, `held` behind one it must follow. */
  readonly waiting: Waiting;
}

export interface DeadLetter extends PublishedEvent {
  readonly attempts: number;
  readonly reason: string;
  readonly replayed: boolean;
}

export interface ReplayOptions {
  /** A duration back from now, an RFC 3339 time or Date, or `"0"` for all that is kept. By time of recording. */
  readonly since: string | Date;
  /** The events count as new: messages carry the replay's id as `redo`. */
  readonly redo?: boolean;
}

export interface IdleOptions {
  /** How long (ms, real time) handlers may take; 5,000 unless given. */
  readonly timeoutMs?: number;
}

/** A bus in the memory of a test, with one consumer and a clock that stands still until the test moves it. */
export interface TestBus {
  /** A connection as `connect()` of `@hms-sync/client` gives it, and of the same code. */
  connect(options?: TestConnectOptions): Promise<Bus>;
  /**
   * Publishes as another system does, also while the bus is down to its clients.
   * @throws HmsSyncClientError with the gateway's code, such as `schema_violation`, `id_reused`.
   */
  publish(topic: string, payload: object, options?: TestPublishOptions): Promise<Published>;
  /** As `publish`, with the payload's JSON text. */
  publishText(topic: string, text: string, options?: TestPublishOptions): Promise<Published>;
  /**
   * Resolves when everything published is settled or waits for a time to come (a backoff, the lease of an event that
   * its loop has forgotten) or, while the bus is down, for `up()`. Rejects with `not_idle`, saying what is open, after
   * `timeoutMs`: a handler does not end, or nobody asks for what is owed.
   */
  idle(options?: IdleOptions): Promise<void>;
  /**
   * Moves the clock on, from one deadline or delay to the next: leases lapse, delays end, clients extend what waits in
   * them, and what becomes due is handed out on the way. Events that a handler is at work on when it is called are
   * silent all that time; await `idle()` before for handlers that shall finish first.
   */
  passTime(time: Duration): Promise<void>;
  /** What the clock shows. */
  now(): Date;
  /** What was recorded, also what the adapter published, in order. */
  published(topic: string): PublishedEvent[];
  /** The acks in their order; an event that was replayed and acked again is there twice. */
  acked(topic: string): AckedEvent[];
  owed(topic: string): OwedEvent[];
  deadLetters(topic: string): DeadLetter[];
  /** The bus cannot be reached any more. It keeps what it has; leases run on. */
  down(): void;
  /** It can be reached again; clients find out within their backoff, in real time (50 ms at first, 5 s at most). */
  up(): void;
  /** Owes the consumer once more what was recorded since then and is not owed. Rejects with `replay_running`. */
  replay(
    topic: string,
    options: ReplayOptions,
  ): Promise<{ readonly events: number; readonly replay: string }>;
  /** Closes all connections, of a bus that is down as well. Waits for no handler: await `idle()` before. */
  close(): Promise<void>;
}

const IDLE_PATIENCE_MS = 5_000;
/** How long (ms, real time) the clock stands still for handlers that began while it was moved. */
const HANDLER_PATIENCE_MS = 1_000;

/**
 * Makes a bus for an adapter's own tests: real leases, redelivery and dead letters without a network or a process.
 * @throws HmsSyncClientError `invalid_option`.
 */
export function createTestBus(options: TestBusOptions): TestBus {
  return new MemoryBus(options);
}

class MemoryBus implements TestBus {
  private readonly clock: TestClock;
  private readonly gateway: Gateway;
  private readonly clients = new Set<ConnectedBus>();
  private readonly still: Stillness;
  private moving: Promise<void> = Promise.resolve();

  constructor(private readonly options: TestBusOptions) {
    if (typeof options.consumer !== "string" || options.consumer === "") {
      throw invalidOption("consumer", options.consumer, "give the name that topics.yaml has for the adapter");
    }
    this.clock = new TestClock(instantOf("startAt", options.startAt ?? new Date()));
    this.gateway = new Gateway(options, this.clock);
    this.still = new Stillness(this.gateway, this.clients);
  }

  async connect(options: TestConnectOptions = {}): Promise<Bus> {
    const { signal, drain = false, logger: log = defaultLogger(), admin = false } = options;
    const { consumer } = this.options;
    if (options.consumer !== undefined && options.consumer !== consumer)
      throw invalidOption("consumer", options.consumer, `the test bus has ${consumer}`);
    const identity: Identity = { system: admin ? "admin" : consumer, admin };
    const url = `memory://${consumer}`;
    const transport = new MemoryTransport(this.gateway, this.clock, identity, this.still.onTraffic);
    const liveness = new Liveness();
    const outage = new Outage(`connecting to ${url}`, log, liveness);
    await persist(() => whoami(transport, url, signal), outage, { signal });
    const client = new ConnectedBus({
      ...{ url, token: "none", transport, identity, drain, log, liveness, clock: this.clock, signal },
      consumer: consumerOf(identity, consumer),
      maxResponseBytes: Number.POSITIVE_INFINITY,
      telemetry: await findTelemetry(log),
    });
    this.clients.add(client);
    return client;
  }

  async publish(topic: string, payload: object, options: TestPublishOptions = {}): Promise<Published> {
    return await this.publishText(topic, payloadText(payload), options);
  }

  async publishText(topic: string, text: string, options: TestPublishOptions = {}): Promise<Published> {
    const { id = randomUUID(), source = "hms-api", ...rest } = options;
    if (rest.time !== undefined) instantOf("time", rest.time);
    return this.gateway.topic(topic).publish({ ...rest, id, source, data: text });
  }

  async idle({ timeoutMs = IDLE_PATIENCE_MS }: IdleOptions = {}): Promise<void> {
    await this.moving;
    await this.still.ofAll(timeoutMs);
  }

  passTime(time: Duration): Promise<void> {
    const ms = msOf("time", time);
    this.moving = this.moving.then(() => this.move(ms));
    return this.moving;
  }

  now(): Date {
    return new Date(this.clock.wallTime());
  }

  published(topic: string): PublishedEvent[] {
    return this.gateway.topic(topic).ledger.events.map((event) => shown({ event }));
  }

  acked(topic: string): AckedEvent[] {
    return this.gateway.topic(topic).queue.acked.map(outcome);
  }

  owed(topic: string): OwedEvent[] {
    return this.gateway.topic(topic).queue.owed.map((each) => ({ ...outcome(each), waiting: each.waiting }));
  }

  deadLetters(topic: string): DeadLetter[] {
    return this.gateway.topic(topic).queue.dead.map(outcome);
  }

  down(): void {
    this.gateway.down();
  }

  up(): void {
    this.gateway.up();
  }

  async replay(
    topic: string,
    { since, redo = false }: ReplayOptions,
  ): Promise<{ events: number; replay: string }> {
    const text = since instanceof Date ? new Date(instantOf("since", since)).toISOString() : since;
    return this.gateway.topic(topic).replay(text, redo);
  }

  /** The leases of what nobody settled lapse at once: a client that closes waits for them. */
  async close(): Promise<void> {
    await this.moving;
    this.up();
    let open = true;
    const closed = Promise.all([...this.clients].map((client) => client.close())).finally(() => {
      open = false;
    });
    for (await this.still.ofCalls(); open && this.clock.nextAt !== undefined; await this.still.ofCalls())
      this.clock.moveTo(this.clock.nextAt);
    await closed;
  }

  private async move(ms: number): Promise<void> {
    const end = this.clock.now() + ms;
    await this.still.ofCalls();
    const silent = this.still.atWork;
    for (let at = this.clock.nextAt; at !== undefined && at <= end; at = this.clock.nextAt) {
      await this.still.ofHandlers(silent, HANDLER_PATIENCE_MS);
      this.clock.moveTo(at);
      await this.still.ofCalls();
    }
    this.clock.moveTo(end);
    await this.still.ofCalls();
  }
}

function shown({ event }: Pick<Owed, "event">): PublishedEvent {
  const { id, source, version, subject, data } = event;
  return { id, source, version, subject, payload: JSON.parse(data) };
}

function outcome({ owed, attempts, reason }: Outcome): AckedEvent {
  return { ...shown(owed), attempts, reason, replayed: owed.replayed };
}
