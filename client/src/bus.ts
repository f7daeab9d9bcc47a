import { jsonBody, successful } from "./answers.js";
import { ConsumerSubscription } from "./consumer-subscription.js";
import type { Context } from "./context.js";
import { HmsSyncClientError, invalidOption, malformed } from "./errors.js";
import type { Logger } from "./log.js";
import { type Published, type PublishOptions, payloadText, publishText } from "./publisher.js";
import { ReaderSubscription } from "./reader-subscription.js";
import { durationMs } from "./resume-point.js";
import { Subscriptions } from "./shutdown.js";
import type { Subscription } from "./subscription.js";
import type { Transport } from "./transport.js";

export interface SubscribeOptions {
  /**
   * For a passing reader: begins with what was recorded this long ago (`"10m"`, `"2h30m"`), at this time (RFC 3339 or a
   * Date), or with all that is kept (`"0"`). Without it: what comes from now on.
   */
  readonly since?: string | Date;
  /** Most events fetched at a time, 1 to 500 (the default). Fetching stops while more than so many wait. */
  readonly max?: number;
  /** Ends the loop when aborted; the loop then ends normally. */
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
}

export class HttpBus implements Bus {
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
  }

  subscribe<Payload = unknown>(topic: string, options: SubscribeOptions = {}): Subscription<Payload> {
    this.#mustBeOpen();
    const { max = MAX_RUN } = options;
    if (!Number.isInteger(max) || max < 1 || max > MAX_RUN)
      throw invalidOption("max", max, `give 1 to ${MAX_RUN}`);
    const { transport, url, log } = this.#parts;
    const common = { transport, url, log, topic, max, signal: options.signal };
    const ends = { onStart: this.#subscriptions.add, onEnd: this.#subscriptions.delete };
    const since = sinceText(options.since);
    if (this.consumer === undefined) {
      const maxLineBytes = this.#parts.maxResponseBytes;
      return new ReaderSubscription<Payload>({ ...common, ...ends, since, maxLineBytes });
    }
    if (since !== undefined) throw sinceNotSupported();
    return new ConsumerSubscription<Payload>({ ...common, ...ends, headers: this.#consumerHeaders() });
  }

  async publish(topic: string, payload: unknown, options: PublishOptions = {}): Promise<Published> {
    return await this.publishText(topic, payloadText(payload), options);
  }

  async publishText(topic: string, text: string, options: PublishOptions = {}): Promise<Published> {
    this.#mustBeOpen();
    return await publishText(this.#parts, topic, text, options);
  }

  close(): Promise<void> {
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

function sinceNotSupported(): HmsSyncClientError {
  return new HmsSyncClientError(
    "since_not_supported",
    "since is for a passing reader in this version; a consumer gets what it is owed from where it stands: leave since out",
  );
}
