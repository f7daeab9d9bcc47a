import { createHash } from "node:crypto";
import type { Topic } from "./types.js";

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
      keyPointer: topic.keyPointer,
      producers: topic.producers.toSorted(),
      consumers: topic.consumers.toSorted(byName),
      laravelEvent: topic.laravelEvent,
    })),
    timezones: [...timezones].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  };
  return createHash("sha256").update(JSON.stringify(governed)).digest("hex");
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}
