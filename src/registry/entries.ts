import { prefixes } from "../envelope/channel.js";
import { isTimezone } from "../envelope/local-time.js";
import { parseDuration } from "./duration.js";
import { type Problems, shown } from "./problems.js";
import { unsupportedOptions } from "./structure.js";
import { didYouMean } from "./suggest.js";
import type { Consumer, QoS } from "./types.js";
import { nodeAt, type YamlMap, type YamlNode } from "./yaml.js";

/** A topic's entry as the file has it, after its structure was checked. */
export interface TopicEntry {
  readonly qos: QoS;
  readonly retention: string;
  readonly schema: string;
  readonly producers: readonly string[];
  readonly consumers: readonly (string | ConsumerEntry)[];
  readonly key?: string;
  readonly laravel?: { readonly event: string };
}

export interface ConsumerOptions {
  readonly start?: "now" | "window";
  readonly ack_wait?: string;
  readonly max_deliver?: number;
  readonly backoff?: readonly string[];
  readonly run?: number;
}

export interface ConsumerEntry extends ConsumerOptions {
  readonly name: string;
  readonly qos?: unknown;
  readonly order?: "none" | "key";
}

/** Sources and systems that the bus itself has. */
const ownNames = new Set(["admin", "cli"]);
const topicName = /^[a-z0-9][a-z0-9._-]{0,99}$/;

/** Checks the names of topics and the reserved keys, whatever stands below them. */
export function checkNames(root: YamlMap, file: string, problems: Problems): void {
  const known = ["$defaults", "$systems"];
  for (const [key, { line }] of root.entries) {
    if (key.startsWith("$")) {
      if (known.includes(key)) continue;
      const remedy = didYouMean(key, known) || ` (known are ${known.join(" and ")})`;
      problems.add(
        file,
        line,
        `${shown(key)} is reserved, as every key that begins with $${remedy}; correct or remove it`,
      );
    } else if (!topicName.test(key)) {
      problems.add(
        file,
        line,
        `${shown(key)} is no topic name; write lower-case letters, digits, dots, hyphens and underscores, like inspections.status`,
      );
    } else if (prefixes.some((prefix) => key.startsWith(prefix))) {
      problems.add(
        file,
        line,
        `the topic ${shown(key)} begins with a prefix of Laravel's channel names and could never be named by one; leave the prefix out`,
      );
    }
  }
}

/** Checks what a schema of the file cannot say about one topic's systems. */
export function checkSystems(
  topic: string,
  entry: TopicEntry,
  root: YamlNode,
  file: string,
  problems: Problems,
): void {
  const place = (list: string, index: number) => nodeAt(root, [topic, list, String(index)]).line;
  const check = (list: "producers" | "consumers", names: readonly string[]) => {
    for (const [index, name] of names.entries()) {
      const first = names.indexOf(name);
      if (ownNames.has(name)) {
        problems.add(
          file,
          place(list, index),
          `${shown(name)} in ${list} of ${topic} is the bus's own name; give the system another`,
        );
      }
      if (first < index) {
        problems.add(
          file,
          place(list, index),
          `${shown(name)} is twice in ${list} of ${topic}, first on line ${place(list, first)}; keep one`,
        );
      }
    }
  };
  check("producers", entry.producers);
  check("consumers", entry.consumers.map(nameOf));
  for (const [index, consumer] of entry.consumers.entries()) {
    if (typeof consumer === "string") continue;
    for (const text of refusedOptions(topic, entry.qos, consumer)) {
      const { key, problem } = text;
      problems.add(file, nodeAt(root, [topic, "consumers", String(index), key]).line, problem);
    }
  }
}

/** Checks `$systems`: names that exist, time zones that exist. */
export function checkTimezones(
  systems: Readonly<Record<string, { timezone?: string }>>,
  known: ReadonlySet<string>,
  root: YamlNode,
  file: string,
  problems: Problems,
): void {
  for (const [name, { timezone }] of Object.entries(systems)) {
    const { line } = nodeAt(root, ["$systems", name]);
    if (!known.has(name)) {
      problems.add(
        file,
        line,
        `${shown(name)} in $systems is neither a producer nor a consumer${didYouMean(name, known)}; correct or remove it`,
      );
    }
    if (timezone !== undefined && !isTimezone(timezone)) {
      const at = nodeAt(root, ["$systems", name, "timezone"]).line;
      problems.add(
        file,
        at,
        `timezone ${shown(timezone)} of ${name} is no time zone; write an IANA name like America/Chicago`,
      );
    }
  }
}

/** A consumer with every option filled in: its own, else those of `$defaults`, else the bus's. */
export function consumerOf(entry: string | ConsumerEntry, defaults: ConsumerOptions): Consumer {
  const options: ConsumerOptions = typeof entry === "string" ? defaults : { ...defaults, ...entry };
  return Object.freeze({
    name: nameOf(entry),
    start: options.start ?? "window",
    ackWaitMs: durationMs(options.ack_wait ?? "30s"),
    maxDeliver: options.max_deliver ?? 20,
    backoffMs: Object.freeze((options.backoff ?? ["1s", "5s", "30s", "5m", "1h"]).map(durationMs)),
    run: options.run ?? 500,
    order: "none" as const,
  });
}

/** Milliseconds of a duration that the structure check has passed. */
export function durationMs(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined)
    throw new TypeError(`${text} is not a duration; it should not have passed the structure check`);
  return ms;
}

export function nameOf(entry: string | ConsumerEntry): string {
  return typeof entry === "string" ? entry : entry.name;
}

function refusedOptions(
  topic: string,
  qos: QoS,
  consumer: ConsumerEntry,
): { key: string; problem: string }[] {
  const found = unsupportedOptions
    .filter((key) => Object.hasOwn(consumer, key))
    .map((key) => ({
      key,
      problem: `${key} of the consumer ${consumer.name} of ${topic} is not supported yet; remove it`,
    }));
  if (consumer.order === "key") {
    found.push({
      key: "order",
      problem: `order: key of the consumer ${consumer.name} of ${topic} is not supported yet; remove it`,
    });
  }
  if (consumer.qos !== undefined && consumer.qos !== qos) {
    found.push({
      key: "qos",
      problem: `the consumer ${consumer.name} has qos ${shown(consumer.qos)}, but ${topic} is ${qos}; QoS is one per topic, remove it`,
    });
  }
  return found;
}
