import type { Registry, Topic } from "../types.js";
import { typeName, UniqueNames } from "./names.js";
import { readShapes, type SchemaShapes } from "./shape-reader.js";

/** A topic with those of its listed versions that somebody may be given. */
export interface SelectedTopic {
  readonly topic: Topic;
  /** Oldest first. */
  readonly versions: readonly SelectedVersion[];
}

export interface SelectedVersion {
  readonly version: number;
  /** Name of the payload's type, unique in the selection whatever the case. */
  readonly name: string;
  readonly shapes: SchemaShapes;
}

/** Every topic by name, or those that `consumer` consumes, each in the one version it gets. */
export function selectTopics(registry: Registry, consumer?: string): SelectedTopic[] {
  const names = new UniqueNames();
  return [...registry.topics.values()]
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((topic) => ({ topic, numbers: versionsOf(topic, consumer) }))
    .filter(({ numbers }) => numbers.length > 0)
    .map(({ topic, numbers }) => ({
      topic,
      versions: numbers.map((version) => {
        const name = names.claim(typeName(topic.name, version));
        return {
          version,
          name,
          shapes: readShapes(topic.schemas.get(version)!.schema as object as never, name),
        };
      }),
    }));
}

/** Topics whose version for `consumer` the file leaves open although there are several. */
export function unpinnedTopics(registry: Registry, consumer: string): Topic[] {
  return [...registry.topics.values()].filter(
    ({ schemas, consumers }) =>
      schemas.size > 1 && consumers.some(({ name, version }) => name === consumer && version === undefined),
  );
}

function versionsOf(topic: Topic, consumer: string | undefined): number[] {
  if (consumer === undefined) return [...topic.schemas.keys()].toSorted((a, b) => a - b);
  return topic.consumers
    .filter(({ name }) => name === consumer)
    .map(({ version }) => version ?? topic.version);
}
