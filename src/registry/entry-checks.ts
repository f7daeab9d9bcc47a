import { prefixes } from "../envelope/channel.js";
import { isTimezone } from "../envelope/local-time.js";
import { type ConsumerEntry, nameOf, type TopicEntry } from "./entries.js";
import type { SystemEntry } from "./limits.js";
import { shown } from "./problems.js";
import type { SourceFile } from "./source-file.js";
import { didYouMean } from "./suggest.js";

/** Sources and systems that the bus itself has. */
const ownNames = new Set(["admin", "cli"]);
const topicName = /^[a-z0-9][a-z0-9._-]{0,99}$/;
const maxTopics = 1_000;
const reserved = ["$defaults", "$systems"];

/** Checks the names of topics and the reserved keys, whatever stands below them, and how many there are. */
export function checkNames(keys: readonly string[], file: SourceFile): void {
  const count = keys.filter((key) => !key.startsWith("$")).length;
  if (count > maxTopics) {
    file.refuse(
      [],
      `the file has ${count} topics, and ${maxTopics} are the most; split it over several buses`,
    );
  }
  for (const key of keys) {
    const problem = key.startsWith("$") ? reservedProblem(key) : topicNameProblem(key);
    if (problem !== undefined) file.refuseKey([], key, problem);
  }
}

function reservedProblem(key: string): string | undefined {
  if (reserved.includes(key)) return undefined;
  const remedy = didYouMean(key, reserved) || ` (known are ${reserved.join(" and ")})`;
  return `${shown(key)} is reserved, as every key that begins with $${remedy}; correct or remove it`;
}

function topicNameProblem(key: string): string | undefined {
  if (!topicName.test(key)) {
    return `${shown(key)} is no topic name; write lower-case letters, digits, dots, hyphens and underscores, like inspections.status`;
  }
  if (!prefixes.some((prefix) => key.startsWith(prefix))) return undefined;
  return `the topic ${shown(key)} begins with a prefix of Laravel's channel names and could never be named by one; leave the prefix out`;
}

/** Checks what a schema of the file cannot say about one topic's systems. */
export function checkSystems(topic: string, entry: TopicEntry, file: SourceFile): void {
  checkList(topic, "producers", entry.producers.map(nameOf), file);
  checkList(topic, "consumers", entry.consumers.map(nameOf), file);
  for (const [index, consumer] of entry.consumers.entries()) {
    if (typeof consumer !== "string") checkConsumer(topic, entry, consumer, index, file);
  }
}

function checkList(
  topic: string,
  list: "producers" | "consumers",
  names: readonly string[],
  file: SourceFile,
): void {
  for (const [index, name] of names.entries()) {
    const place = [topic, list, index];
    const first = names.indexOf(name);
    if (ownNames.has(name)) {
      file.refuse(
        place,
        `${shown(name)} in ${list} of ${topic} is the bus's own name; give the system another`,
      );
    }
    if (first < index) {
      const { line } = file.at([topic, list, first]);
      file.refuse(place, `${shown(name)} is twice in ${list} of ${topic}, first on line ${line}; keep one`);
    }
  }
}

function checkConsumer(
  topic: string,
  { qos, key }: TopicEntry,
  consumer: ConsumerEntry,
  index: number,
  file: SourceFile,
): void {
  const place = [topic, "consumers", index];
  if (consumer.qos !== undefined && consumer.qos !== qos) {
    file.refuse(
      [...place, "qos"],
      `the consumer ${consumer.name} has qos ${shown(consumer.qos)}, but ${topic} is ${qos}; QoS is one per topic, remove it`,
    );
  }
  if (consumer.order === "key" && key === undefined) {
    file.refuse(
      [...place, "order"],
      `order "key" of the consumer ${consumer.name} needs to know the key of ${topic}; add key: with one like /inspectionId to the topic, or write order: none`,
    );
  }
}

/** Checks `$systems`: names that exist, time zones that exist. */
export function checkTimezones(
  systems: Readonly<Record<string, SystemEntry>>,
  known: ReadonlySet<string>,
  file: SourceFile,
): void {
  for (const [name, { timezone }] of Object.entries(systems)) {
    if (!known.has(name)) {
      file.refuseKey(
        ["$systems"],
        name,
        `${shown(name)} in $systems is neither a producer nor a consumer${didYouMean(name, known)}; correct or remove it`,
      );
    }
    if (timezone !== undefined && !isTimezone(timezone)) {
      file.refuse(
        ["$systems", name, "timezone"],
        `timezone ${shown(timezone)} of ${name} is no time zone; write an IANA name like America/Chicago`,
      );
    }
  }
}
