import { registryDigest } from "./digest.js";
import type { Registry, SystemLimits, Topic } from "./types.js";

export type { Consumer, QoS, Registry, Topic, TopicSchema } from "./types.js";

/** The system that may do everything; no producer or consumer has its name. */
export const admin = "admin";

/**
 * A registry of checked topics, frozen. Limits are no part of its digest: they say how fast a gateway takes events, not
 * what becomes of them, so sidecars with other limits may serve one bus.
 */
export function createRegistry(
  topics: readonly Topic[],
  timezones: ReadonlyMap<string, string>,
  limits: ReadonlyMap<string, SystemLimits>,
): Registry {
  const consumers = topics.flatMap((topic) => topic.consumers.map(({ name }) => name));
  const producers = topics.flatMap((topic) => topic.producers);
  return Object.freeze({
    digest: registryDigest(topics, timezones),
    topics: new Map(topics.map((topic) => [topic.name, Object.freeze(topic)])),
    systems: new Set([...producers, ...consumers, admin]),
    timezoneOf: (source: string) => timezones.get(source),
    limitsOf: (system: string) => limits.get(system) ?? {},
  });
}
