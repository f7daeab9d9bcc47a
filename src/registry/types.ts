import type { Casts } from "../envelope/cast.js";
import type { Filter } from "../envelope/filter.js";

/** At least once, or once per (topic, source, id). */
export type QoS = "at_least_once" | "exactly_once";

/** One consumer's subscription to one topic, every option filled in. */
export interface Consumer {
  readonly name: string;
  /** Where a newcomer begins: with the oldest event of the ledger (`window`) or with the next one (`now`). */
  readonly start: "now" | "window";
  /** Milliseconds an adapter has to settle an event it was given. */
  readonly ackWaitMs: number;
  /** Attempts after which an event becomes a dead letter. */
  readonly maxDeliver: number;
  /** Milliseconds before the second attempt, the third and so on; the last one repeats. */
  readonly backoffMs: readonly number[];
  /** Most events handed out as one run (1 to 500). */
  readonly run: number;
  /** Schema version it is given. Undefined: the version that was current when it joined, which the bus keeps. */
  readonly version?: number;
  /** Most events it may hold unsettled at once; undefined: any number. */
  readonly maxInFlight?: number;
  /** `key`: the next event of a key is not handed out before the earlier one is settled. */
  readonly order: "none" | "key";
  /** Only events whose payload, in the consumer's version, matches are owed. */
  readonly filter?: Filter;
}

/** One violation of a payload schema. */
export interface SchemaViolation {
  /** JSON Pointer into the payload; empty for the payload itself. */
  readonly path: string;
  readonly message: string;
}

/** One version of a topic's payload schema. */
export interface TopicSchema {
  /** JSON Schema 2020-12, self-contained: files it refers to are bundled under `$defs`. */
  readonly schema: object;
  /** Every violation, or the first ones of very many; empty when the payload fits. */
  validate(payload: unknown): readonly SchemaViolation[];
}

/** One entry of topics.yaml. */
export interface Topic {
  readonly name: string;
  readonly qos: QoS;
  /** Length of the replay window in milliseconds. */
  readonly retentionMs: number;
  /** The version that new events get. */
  readonly version: number;
  /** Version 1 up to the current one, as far as their files exist: the versions that producers may send. */
  readonly schemas: ReadonlyMap<number, TopicSchema>;
  /** By version N: how payloads become version N from N-1 and back. What is absent leaves them as they are. */
  readonly casts: ReadonlyMap<number, Casts>;
  /** JSON Pointer to the ordering key in the payload. */
  readonly keyPointer?: string;
  readonly producers: readonly string[];
  /** Version of a producer's events that state none, where the file says so. */
  readonly producerVersions: ReadonlyMap<string, number>;
  readonly consumers: readonly Consumer[];
  /** Name of the event that a listening Laravel application fires for this topic. */
  readonly laravelEvent?: string;
}

/** What `$systems` of topics.yaml says of a system's posts to the gateway; what is absent is the bus's default. */
export interface SystemLimits {
  /** Events per second; 0 for no limit. */
  readonly rate?: number;
  /** Largest request body in bytes. */
  readonly bodyLimit?: number;
}

/** Everything topics.yaml and its schemas govern. */
export interface Registry {
  /** SHA-256 (hex) of all that governs; the same for files that differ in layout, comments or order of entries. */
  readonly digest: string;
  readonly topics: ReadonlyMap<string, Topic>;
  /** Every producer and consumer by name, and `admin`. */
  readonly systems: ReadonlySet<string>;
  /** Time zone that `$systems` states for a system. */
  timezoneOf(source: string): string | undefined;
  limitsOf(system: string): SystemLimits;
}
