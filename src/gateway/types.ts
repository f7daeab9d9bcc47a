/** A lease as it is handed out: `bodies[i]` is the envelope of the event `indexes[i]` of the run. */
export interface Lease {
  /** An event's token is `<lease>.<index>`. */
  readonly lease: string;
  readonly attempt: number;
  readonly replayed: boolean;
  /** The replay that asked for its events to count as new. */
  readonly redo?: string;
  readonly indexes: readonly number[];
  readonly bodies: readonly Buffer[];
}

export type SettleAction = "ack" | "nack" | "term" | "release" | "extend";

/** One settle as a client asks for it; `to` widens it to the events up to that index of the same lease. */
export interface SettleRequest {
  readonly token: string;
  readonly action: SettleAction;
  readonly to?: number;
  readonly delayMs?: number;
  readonly reason?: string;
}

export interface Settled {
  readonly token: string;
  readonly to?: number;
  readonly result: "ok" | "stale" | "unknown";
}

/** Who a bearer token speaks for. */
export interface Identity {
  readonly system: string;
  readonly admin: boolean;
}

/** What is to be owed once more, in ledger ids: after `from`, up to `until` or to what was handed out last. */
export interface ReplayRequest {
  readonly from: string;
  readonly until?: string;
  readonly redo: boolean;
}

/** The events of a replay's window: how many, and the ledger ids of the first and the last. */
export interface ReplayWindow {
  readonly count: number;
  readonly first?: string;
  readonly last?: string;
}

/** How far a replay is; `running` until all of its window was handed on to the consumer's queue. */
export interface ReplayProgress {
  readonly replay: string;
  readonly running: boolean;
  readonly done: number;
  readonly of: number;
}

/** What the gateway needs of one delivery queue. */
export interface GatewayQueue {
  readonly policy: { readonly ackWaitMs: number };
  pull(max: number, waitMs: number, signal: AbortSignal): Promise<Lease[]>;
  settle(requests: readonly SettleRequest[]): Promise<Settled[]>;
  redrive(ids: readonly string[]): Promise<string[]>;
  /** Rejects with `replay_running` (409). */
  replay(request: ReplayRequest): Promise<ReplayWindow & { readonly replay: string }>;
  previewReplay(request: ReplayRequest): Promise<ReplayWindow>;
  /** Rejects with `no_replay` (404). */
  cancelReplay(): Promise<ReplayProgress>;
  /** `replay`: the latest one, while it runs or some of its events are owed. */
  counts(): Promise<{ readonly replay?: ReplayProgress }>;
}

export interface GatewayTopic {
  readonly name: string;
  readonly qos: "at_least_once" | "exactly_once";
  readonly version: number;
  /** By version: what a payload has to keep to. */
  readonly schemas: ReadonlyMap<number, { readonly schema: object }>;
  /** JSON Pointer to the ordering key in the payload. */
  readonly keyPointer?: string;
  readonly producers: readonly string[];
  readonly consumers: readonly { readonly name: string; readonly version?: number }[];
}

/** The topics and systems of topics.yaml. */
export interface Directory {
  readonly topics: ReadonlyMap<string, GatewayTopic>;
  readonly systems: ReadonlySet<string>;
  /** What a system may post, where topics.yaml says so: events per second (0: any number), bytes of a body. */
  limitsOf(system: string): { readonly rate?: number; readonly bodyLimit?: number };
}

/** An event as a producer posts it; `payload` is its own JSON text. */
export interface Posted {
  readonly topic: string;
  readonly payload: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  /** Ordering key, where the topic has none of its own. */
  readonly subject?: string;
  /** W3C trace context. */
  readonly traceparent?: string;
  /** Schema version of the payload, where the event states it. */
  readonly version?: number;
  /** Set for the admin token, which may publish to any topic. */
  readonly anyTopic: boolean;
}

/**
 * Normalizes, validates and records; rejects with HmsSyncError (4xx) when the event cannot be an envelope. Events of
 * calls begun one after another are recorded in that order.
 */
export type Publish = (posted: Posted) => Promise<{ version: number; duplicate: boolean }>;

/** Throws `registry_mismatch` (503) while another registry than this sidecar's is in force. */
export type CheckRegistry = () => void;

export interface GatewayLog {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** Envelopes of one topic in ledger order, for passing readers. */
export interface EventReader {
  /**
   * Batches of envelope texts recorded from `sinceMs` (ms since the epoch) on, or, undefined, after this resolved.
   * Ends at the ledger's end, or with `follow` when `signal` aborts.
   */
  read(
    topic: string,
    sinceMs: number | undefined,
    follow: boolean,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Buffer[]>>;
}

/** Resolves to when the intake read the probe of this id, undefined when it has not in the last minute. */
export type FindProbe = (id: string) => Promise<{ id: string; seen_at: string } | undefined>;

/** What operators may look at and do; each resolves to a JSON value. */
export interface Operations {
  status(): Promise<unknown>;
  acknowledgeLosses(): Promise<unknown>;
  rejects(limit: number): Promise<unknown>;
  deadLetters(filter: { topic?: string; consumer?: string; limit: number }): Promise<unknown>;
  redrive(topic: string, consumer: string, ids: readonly string[] | "all"): Promise<{ redriven: string[] }>;
}
