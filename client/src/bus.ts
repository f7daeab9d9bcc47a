import { jsonBody, successful } from "./answers.js";
import type { Clock } from "./clock.js";
import { ConsumerSubscription } from "./consumer-subscription.js";
import type { Context } from "./context.js";
import { HmsSyncClientError, invalidOption, malformed } from "./errors.js";
import { type Handler, handleAll } from "./handler.js";
import type { Health, Liveness } from "./liveness.js";
import type { Logger } from "./log.js";
import { type Published, type PublishOptions, payloadText, publishText } from "./publisher.js";
import { ReaderSubscription } from "./reader-subscription.js";
import { durationMs } from "./resume-point.js";
import { Subscriptions } from "./shutdown.js";
import type { Activity, Endable, Subscription } from "./subscription.js";
import type { Telemetry } from "./telemetry.js";
import type { Transport } from "./transport.js";

export interface SubscribeOptions {
  /**
   * Begins with what was recorded this long ago (`"10m"`, `"2h30m"`), at this time (RFC 3339 or a Date), or with all
   * that is kept (`"0"`). A consumer gets it by a replay that the bus is asked for each time the loop begins, `replayed`
   * being true. Without it: a consumer gets what it is owed, a passing reader what comes from now on.
   */
  readonly since?: string | Date;
  /**
   * Most messages handed out and not settled: the loop waits at the next one until there are fewer. As many as it asks
   * for unless given.
   */
  readonly concurrency?: number;
  /** Most events fetched at a time, 1 to 500 (the default). Fetching stops while more than so many wait. */
  readonly max?: number;
  /** Ends the loop when aborted; the loop then ends normally. */
  readonly signal?: AbortSignal;
}

export interface HandleOptions {
  /** Most handlers at work at a time; 1 unless given. */
  readonly concurrency?: number;
  /** As of `subscribe`. */
  readonly since?: string | Date;
  /** As of `subscribe`. */
  readonly max?: number;
  /** Drains when aborted: handlers at work finish, their acks are stored, then `handle` resolves. */
  readonly signal?: AbortSignal;
}

/**
 * Types of payloads by topic. Empty here: `hms-sync topics types` writes a module that adds those of a topics.yaml, and
 * `subscribe` then knows them.
 */
// biome-ignore lint/suspicious/noEmptyInterface: what is added to it are the members of an interface
export interface TopicPayloads {}

/** One connection to the bus, speaking as the system its token belongs to. */
export interface Bus {
  readonly url: string;
  /** The system of the token. */
  readonly system: string;
  /** As whom `subscribe` receives; undefined for a passing reader, who is owed nothing. */
  readonly consumer: string | undefined;
  /**
   * The topic's events. Reading begins with the first step of the loop, survives every outage of the bus, and throws
   * HmsSyncClientError only for what will not get better (`unauthorized`, `not_a_consumer`, `unknown_topic`, …).
   */
  subscribe<Topic extends keyof TopicPayloads>(
    topic: Topic,
    options?: SubscribeOptions,
  ): Subscription<TopicPayloads[Topic]>;
  subscribe<Payload = unknown>(topic: string, options?: SubscribeOptions): Subscription<Payload>;
  /**
   * Calls `handler` for each event: returning acks, throwing brings the event again after the topic's backoff (with the
   * error's code or name as reason), throwing `Permanent` makes it a dead letter. Acks go to the bus together, while the
   * next handler works. Resolves when it was ended by the signal, `close` or SIGTERM and all acks are stored; rejects
   * with what will not get better, as the loop over `subscribe` throws it.
   */
  handle<Topic extends keyof TopicPayloads>(
    topic: Topic,
    handler: Handler<TopicPayloads[Topic]>,
    options?: HandleOptions,
  ): Promise<void>;
  handle<Payload = unknown>(topic: string, handler: Handler<Payload>, options?: HandleOptions): Promise<void>;
  /** How the bus and its subscriptions stand. Cheap: asks nobody. */
  health(): Health;
  /**
   * Publishes; resolves when the bus has stored the event. Rejects with what the bus says (`schema_violation` with
   * `errors`, `id_reused`, …), or with the last retryable error when it could not be reached in time: publish again
   * with the same `id` then.
   */
  publish(topic: string, payload: unknown, options?: PublishOptions): Promise<Published>;
  /** As `publish`, with the payload's JSON text, which arrives byte for byte. */
  publishText(topic: string, text: string, options?: PublishOptions): Promise<Published>;
  /**
   * Ends every subscription: hands out nothing more, waits up to 5 s for what is handed out, sends the settles, gives
   * back the rest. Afterwards nothing of the client keeps the process alive.
   */
  close(): Promise<void>;
}

/** Who the token belongs to. */
export interface Identity {
  readonly system: string;
  readonly admin: boolean;
}

const WHOAMI_TIMEOUT_MS = 10_000;
const MAX_RUN = 500;
const MAX_CONCURRENCY = 10_000;

/** Asks the bus whose the token is. */
export async function whoami(transport: Transport, url: string, signal?: AbortSignal): Promise<Identity> {
  const answer = await transport.call({
    method: "GET",
    path: "/v1/whoami",
    timeoutMs: WHOAMI_TIMEOUT_MS,
    signal,
  });
  const { system, admin } = jsonBody(successful(answer, url));
  if (typeof system !== "string" || typeof admin !== "boolean")
    throw malformed("whoami without system and admin");
  return { system, admin };
}

