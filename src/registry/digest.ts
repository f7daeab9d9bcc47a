import { createHash } from "node:crypto";
import type { Consumer, Topic } from "./types.js";

/**
 * SHA-256 (hex) over what governs. The order of topics, producers and consumers does not count; the order inside a
 * schema does, since it says where a default is inserted.
 */
export function registryDigest(topics: Iterable<Topic>, timezones: ReadonlyMap<string, string>): string {
  const governed = {
    topics: [...topics].toSorted(byName).map((topic) => ({
      name: topic.name,
      qos: topic.qos,
      retentionMs: topic.retentionMs,
      version: topic.version,
      schemas: [...topic.schemas].map(([version, { schema }]) => [version, schema]),
      casts: [...topic.casts].map(([version, { steps }]) => [version, steps]),
      keyPointer: topic.keyPointer,
      producers: topic.producers.toSorted(),
      producerVersions: [...topic.producerVersions].toSorted(byFirst),
      consumers: topic.consumers.toSorted(byName).map(withSortedFilter),
      laravelEvent: topic.laravelEvent,
    })),
    timezones: [...timezones].toSorted(byFirst),
  };
  return createHash("sha256").update(JSON.stringify(governed)).digest("hex");
}

/** A filter means the same in whatever order its conditions are written. */
function withSortedFilter(consumer: Consumer): object {
  return { ...consumer, filter: sorted(consumer.filter) };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .toSorted(byFirst)
    .map(([name, inner]) => [name, sorted(inner)]);
}

function byFirst(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}
