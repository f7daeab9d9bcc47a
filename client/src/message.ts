import { HmsSyncClientError, malformed } from "./errors.js";
import { memberSpan, stringMember } from "./json-scan.js";
import type { KnexLike } from "./sql/dialect.js";
import { type OnceOptions, once } from "./sql/once.js";
import type { OnceStore } from "./sql/once-store.js";

/** The normalized event as it travels. `id`, `source`, `type`, `time`, `subject` have the meaning of CloudEvents 1.0. */
export interface Envelope<Payload = unknown> {
  readonly topic: string;
  readonly version: number;
  readonly payload: Payload;
  readonly qos: "at_least_once" | "exactly_once";
  readonly replayable_until: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  readonly subject?: string;
  readonly traceparent?: string;
}

export interface NackOptions {
  /** How long (ms) until the event comes again; without it the consumer's backoff of topics.yaml. */
  readonly delay?: number;
  /** Why, for people who look at dead letters; the first 1,000 characters count. No personal data. */
  readonly reason?: string;
}

/**
 * One event, handed out. Ack and nack exclude each other; repeating is harmless: the first of ack, nack and term
 * counts, the same again gives the same promise, another one rejects with `already_settled` and changes nothing.
 * None of the promises has to be awaited; one that fails unawaited is logged.
 */
export interface Message<Payload = unknown> {
  /** The event's id, unique per topic and source. */
  readonly id: string;
  readonly topic: string;
  /** Version of the topic's schema that the payload keeps to. */
  readonly version: number;
  /** The payload's own JSON text, byte for byte as the producer wrote it. */
  readonly data: string;
  /** The payload, parsed on first use. */
  readonly payload: Payload;
  /** The whole envelope, parsed on first use. */
  readonly envelope: Envelope<Payload>;
  /** 1 on the first delivery. */
  readonly attempt: number;
  /** Whether a replay brought it. */
  readonly replayed: boolean;
  /** The replay that asked for its events to count as new; `once` then runs again. */
  readonly redo: string | undefined;
  /** As whom it was received; undefined for a passing reader. */
  readonly consumer: string | undefined;
  /** The system the event comes from. With `id` and `topic` it names the event. */
  readonly source: string;
  /** When it happened, RFC 3339. */
  readonly time: string;
  /**
   * When (on the clock of `performance.now()`) the bus takes the event back unless it is settled or `working()` by then;
   * Infinity for a passing reader.
   */
  readonly leaseEndsAt: number;
  /** Done. Resolves when the bus has stored it; rejects with `stale_lease` when the event was no longer ours. */
  ack(): Promise<void>;
  /** Not now: the event comes again. Rejects like `ack`. */
  nack(options?: NackOptions): Promise<void>;
  /** Never: the event becomes a dead letter with this reason. Rejects like `ack`. */
  term(reason: string): Promise<void>;
  /** Still at it: the event's time (the consumer's ack_wait) starts anew. Rejects like `ack`. */
  working(): Promise<void>;
  /**
   * Runs `fn` unless the event was done before, of which a record goes into the database in the caller's transaction.
   * What `fn` writes in that transaction then happens once, through any crash. Ack afterwards, whatever it gives.
   * @param trx that of `knex.transaction(async (trx) => …)` (knex's own `trx.commit()` hides a COMMIT that failed), or the
   * three functions of a OnceStore for another driver.
   * @returns whether `fn` ran; false when the event was done before.
   * @throws StaleLease, ReplayTooOld (a Permanent), what `fn` or the database threw: let it out of the transaction,
   * which must roll back.
   */
  once(trx: KnexLike | OnceStore, fn: () => unknown, options?: OnceOptions): Promise<boolean>;
}

/** How an event is settled, on its way to the bus. */
export interface SettleHandle {
  readonly consumer: string | undefined;
  readonly redo: string | undefined;
  readonly leaseEndsAt: number;
  settle(action: "ack" | "nack" | "term", details?: SettleDetails): Promise<void>;
  working(): Promise<void>;
}

export interface SettleDetails {
  readonly delayMs?: number;
  readonly reason?: string;
}

