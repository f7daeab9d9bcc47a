import type { AdapterStep, Lane } from "./adapter-node.js";
import type { Drained } from "./healed.js";
import type { LaravelRecords } from "./laravel-node.js";
import type { End } from "./managed-process.js";
import type { Sample, Trespass } from "./monitor.js";
import type { Operation } from "./operation-log.js";
import type { ProbeDelivery, ProbeSettle } from "./probe.js";
import type { Loss, Told } from "./redis-losses.js";
import type { Outage } from "./redis-node.js";

/** An event as the ledger gave it out. */
export interface LedgerEntry {
  readonly id: string;
  readonly source: string;
  /** Its own bytes. */
  readonly payload: string;
}

export interface Row {
  readonly seq: number;
  readonly consumer: string;
  readonly topic: string;
  readonly event: string;
  readonly body: string;
  readonly replayed: boolean;
}

/** What the bus says it did for one consumer of one topic. */
export interface Account {
  readonly topic: string;
  readonly consumer: string;
  readonly recorded: number;
  readonly acked: number;
  readonly owed: number;
  readonly dead: number;
  readonly skipped: number;
}

export interface DeadLetter {
  readonly topic: string;
  readonly consumer: string;
  /** Of the event. */
  readonly event: string;
  readonly reason: string;
}

/** Everything that was read after healing. The invariants are functions of it and of nothing else. */
export interface Observation {
  readonly operations: readonly Operation[];
  /** By topic, oldest first. */
  readonly ledger: ReadonlyMap<string, readonly LedgerEntry[]>;
  readonly accounts: readonly Account[];
  readonly deadLetters: readonly DeadLetter[];
  readonly rows: readonly Row[];
  readonly lanes: readonly Lane[];
  /** Consumers for which `order: key` holds. */
  readonly ordered: readonly { readonly topic: string; readonly consumer: string }[];
  readonly steps: readonly AdapterStep[];
  readonly probe: {
    readonly consumer: string;
    readonly ackWaitMs: number;
    readonly deliveries: readonly ProbeDelivery[];
    readonly settles: readonly ProbeSettle[];
  };
  readonly samples: readonly Sample[];
  readonly trespasses: readonly Trespass[];
  readonly outages: readonly Outage[];
  /** What Redis forgot of what it had acknowledged. */
  readonly losses: readonly Loss[];
  /** What the status still tells of such losses. */
  readonly stillTold: readonly Told[];
  /** The original bytes of each reject. */
  readonly rejects: readonly string[];
  readonly rejectCount: number;
  /** How sidecars ended. */
  readonly ends: readonly End[];
  /** All that sidecars ever logged. */
  readonly logs: string;
  readonly drains: readonly Drained[];
  /** Bytes that Redis uses. */
  readonly redisBytes: number;
  /** Where a Laravel application took part: what its database says. */
  readonly laravel?: LaravelRecords;
}
