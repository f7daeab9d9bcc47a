import type { Topic } from "../types.js";
import { consumerAdded, consumerNotices, consumerRemoved } from "./consumer-notices.js";
import type { BusFacts, Level, Notice } from "./report.js";
import { unreachable, versionNotices } from "./version-notices.js";

/** What a topic that is in both registries does differently. */
export function topicNotices(older: Topic, newer: Topic, bus: BusFacts | undefined): Notice[] {
  return [
    ...qosChange(older, newer, bus),
    ...retentionChange(older, newer, bus),
    ...producerNotices(older, newer),
    ...consumerNotices(older, newer, bus),
    ...versionNotices(older, newer, bus),
    ...otherChanges(older, newer),
  ];
}

export function topicAdded(topic: Topic, bus: BusFacts | undefined): Notice[] {
  const { name, qos, version, retentionMs, producers } = topic;
  const from = producers.length === 0 ? "nobody yet" : producers.join(", ");
  const text = `is a new topic: ${qos}, v${version}, kept ${days(retentionMs)}, written by ${from}`;
  return [
    { level: "change", code: "topic_added", topic: name, systems: producers, text },
    ...topic.consumers.map((consumer) => consumerAdded(topic, consumer, bus)),
    ...unreachable(undefined, topic, bus),
  ];
}

export function topicRemoved(topic: Topic, bus: BusFacts | undefined): Notice[] {
  const { name, producers } = topic;
  const text = "is no topic any more: events sent to it are refused from now on";
  return [
    { level: "warning", code: "topic_removed", topic: name, systems: producers, text },
    ...topic.consumers.map((consumer) => consumerRemoved(topic, consumer.name, bus)),
  ];
}

function qosChange(older: Topic, newer: Topic, bus: BusFacts | undefined): Notice[] {
  if (older.qos === newer.qos) return [];
  const owing = owingConsumers(newer.name, bus);
  const change = `QoS is ${newer.qos} instead of ${older.qos}`;
  const base = { code: "qos_changed", topic: newer.name, systems: [...owing.keys()] };
  if (bus === undefined) {
    const remedy =
      "call this where the bus is reached (HMS_SYNC_URL, HMS_SYNC_TOKEN) when all is settled, or make a new topic";
    return [{ ...base, level: "breaks", text: `${change}, and no bus says whether events are owed`, remedy }];
  }
  if (owing.size === 0) return [{ ...base, level: "warning", text: `${change}; nothing is owed` }];
  const remedy = "wait until all is settled (see: hms-sync status), or make a new topic";
  return [{ ...base, level: "breaks", text: `${change} under what is owed: ${inWords(owing)}`, remedy }];
}

function owingConsumers(topic: string, bus: BusFacts | undefined): Map<string, number> {
  const consumers = [...(bus?.topics.get(topic)?.consumers ?? [])];
  return new Map(consumers.filter(([, { owed }]) => owed > 0).map(([name, { owed }]) => [name, owed]));
}

function inWords(owing: ReadonlyMap<string, number>): string {
  return [...owing].map(([name, owed]) => `${name} ${owed}`).join(", ");
}

/** Owed events are never trimmed, but what is owed for longer than the window can no longer be replayed. */
function retentionChange(older: Topic, newer: Topic, bus: BusFacts | undefined): Notice[] {
  if (older.retentionMs === newer.retentionMs) return [];
  const text = `is kept ${days(newer.retentionMs)} instead of ${days(older.retentionMs)}`;
  const base = { code: "retention_changed", topic: newer.name };
  if (newer.retentionMs > older.retentionMs) return [{ ...base, level: "change", systems: [], text }];
  const owing = owingConsumers(newer.name, bus);
  const late = new Map([...owing].filter(([name]) => reachesBack(name, newer, bus!)));
  if (late.size > 0) {
    const remedy = `wait until they have caught up (see: hms-sync status), or keep ${newer.name} longer`;
    const below = `${text}, less than what is owed reaches back: ${inWords(late)}`;
    return [{ ...base, level: "breaks", systems: [...late.keys()], text: below, remedy }];
  }
  const unknown = bus === undefined ? "; no bus says whether somebody is owed older events" : "";
  const owed = owing.size > 0 ? `; owed now: ${inWords(owing)}` : "";
  return [{ ...base, level: "warning", systems: [...owing.keys()], text: `${text}${owed}${unknown}` }];
}

/** What is not handed out begins behind that time; what is open may be older, but is about to be settled. */
function reachesBack(name: string, { name: topic, retentionMs }: Topic, bus: BusFacts): boolean {
  const { owed, open, handedOutTo } = bus.topics.get(topic)!.consumers.get(name)!;
  return owed > open && bus.now - handedOutTo > retentionMs;
}

function producerNotices(older: Topic, newer: Topic): Notice[] {
  const notice = (level: Level, code: string, name: string, text: string): Notice => ({
    level,
    code,
    topic: newer.name,
    systems: [name],
    text: `${name} ${text}`,
  });
  const added = newer.producers.filter((name) => !older.producers.includes(name));
  const removed = older.producers.filter((name) => !newer.producers.includes(name));
  const kept = newer.producers.filter((name) => older.producers.includes(name));
  return [
    ...added.map((name) => notice("change", "producer_added", name, "is a new producer")),
    ...removed.map((name) =>
      notice(
        "warning",
        "producer_removed",
        name,
        "is no longer a producer: its events are refused from now on",
      ),
    ),
    ...kept
      .filter((name) => older.producerVersions.get(name) !== newer.producerVersions.get(name))
      .map((name) =>
        notice("change", "producer_version", name, producerVersion(newer.producerVersions.get(name))),
      ),
  ];
}

function producerVersion(version: number | undefined): string {
  return version === undefined
    ? "is no longer pinned: events that state no version are taken as the current one where they fit"
    : `is pinned: its events that state no version are v${version}`;
}

function otherChanges(older: Topic, newer: Topic): Notice[] {
  const notice = (level: Level, code: string, text: string): Notice[] => [
    { level, code, topic: newer.name, systems: [], text },
  ];
  return [
    ...(older.keyPointer === newer.keyPointer
      ? []
      : notice(
          "warning",
          "key_changed",
          `the ordering key is ${newer.keyPointer ?? "none"} instead of ${older.keyPointer ?? "none"}, for new events`,
        )),
    ...(older.laravelEvent === newer.laravelEvent
      ? []
      : notice(
          "change",
          "laravel_event_changed",
          `Laravel fires ${newer.laravelEvent ?? "its default event"} instead of ${older.laravelEvent ?? "its default event"}`,
        )),
  ];
}

/** `7d`, `36h`, `90s`: the largest unit that needs no fraction. */
export function days(ms: number): string {
  const units = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
  ] as const;
  const [unit, size] = units.find(([, each]) => ms % each === 0) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}
