import { type TopicEntry, versionOf } from "./entries.js";
import { shown } from "./problems.js";
import type { SourceFile } from "./source-file.js";

/**
 * Checks that every version a producer or consumer is pinned to is listed: it is not above the current one and its
 * schema is there.
 */
export function checkPins(
  topic: string,
  entry: TopicEntry,
  listed: Iterable<number>,
  file: SourceFile,
): void {
  const current = versionOf(entry.schema);
  const versions = new Set(listed);
  for (const list of ["producers", "consumers"] as const) {
    for (const [index, system] of entry[list].entries()) {
      if (typeof system === "string" || system.version === undefined) continue;
      const version = versionOf(system.version);
      if (versions.has(version)) continue;
      const what = `version ${shown(system.version)} of ${system.name} in ${list} of ${topic}`;
      file.refuse([topic, list, index, "version"], `${what} ${unlisted(topic, version, current, versions)}`);
    }
  }
}

function unlisted(topic: string, version: number, current: number, versions: ReadonlySet<number>): string {
  if (version > current) {
    return `is above the topic's schema v${current}; write v${current} or less, or raise schema of ${topic}`;
  }
  const known = [...versions].map((listed) => `v${listed}`).join(", ");
  return `has no file schemas/${topic}/v${version}.json; create it, or write one of ${known || "those that are there"}`;
}
