import type { Casts } from "../../envelope/cast.js";
import { type Problems, SchemaProblem } from "../problems.js";
import type { TopicSchema } from "../types.js";
import { CastFiles, castsFileOf } from "./cast-files.js";
import { readCasts } from "./read-casts.js";

/** What of a topic its casts depend on. */
export interface CastTopic {
  readonly name: string;
  /** The current version: casts of later ones are not read yet. */
  readonly version: number;
  readonly schemas: ReadonlyMap<number, TopicSchema>;
}

/** Reads every casts file of a topic; `directory` holds topics.yaml. What is wrong is added to `problems`. */
export function topicCasts(topic: CastTopic, directory: string, problems: Problems): Map<number, Casts> {
  const files = new CastFiles(directory);
  const casts = new Map<number, Casts>();
  try {
    for (const version of files.versionsOf(topic.name, topic.version)) {
      const file = castsFileOf(topic.name, version);
      const [older, newer] = [topic.schemas.get(version - 1), topic.schemas.get(version)];
      const read = readCasts({ file, text: files.read(file), version, older, newer }, problems);
      if (read !== undefined) casts.set(version, read);
    }
  } catch (error) {
    if (!(error instanceof SchemaProblem)) throw error;
    problems.add(error.file, error.at, error.message);
  }
  return casts;
}
