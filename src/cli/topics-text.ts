import type { Consumer, Registry, Topic } from "../registry/types.js";
import { duration, table } from "./text.js";

/** The topics with their systems; below them what consumers ask for beyond their name, if any does. */
export function topicsTable({ topics }: Registry): string {
  const header = ["TOPIC", "QOS", "VERSIONS", "RETENTION", "KEY", "PRODUCERS", "CONSUMERS"];
  const rows = [...topics.values()].map(topicRow);
  const consumers = [...topics.values()].flatMap((topic) =>
    topic.consumers.map((one) => consumerRow(topic, one)),
  );
  const special = consumers.filter((row) => row.slice(2).some((cell) => cell !== "-"));
  const below = special.length === 0 ? "" : `\n\n${table(consumerHeader, special)}`;
  return table(header, rows) + below;
}

const consumerHeader = ["CONSUMER", "TOPIC", "VERSION", "ORDER", "IN FLIGHT", "START", "FILTER"];

function topicRow(topic: Topic): string[] {
  const producers = topic.producers.map((name) => {
    const version = topic.producerVersions.get(name);
    return version === undefined ? name : `${name} (v${version})`;
  });
  const consumers = topic.consumers.map(({ name, version }) =>
    version === undefined ? name : `${name} (v${version})`,
  );
  const { name, qos, retentionMs, keyPointer = "-" } = topic;
  return [
    name,
    qos,
    versions(topic),
    duration(retentionMs),
    keyPointer,
    listed(producers),
    listed(consumers),
  ];
}

function consumerRow(topic: Topic, consumer: Consumer): string[] {
  const { name, version, order, maxInFlight, start, filter } = consumer;
  return [
    name,
    topic.name,
    version === undefined ? "-" : `v${version}`,
    order === "key" ? "key" : "-",
    maxInFlight === undefined ? "-" : String(maxInFlight),
    start === "now" ? "now" : "-",
    filter === undefined ? "-" : JSON.stringify(filter),
  ];
}

/** `v2 (v1)`: the current version, and the others that producers may send. */
function versions({ version, schemas }: Topic): string {
  const others = [...schemas.keys()].filter((listedVersion) => listedVersion !== version);
  return others.length === 0 ? `v${version}` : `v${version} (${others.map((one) => `v${one}`).join(", ")})`;
}

function listed(names: readonly string[]): string {
  return names.join(", ") || "-";
}

/** What `--json` prints of a registry. Members that a consumer does not state are left out. */
export function registryJson({ digest, topics }: Registry): Record<string, unknown> {
  const described = [...topics.values()].map((topic) => ({
    name: topic.name,
    qos: topic.qos,
    version: topic.version,
    versions: [...topic.schemas.keys()],
    casts: [...topic.casts.keys()],
    retention_ms: topic.retentionMs,
    ...(topic.keyPointer === undefined ? {} : { key: topic.keyPointer }),
    producers: topic.producers,
    producer_versions: Object.fromEntries(topic.producerVersions),
    consumers: topic.consumers.map(({ name }) => name),
    subscriptions: topic.consumers.map(subscriptionJson),
  }));
  return { digest, topics: described };
}

function subscriptionJson(consumer: Consumer): Record<string, unknown> {
  const { name, version, start, order, maxInFlight, filter } = consumer;
  return {
    name,
    ...(version === undefined ? {} : { version }),
    start,
    order,
    ack_wait_ms: consumer.ackWaitMs,
    max_deliver: consumer.maxDeliver,
    backoff_ms: consumer.backoffMs,
    run: consumer.run,
    ...(maxInFlight === undefined ? {} : { max_in_flight: maxInFlight }),
    ...(filter === undefined ? {} : { filter }),
  };
}