/** An event in the bytes it came in; text and parts are taken out when asked for. */
export class EventMessage<Payload> implements Message<Payload> {
  // Real private members: printing a message shows no payload.
  #bytes: Buffer | undefined;
  readonly #start: number;
  readonly #end: number;
  #text: string | undefined;
  #id: string | undefined;
  #payload: Payload | undefined;
  #envelope: Envelope<Payload> | undefined;
  readonly #handle: SettleHandle | undefined;

  /** `source` from `start` to `end` is the envelope. Without a handle the settles are accepted and mean nothing. */
  constructor(
    readonly topic: string,
    source: Buffer | string,
    start: number,
    end: number,
    readonly attempt: number,
    readonly replayed: boolean,
    handle?: SettleHandle,
  ) {
    if (typeof source === "string") this.#text = source;
    else this.#bytes = source;
    this.#start = start;
    this.#end = end;
    this.#handle = handle;
  }

  get id(): string {
    this.#id ??= required(stringMember(this.#envelopeText(), "id"), "id");
    return this.#id;
  }

  get source(): string {
    return required(stringMember(this.#envelopeText(), "source"), "source");
  }

  get time(): string {
    return required(stringMember(this.#envelopeText(), "time"), "time");
  }

  /** The trace that the event belongs to, in W3C's form. */
  get traceparent(): string | undefined {
    return stringMember(this.#envelopeText(), "traceparent");
  }

  get consumer(): string | undefined {
    return this.#handle?.consumer;
  }

  get redo(): string | undefined {
    return this.#handle?.redo;
  }

  get leaseEndsAt(): number {
    return this.#handle?.leaseEndsAt ?? Number.POSITIVE_INFINITY;
  }

  get version(): number {
    return Number(sliceOf(this.#envelopeText(), "version"));
  }

  get data(): string {
    return sliceOf(this.#envelopeText(), "payload");
  }

  get payload(): Payload {
    this.#payload ??= parse<Payload>(this.data);
    return this.#payload;
  }

  get envelope(): Envelope<Payload> {
    this.#envelope ??= parse<Envelope<Payload>>(this.#envelopeText());
    return this.#envelope;
  }

  ack(): Promise<void> {
    return this.#handle?.settle("ack") ?? Promise.resolve();
  }

  nack(options: NackOptions = {}): Promise<void> {
    const { delay, reason } = options;
    if (delay !== undefined && !(delay >= 0 && delay <= MAX_DELAY_MS)) {
      return rejected(
        new HmsSyncClientError("invalid_option", `delay is ${delay}; give ms, from 0 to 7 days`),
      );
    }
    const details = {
      ...(delay === undefined ? {} : { delayMs: Math.ceil(delay) }),
      ...(reason === undefined ? {} : { reason: cut(reason) }),
    };
    return this.#handle?.settle("nack", details) ?? Promise.resolve();
  }

  term(reason: string): Promise<void> {
    return this.#handle?.settle("term", { reason: cut(String(reason ?? "")) }) ?? Promise.resolve();
  }

  working(): Promise<void> {
    return this.#handle?.working() ?? Promise.resolve();
  }

  once(trx: KnexLike | OnceStore, fn: () => unknown, options?: OnceOptions): Promise<boolean> {
    return once(this, trx, fn, options);
  }

  #envelopeText(): string {
    if (this.#text === undefined) {
      this.#text = this.#bytes!.toString("utf8", this.#start, this.#end);
      this.#bytes = undefined; // else one kept message would keep the whole answer it came in
    }
    return this.#text;
  }
}

const MAX_DELAY_MS = 7 * 24 * 3_600_000;
const MAX_REASON = 1_000;

/** The first 1,000 characters, never half of one. */
function cut(reason: string): string {
  return reason.length <= MAX_REASON ? reason : reason.slice(0, MAX_REASON).replace(/[\ud800-\udbff]$/, "");
}

/** A rejected promise that nobody has to handle. */
export function rejected(error: Error): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(() => undefined); // an unawaited settle must not end the process
  return promise;
}

function sliceOf(text: string, name: string): string {
  const span = memberSpan(text, name);
  if (span === undefined) throw malformed(`an envelope without "${name}"`);
  return text.slice(span.start, span.end);
}

function required(value: string | undefined, name: string): string {
  if (value === undefined) throw malformed(`an envelope without "${name}"`);
  return value;
}

function parse<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw malformed("an envelope that is not JSON"); // V8's own message quotes the text, and payloads stay out of logs
  }
}
