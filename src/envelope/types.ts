/** One broadcast of a Laravel application as a door took it in, before anything judged its payload. */
export interface Broadcast {
  readonly id: string;
  /** Channel names as Laravel's `formatChannels` gives them, `private-` and `presence-` still on. */
  readonly channels: readonly string[];
  /** Class name of the event, or its `broadcastAs` name. */
  readonly event: string;
  /** JSON text of the payload, as Laravel wrote it, without `socket`. */
  readonly data: string;
  /** RFC 3339, with an offset or Z. */
  readonly time: string;
  readonly source: string;
  /** `app.timezone` of the application: an IANA name or an offset like +02:00. Empty when not known. */
  readonly timezone: string;
  /** Systems that the change came through before its source, the oldest first, separated by commas; empty for none. */
  readonly origin: string;
  /** Schema version of the payload, where the event states it. */
  readonly version?: number;
}

/** One event addressed to one topic, before it is normalized. */
export interface EventInput {
  readonly topic: string;
  /** JSON text. */
  readonly payload: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** RFC 3339, with an offset or Z. */
  readonly time: string;
  /** Ordering key. The value at the topic's `key` pointer goes before it. */
  readonly subject?: string;
  /** W3C trace context; left out of the envelope when it is not one, as that specification asks. */
  readonly traceparent?: string;
  /** Systems that the change came through before its source, separated by commas. */
  readonly origin?: string;
  /** Time zone of date-times without an offset: an IANA name or an offset. Default: the source's, else UTC. */
  readonly timezone?: string;
  /**
   * Schema version of the payload, where the event states it. Default: the producer's or else the current one, and where
   * the payload does not fit that, the newest other one that it fits.
   */
  readonly version?: number;
  /** True for the admin's token: the source need not be a producer of the topic. */
  readonly anyTopic?: boolean;
}

/** A normalized, valid event: what the ledger records. */
export interface LedgerEvent {
  readonly topic: string;
  readonly id: string;
  readonly source: string;
  /** Schema version of the payload. */
  readonly version: number;
  /** The whole envelope as JSON text on one line. */
  readonly text: string;
  /** The first 22 characters of SHA-256 in base64url over type, a line feed and the normalized payload. */
  readonly digest: string;
  /** The source and the systems before it, separated by commas: none of them is sent the event. */
  readonly systems: string;
  /** Ordering key; the envelope's `subject`. */
  readonly key?: string;
}

/** Why a broadcast did not become an event on one of its channels. */
export interface Rejection {
  /** Stable code (docs/errors.md). */
  readonly code: string;
  readonly reason: string;
  readonly channel?: string;
  readonly topic?: string;
}

/** What became of the channels of one broadcast. */
export interface NormalizedBroadcast {
  readonly events: LedgerEvent[];
  readonly rejects: Rejection[];
  /** Channels that are no topic. */
  readonly ignored: string[];
}

/** One violation of a payload schema. */
export interface Violation {
  /** JSON Pointer into the payload; empty for the payload itself. */
  readonly path: string;
  readonly message: string;
}

/** One version of a topic's payload schema; `schema` is self-contained (every `$ref` begins with `#`). */
export interface PayloadSchema {
  readonly schema: object;
  /** Every violation, or the first ones of very many; empty when the payload fits. */
  validate(payload: unknown): readonly Violation[];
}

/** What normalizing needs to know of a topic. */
export interface TopicRules {
  readonly name: string;
  readonly qos: string;
  readonly retentionMs: number;
  /** The version that new events get. */
  readonly version: number;
  readonly schemas: ReadonlyMap<number, PayloadSchema>;
  /** JSON Pointer to the ordering key. */
  readonly keyPointer?: string;
  readonly producers: readonly string[];
  /** Version of a producer's events that state none. */
  readonly producerVersions: ReadonlyMap<string, number>;
}

/** What normalizing needs of the registry. */
export interface TopicCatalogue {
  readonly topics: ReadonlyMap<string, TopicRules>;
  /** Time zone that the registry states for a system. */
  timezoneOf(source: string): string | undefined;
}
