import type { Consumer, Topic } from "../types.js";
import type { BusFacts } from "./report.js";

/**
 * The version that a consumer is given: as the file says; else as the bus knows; else the one it had in the older file,
 * where one without `version` counts as pinned to the version that is current there; for a newcomer the current one.
 */
export function versionGiven(
  consumer: Consumer,
  topic: Topic,
  older: Topic | undefined,
  bus: BusFacts | undefined,
): number {
  if (consumer.version !== undefined) return consumer.version;
  const known = bus?.topics.get(topic.name)?.consumers.get(consumer.name)?.version;
  if (known !== undefined) return known;
  const before = older?.consumers.find(({ name }) => name === consumer.name);
  return before === undefined ? topic.version : (before.version ?? older!.version);
}
