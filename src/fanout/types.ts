import type { LedgerId } from "../redis/ledger-id.js";

/** How one consumer of one topic is served; from topics.yaml. Times in ms. */
export interface DeliveryPolicy {
  /** Where a consumer begins that has no cursor yet: with what the ledger still keeps, or with what comes now. */
  readonly start: "window" | "now";
  /** How long a lease lasts before its silence counts. */
  readonly ackWaitMs: number;
  /** Counted attempts after which an event becomes a dead letter. */
  readonly maxDeliver: number;
  /** Delay after the first, second, … counted attempt; the last value repeats. */
  readonly backoffMs: readonly number[];
  /** Most events in one run. */
  readonly run: number;
  /** Most events that may be leased and unsettled at once; undefined: any number. */
  readonly maxInFlight?: number;
  /** `key`: at most one unsettled event of a key (the envelope's `subject`) is handed out. */
  readonly order: "none" | "key";
}

/** How one consumer sees the events of a topic. Pure. */
export interface EventView {
  /** Whether the consumer is owed the event (its filter). */
  wants(envelope: Buffer): boolean;
  /** The envelope in the consumer's schema version, or why it cannot be had. */
  present(envelope: Buffer): Buffer | CastFailed;
}

/** Why an envelope cannot be cast to a version; the reason names places of the payload, never values. */
export interface CastFailed {
  readonly reason: string;
}

/** One delivery of the registry: this consumer is owed this topic. */
export interface Subscription {
  readonly consumer: string;
  readonly topic: string;
  readonly policy: DeliveryPolicy;
  /** Schema version the consumer is given, as the file says; undefined: the one it has been given so far. */
  readonly version?: number;
  /** The topic's current version, which a newcomer is given when the file does not say. */
  readonly currentVersion: number;
  view(version: number): EventView;
}

/** What fan-out needs of the ledger: its entries (envelope bytes) in order, its end, and the trim floors. */
export interface LedgerReader {
  range(
    topic: string,
    after: LedgerId,
    to: LedgerId,
    limit: number,
  ): Promise<{ id: LedgerId; body: Buffer; systems: string }[]>;
  tail(topic: string): Promise<{ last: LedgerId; total: number; kept: number }>;
  /** Id of the oldest entry kept, or undefined when the ledger is empty. */
  first(topic: string): Promise<LedgerId | undefined>;
  raiseFloor(topic: string, holder: string, settledUpTo: LedgerId): Promise<void>;
  /** The holder holds nothing any more. */
  dropFloor(topic: string, holder: string): Promise<void>;
  /** Who holds the topic's ledger. */
  holders(topic: string): Promise<readonly string[]>;
  /** How many entries there are after `after` up to `to`, and the first and the last of them. */
  count(topic: string, after: LedgerId, to: LedgerId): Promise<LedgerStretch>;
}

export interface LedgerStretch {
  readonly count: number;
  readonly first?: LedgerId;
  readonly last?: LedgerId;
}

/** A lease as the gateway hands it out: `bodies[i]` is the envelope of the event `indexes[i]` of the run. */
export interface Lease {
  /** Names run and generation; an event's token is `<lease>.<index>`. */
  readonly lease: string;
  readonly attempt: number;
  readonly replayed: boolean;
  /** The replay that asked for its events to count as new. */
  readonly redo?: string;
  readonly indexes: readonly number[];
  readonly bodies: readonly Buffer[];
}

export type SettleAction = "ack" | "nack" | "term" | "release" | "extend";
export type SettleResult = "ok" | "stale" | "unknown";

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
  readonly result: SettleResult;
}

/** Tells waiting pulls, here or in another sidecar, that a (consumer, topic) has something to lease. */
export interface Waker {
  /** No other sidecar gave a sign of life lately: a pull comes here or nowhere. */
  readonly alone: boolean;
  wakeElsewhere(consumer: string, topic: string): void;
}

export interface FanoutLog {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}
