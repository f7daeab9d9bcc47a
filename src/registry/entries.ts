import type { Filter } from "../envelope/filter.js";
import { parseDuration } from "./duration.js";
import type { Consumer, QoS } from "./types.js";

/** A topic's entry as the file has it, after its structure was checked. */
export interface TopicEntry {
  readonly qos: QoS;
  readonly retention: string;
  readonly schema: string;
  readonly producers: readonly (string | ProducerEntry)[];
  readonly consumers: readonly (string | ConsumerEntry)[];
  readonly key?: string;
  readonly laravel?: { readonly event: string };
}

export interface ProducerEntry {
  readonly name: string;
  readonly version?: string;
}

/** What `$defaults` may say for every consumer. */
export interface ConsumerOptions {
  readonly start?: "now" | "window";
  readonly ack_wait?: string;
  readonly max_deliver?: number;
  readonly backoff?: readonly string[];
  readonly max_in_flight?: number;
  readonly run?: number;
}

export interface ConsumerEntry extends ConsumerOptions {
  readonly name: string;
  readonly qos?: unknown;
  readonly version?: string;
  readonly order?: "none" | "key";
  readonly filter?: Filter;
}

/** A consumer with every option filled in: its own, else those of `$defaults`, else the bus's. */
export function consumerOf(entry: string | ConsumerEntry, defaults: ConsumerOptions): Consumer {
  const own: ConsumerEntry = typeof entry === "string" ? { name: entry } : entry;
  const options: ConsumerEntry = { ...defaults, ...own };
  return Object.freeze({
    name: own.name,
    start: options.start ?? "window",
    ackWaitMs: durationMs(options.ack_wait ?? "30s"),
    maxDeliver: options.max_deliver ?? 20,
    backoffMs: Object.freeze((options.backoff ?? ["1s", "5s", "30s", "5m", "1h"]).map(durationMs)),
    run: options.run ?? 500,
    order: options.order ?? "none",
    ...(options.version === undefined ? {} : { version: versionOf(options.version) }),
    ...(options.max_in_flight === undefined ? {} : { maxInFlight: options.max_in_flight }),
    ...(options.filter === undefined ? {} : { filter: options.filter }),
  });
}

/** The versions of those producers for which the file states one. */
export function producerVersionsOf(producers: TopicEntry["producers"]): Map<string, number> {
  const pinned = producers.flatMap((producer) =>
    typeof producer === "string" || producer.version === undefined
      ? []
      : [[producer.name, versionOf(producer.version)] as const],
  );
  return new Map(pinned);
}

/** The number of a version that the structure check has passed: 2 for `v2`. */
export function versionOf(text: string): number {
  return Number(text.slice(1));
}

/** Milliseconds of a duration that the structure check has passed. */
export function durationMs(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined)
    throw new TypeError(`${text} is not a duration; it should not have passed the structure check`);
  return ms;
}

export function nameOf(entry: string | { readonly name: string }): string {
  return typeof entry === "string" ? entry : entry.name;
}
