import { basename, dirname, resolve } from "node:path";
import { HmsSyncError } from "../../src/errors.js";
import { loadRegistry } from "../../src/registry/load.js";
import { SchemaProblem } from "../../src/registry/problems.js";
import { SchemaCompiler } from "../../src/registry/schema-compiler.js";
import { SchemaFiles } from "../../src/registry/schema-files.js";
import { didYouMean } from "../../src/registry/suggest.js";
import type { Topic, TopicSchema } from "../../src/registry/types.js";
import { failure, usageError } from "./failure.js";
import { quoted } from "./names.js";

/** What is known of a topic that the adapter consumes. */
export interface KnownTopic {
  readonly name: string;
  /** In the version that the adapter is given. */
  readonly version: number;
  /** Absent when nobody could tell: the mapping then begins with the event's id alone. */
  readonly schema?: TopicSchema;
  /** JSON Pointer to the topic's ordering key. */
  readonly keyPointer?: string;
  /** Whether the system is among its consumers; undefined when nobody could tell. */
  readonly consumed?: boolean;
}

/** A topics.yaml, for one adapter. */
export class TopicsFile {
  private constructor(
    private readonly file: string,
    private readonly topics: ReadonlyMap<string, Topic>,
  ) {}

  /** @throws HmsSyncError `invalid_registry` with every problem's place. */
  static async read(path: string): Promise<TopicsFile> {
    return new TopicsFile(path, (await loadRegistry(resolve(path))).topics);
  }

  get names(): string[] {
    return [...this.topics.keys()];
  }

  /** Names of the topics that list the system among their consumers. */
  consumedBy(system: string): string[] {
    return this.names.filter((name) =>
      this.topics.get(name)!.consumers.some((consumer) => consumer.name === system),
    );
  }

  /** @throws HmsSyncError `usage` for a topic that the file has not. */
  topic(name: string, system: string): KnownTopic {
    const topic = this.topics.get(name);
    if (topic === undefined) {
      throw usageError(
        `${this.file} has no topic ${quoted(name)}${didYouMean(name, this.names)}; it has ${this.names.join(", ")}`,
      );
    }
    const consumer = topic.consumers.find((one) => one.name === system);
    const version = consumer?.version ?? topic.version;
    const { keyPointer } = topic;
    return {
      ...{ name, version, schema: topic.schemas.get(version)!, consumed: consumer !== undefined },
      ...(keyPointer === undefined ? {} : { keyPointer }),
    };
  }
}

/** A topic of which there is a file with its JSON Schema; `vN.json` states the version, else it is 1. */
export function topicOfSchemaFile(name: string, path: string): KnownTopic {
  const file = resolve(path);
  const version = Number(/^v([1-9]\d{0,3})\.json$/.exec(basename(file))?.[1] ?? 1);
  return { name, version, schema: compiled(dirname(file), basename(file), path) };
}

/** A topic whose schema a bus told. */
export function topicOfSchema(
  name: string,
  version: number,
  schema: Record<string, unknown>,
  from: string,
): KnownTopic {
  const file = "schema.json";
  return { name, version, schema: compile(new GivenSchema(file, schema), file, from) };
}

function compiled(folder: string, file: string, shown: string): TopicSchema {
  return compile(new SchemaFiles(folder), file, shown);
}

function compile(files: SchemaFiles, file: string, shown: string): TopicSchema {
  try {
    return new SchemaCompiler(files).compile(file);
  } catch (error) {
    if (error instanceof SchemaProblem) {
      const place = error.at === undefined ? shown : `${shown}:${error.at.line}:${error.at.column}`;
      throw failure("invalid_schema", `${place}: ${error.message}`, error);
    }
    if (error instanceof HmsSyncError) throw error;
    throw failure(
      "invalid_schema",
      `${shown} is no JSON Schema that can be used: ${(error as Error).message}`,
      error,
    );
  }
}

/** A schema that is in no file. */
class GivenSchema extends SchemaFiles {
  constructor(
    private readonly file: string,
    private readonly schema: Record<string, unknown>,
  ) {
    super("");
  }

  override has(file: string): boolean {
    return file === this.file;
  }

  override read(): Record<string, unknown> {
    return this.schema;
  }
}
