import type { Change, CompatibilityClass } from "./types.js";

/** How a change of topics.yaml bears on those who are there: it breaks somebody, is worth a look, or is just said. */
export type Level = "breaks" | "warning" | "change";

/** One thing that a change of topics.yaml does. */
export interface Notice {
  readonly level: Level;
  /** A stable name for programs, like `consumer_added`. */
  readonly code: string;
  /** The topic, or undefined for what concerns a system everywhere. */
  readonly topic?: string;
  /** Producers or consumers it concerns. */
  readonly systems: readonly string[];
  readonly text: string;
  /** What to do about it. */
  readonly remedy?: string;
}

/** Two versions of a topic's schema; a version that was changed in place has the same number twice. */
export interface SchemaDiff {
  readonly topic: string;
  readonly from: number;
  readonly to: number;
  readonly class: CompatibilityClass;
  readonly changes: readonly Change[];
  /** Directions in which declared casts stand between the two, the whole way. */
  readonly casts: readonly ("up" | "down")[];
  /** Consumers that are given one of the two versions, with the version. */
  readonly consumers: readonly { readonly name: string; readonly version: number }[];
}

/** What is between two registries. */
export interface RegistryDiff {
  readonly notices: readonly Notice[];
  readonly schemas: readonly SchemaDiff[];
  /** By topic with a new version: its class against every version before it that is listed. */
  readonly transitive: ReadonlyMap<string, CompatibilityClass>;
}

/** What a bus says of one topic. */
export interface TopicFacts {
  /** Events that its ledger keeps. */
  readonly kept: number;
  readonly consumers: ReadonlyMap<string, DeliveryFacts>;
}

export interface DeliveryFacts {
  readonly owed: number;
  /** Part of `owed` that has been handed out, or is about to be. */
  readonly open: number;
  /** Schema version it is given, unless it has left. */
  readonly version?: number;
  /** Time (ms since the epoch) at which the last event before those not yet handed out was recorded. */
  readonly handedOutTo: number;
}

/** What a running bus says. */
export interface BusFacts {
  /** Its clock, in ms since the epoch. */
  readonly now: number;
  readonly topics: ReadonlyMap<string, TopicFacts>;
}
