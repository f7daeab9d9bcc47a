import { type FieldError, invalidOption } from "../errors.js";
import { durationMs } from "../resume-point.js";

/** As topics.yaml writes it (`"30s"`, `"1h30m"`), or in ms. */
export type Duration = string | number;

/** One topic of a test bus, by the options of topics.yaml; what is left out is as there. */
export interface TestTopicOptions {
  /** How long a lease lasts before its silence counts; 30s. */
  readonly ackWait?: Duration;
  /** Counted attempts after which an event becomes a dead letter; 20. */
  readonly maxDeliver?: number;
  /** Delay after the first, second, … counted attempt, the last one repeating; 1s, 5s, 30s, 5m, 1h. */
  readonly backoff?: readonly Duration[];
  /** `key`: at most one unsettled event of a key (the event's `subject`) is handed out. */
  readonly order?: "none" | "key";
  /** JSON Pointer of the payload's member that becomes the event's `subject`. */
  readonly key?: string;
  /** JSON Schema that payloads keep to; checked only when the bus is given `validate`. */
  readonly schema?: object;
  /** Version of the schema; 1. */
  readonly version?: number;
  readonly qos?: "at_least_once" | "exactly_once";
  /** How far back a replay reaches; 7d. */
  readonly retention?: Duration;
}

/** What is wrong with a payload by a JSON Schema; empty when nothing is. Ajv or any other validator goes behind it. */
export type Validate = (schema: object, payload: unknown) => readonly FieldError[];

export interface TestBusOptions {
  /** As whom the adapter receives, and where what it publishes comes from. */
  readonly consumer: string;
  /** The topics of the bus; the consumer gets them all. */
  readonly topics: Readonly<Record<string, TestTopicOptions>>;
  readonly validate?: Validate;
  /** What the bus's clock shows at first; the time of the call unless given. */
  readonly startAt?: string | Date;
}

/** A topic's options, complete, times in ms. */
export interface TopicPolicy {
  readonly name: string;
  readonly ackWaitMs: number;
  readonly maxDeliver: number;
  readonly backoffMs: readonly number[];
  readonly order: "none" | "key";
  readonly key: string | undefined;
  readonly schema: object | undefined;
  readonly version: number;
  readonly qos: "at_least_once" | "exactly_once";
  readonly retentionMs: number;
}

const TOPIC_OPTIONS: Readonly<Record<keyof TestTopicOptions, true>> = {
  ackWait: true,
  maxDeliver: true,
  backoff: true,
  order: true,
  key: true,
  schema: true,
  version: true,
  qos: true,
  retention: true,
};

/** @throws HmsSyncClientError `invalid_option` naming the option, its value and what to write. */
export function policyOf(name: string, options: TestTopicOptions): TopicPolicy {
  const at = (option: string) => `topics["${name}"].${option}`;
  for (const option of Object.keys(options)) {
    if (option in TOPIC_OPTIONS) continue;
    const known = Object.keys(TOPIC_OPTIONS).join(", ");
    throw invalidOption(at(option), "not an option", `write one of ${known}`);
  }
  const { ackWait = "30s", backoff = ["1s", "5s", "30s", "5m", "1h"], retention = "7d" } = options;
  if (backoff.length === 0) throw invalidOption(at("backoff"), "empty", "give at least one delay");
  return {
    name,
    ackWaitMs: positive(at("ackWait"), msOf(at("ackWait"), ackWait)),
    maxDeliver: count(at("maxDeliver"), options.maxDeliver ?? 20),
    backoffMs: backoff.map((delay, i) => msOf(at(`backoff[${i}]`), delay)),
    order: oneOf(at("order"), options.order ?? "none", ["none", "key"]),
    key: options.key === undefined ? undefined : pointer(at("key"), options.key),
    schema: options.schema,
    version: count(at("version"), options.version ?? 1),
    qos: oneOf(at("qos"), options.qos ?? "at_least_once", ["at_least_once", "exactly_once"]),
    retentionMs: positive(at("retention"), msOf(at("retention"), retention)),
  };
}

/** A duration in ms. @throws HmsSyncClientError `invalid_option`. */
export function msOf(name: string, duration: Duration): number {
  const ms = typeof duration === "number" ? duration : durationMs(duration);
  if (ms !== undefined && Number.isFinite(ms) && ms >= 0) return ms;
  throw invalidOption(name, duration, 'give a duration like "30s" or "1h30m", or a number of ms');
}

/** A time in ms since the epoch. @throws HmsSyncClientError `invalid_option`. */
export function instantOf(name: string, time: string | Date): number {
  const ms = typeof time === "string" ? Date.parse(time) : time.getTime();
  if (!Number.isNaN(ms)) return ms;
  throw invalidOption(name, time, "give an RFC 3339 time or a valid Date");
}

function positive(name: string, ms: number): number {
  if (ms > 0) return ms;
  throw invalidOption(name, ms, "give more than 0 ms");
}

function count(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw invalidOption(name, value, "give an integer of at least 1");
}

function oneOf<Value extends string>(name: string, value: Value, known: readonly Value[]): Value {
  if (known.includes(value)) return value;
  throw invalidOption(name, value, `write ${known.join(" or ")}`);
}

function pointer(name: string, value: string): string {
  if (/^(\/[^/]*)+$/.test(value)) return value;
  throw invalidOption(name, value, 'write a JSON Pointer like "/paymentId"');
}
