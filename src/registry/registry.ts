import { registryDigest } from "./digest.js";
import type { Registry, Topic } from "./types.js";

export type { Consumer, QoS, Registry, Topic, TopicSchema } from "./types.js";

/** The system that may do everything; no producer or consumer has its name. */
export const admin = "admin";

/** A registry of checked topics, frozen. */
export function createRegistry(topics: readonly Topic[], timezones: ReadonlyMap<string, string>): Registry {
  const consumers = topics.flatMap((topic) => topic.consumers.map(({ name }) => name));
  const producers = topics.flatMap((topic) => topic.producers);
  return Object.freeze({
    digest: registryDigest(topics, timezones),
    topics: new Map(topics.map((topic) => [topic.name, Object.freeze(topic)])),
    systems: new Set([...producers, ...consumers, admin]),
    timezoneOf: (source: string) => timezones.get(source),
  });
}