/** As whom to receive. @throws HmsSyncClientError `not_a_consumer` when the token belongs to another system. */
export function consumerOf({ system, admin }: Identity, asked: string | undefined): string | undefined {
  if (asked === undefined || asked === system) return admin ? asked : system;
  if (admin) return asked;
  throw new HmsSyncClientError(
    "not_a_consumer",
    `the token is ${system}'s and cannot act as "${asked}"; leave out consumer, or use the token of ${asked}`,
  );
}

export interface BusParts extends Context {
  readonly transport: Transport;
  readonly identity: Identity;
  readonly consumer: string | undefined;
  readonly maxResponseBytes: number;
  readonly drain: boolean;
  readonly log: Logger;
  readonly clock: Clock;
  readonly liveness: Liveness;
  readonly telemetry: Telemetry | undefined;
  /** Closes the bus when aborted. */
  readonly signal: AbortSignal | undefined;
}

/** The bus as `connect` gives it, over whatever transport. */
export class ConnectedBus implements Bus {
  readonly url: string;
  readonly system: string;
  readonly consumer: string | undefined;
  readonly #parts: BusParts; // holds the token: not to be printed
  readonly #subscriptions: Subscriptions;
  #closing: Promise<void> | undefined;

  constructor(parts: BusParts) {
    this.#parts = parts;
    this.url = parts.url;
    this.system = parts.identity.system;
    this.consumer = parts.consumer;
    this.#subscriptions = new Subscriptions(parts.drain, parts.log);
    if (parts.signal?.aborted) void this.close();
    else parts.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  readonly #onAbort = () => void this.close();

  subscribe<Payload = unknown>(topic: string, options: SubscribeOptions = {}): Subscription<Payload> {
    return this.#subscribe<Payload>(topic, options);
  }

  async handle<Payload = unknown>(
    topic: string,
    handler: Handler<Payload>,
    options: HandleOptions = {},
  ): Promise<void> {
    const { concurrency = 1, signal, ...rest } = options;
    const subscription = this.#subscribe<Payload>(topic, { ...rest, concurrency });
    const { consumer } = this;
    const { log, telemetry } = this.#parts;
    await handleAll({ subscription, handler, concurrency, consumer, signal, log, telemetry });
  }

  health(): Health {
    const { url, liveness } = this.#parts;
    const failing = this.#closing === undefined ? liveness.failing : "closed";
    return {
      ok: failing === null,
      url,
      connectedAt: failing === null ? liveness.connectedAt : null,
      lastAnswerAt: liveness.lastAnswerAt,
      failing,
      subscriptions: this.#subscriptions.health(),
    };
  }

  /** What the running subscriptions do by themselves. */
  activity(): Activity[] {
    return this.#subscriptions.activity();
  }

  #subscribe<Payload>(topic: string, options: SubscribeOptions): Subscription<Payload> & Endable {
    this.#mustBeOpen();
    const { max = MAX_RUN, concurrency } = options;
    mustBeWithin("max", max, MAX_RUN);
    if (concurrency !== undefined) mustBeWithin("concurrency", concurrency, MAX_CONCURRENCY);
    const { transport, url, log, liveness, clock, maxResponseBytes } = this.#parts;
    const since = sinceText(options.since);
    const common = { transport, url, log, liveness, topic, max, since, signal: options.signal };
    const ends = { onStart: this.#subscriptions.add, onEnd: this.#subscriptions.delete };
    if (this.consumer === undefined) {
      return new ReaderSubscription<Payload>({ ...common, ...ends, maxLineBytes: maxResponseBytes });
    }
    return new ConsumerSubscription<Payload>({
      ...common,
      ...ends,
      clock,
      consumer: this.consumer,
      concurrency: concurrency ?? Number.POSITIVE_INFINITY,
      headers: this.#consumerHeaders(),
    });
  }

  async publish(topic: string, payload: unknown, options: PublishOptions = {}): Promise<Published> {
    return await this.publishText(topic, payloadText(payload), options);
  }

  async publishText(topic: string, text: string, options: PublishOptions = {}): Promise<Published> {
    this.#mustBeOpen();
    return await publishText(this.#parts, topic, text, options);
  }

  close(): Promise<void> {
    this.#parts.signal?.removeEventListener("abort", this.#onAbort);
    this.#closing ??= this.#subscriptions.end("close").finally(() => this.#parts.transport.close());
    return this.#closing;
  }

  #consumerHeaders(): Record<string, string> {
    const { identity, consumer } = this.#parts;
    return identity.admin && consumer !== undefined ? { "hms-sync-consumer": consumer } : {};
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined)
      throw new HmsSyncClientError("closed", "the bus was closed; connect() again");
  }
}

function mustBeWithin(name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw invalidOption(name, value, `give 1 to ${most}`);
}

function sinceText(since: string | Date | undefined): string | undefined {
  if (since === undefined) return undefined;
  const text = since instanceof Date ? dateText(since) : since;
  const isTime = /^\d{4}-\d\d-\d\d[Tt ]/.test(text) && !Number.isNaN(Date.parse(text));
  if (text === "0" || isTime || durationMs(text) !== undefined) return text;
  throw invalidOption(
    "since",
    text,
    'give a duration like "10m", an RFC 3339 time, a Date, or "0" for all that is kept',
  );
}

function dateText(date: Date): string {
  if (Number.isNaN(date.getTime())) throw invalidOption("since", date, "give a valid Date");
  return date.toISOString();
}
