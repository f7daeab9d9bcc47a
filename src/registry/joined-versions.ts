import type { Registry } from "./types.js";

/** The schema version that the bus gives to a consumer whose version the file does not say; undefined: it is new. */
export type JoinedVersion = (consumer: string, topic: string) => Promise<number | undefined>;

/**
 * What is wrong with a registry in the eyes of a bus on which consumers joined with versions: one line for each whose
 * version is no longer there.
 */
export async function joinedVersionProblems(registry: Registry, joined: JoinedVersion): Promise<string[]> {
  const problems: string[] = [];
  for (const topic of registry.topics.values()) {
    for (const consumer of topic.consumers) {
      if (consumer.version !== undefined) continue;
      const version = await joined(consumer.name, topic.name);
      if (version === undefined || topic.schemas.has(version)) continue;
      const listed = [...topic.schemas.keys()].map((each) => `v${each}`).join(", ");
      problems.push(
        `${consumer.name} has joined ${topic.name} with v${version}, which is not among its versions (${listed}); put schemas/${topic.name}/v${version}.json back, or give the consumer a version:`,
      );
    }
  }
  return problems;
}
