import { basename, dirname } from "node:path";
import { pointerPath } from "../envelope/schema-merge.js";
import { checkCastPaths } from "./cast-path-checks.js";
import { topicCasts } from "./casts/topic-casts.js";
import {
  type ConsumerOptions,
  consumerOf,
  durationMs,
  nameOf,
  producerVersionsOf,
  type TopicEntry,
  versionOf,
} from "./entries.js";
import { checkNames, checkSystems, checkTimezones } from "./entry-checks.js";
import { checkFilters } from "./filter-checks.js";
import { limitsOf, type SystemEntry } from "./limits.js";
import { Problems, SchemaProblem, shown } from "./problems.js";
import { createRegistry } from "./registry.js";
import { describes } from "./schema-bundle.js";
import { SchemaCompiler } from "./schema-compiler.js";
import { readSmallFile, SchemaFiles } from "./schema-files.js";
import { SourceFile } from "./source-file.js";
import { checkStructure } from "./structure-check.js";
import type { Registry, Topic, TopicSchema } from "./types.js";
import { checkPins } from "./version-checks.js";
import { plainValue, readYaml, type YamlMap, type YamlNode } from "./yaml.js";

interface RegistryFile {
  readonly $defaults?: ConsumerOptions;
  readonly $systems?: Readonly<Record<string, SystemEntry>>;
  readonly topics: readonly [string, TopicEntry][];
}

/**
 * Reads topics.yaml at `path` and the schemas/ beside it, and checks all of it; with `text` as if that stood in the file.
 * @throws HmsSyncError `invalid_registry`; its message has one line per problem, `topics.yaml:7:13: …`, naming
 *   the value and the remedy.
 */
export async function loadRegistry(path: string, text?: string): Promise<Registry> {
  return new Loading(path, text).load();
}

/** One reading of a registry. */
class Loading {
  private readonly problems = new Problems();
  private readonly file: string;
  private readonly files: SchemaFiles;
  private readonly compiler: SchemaCompiler;

  constructor(
    private readonly path: string,
    private readonly given?: string,
  ) {
    this.file = basename(path);
    this.files = new SchemaFiles(dirname(path));
    this.compiler = new SchemaCompiler(this.files);
  }

  load(): Registry {
    const root = this.readRoot();
    const file = new SourceFile(root, this.file, this.problems);
    checkNames([...root.entries.keys()], file);
    checkStructure(file);
    this.problems.throwIfAny();
    const { topics, $defaults = {}, $systems = {} } = this.entriesOf(root);
    const built = topics.map(([name, entry]) => this.topic(name, entry, $defaults, file));
    const systems = new Set(
      topics.flatMap(([, { producers, consumers }]) => [...producers, ...consumers].map(nameOf)),
    );
    checkTimezones($systems, systems, file);
    this.problems.throwIfAny();
    for (const [index, [, entry]] of topics.entries()) checkCastPaths(built[index]!, entry, file);
    this.problems.throwIfAny();
    const timezones = Object.entries($systems).flatMap(([name, { timezone }]) =>
      timezone ? [[name, timezone]] : [],
    );
    const limits = Object.entries($systems).map(([name, entry]) => [name, limitsOf(entry)] as const);
    return createRegistry(built, new Map(timezones as [string, string][]), new Map(limits));
  }

  private readRoot(): YamlMap {
    const text = this.given ?? this.readText();
    const root = readYaml(text, this.file, this.problems);
    this.problems.throwIfAny();
    if (root?.kind === "map") return root;
    this.problems.add(
      this.file,
      root ?? { line: 1, column: 1 },
      "holds no topics; write a topic's name with its entry below it",
    );
    throw this.problems.error();
  }

  private readText(): string {
    return readSmallFile(this.path, (reason) => {
      this.problems.add(this.file, undefined, reason);
      return this.problems.error();
    });
  }

  private entriesOf(root: YamlNode): RegistryFile {
    const plain = plainValue(root) as Record<string, unknown>;
    const topics = Object.entries(plain).filter(([name]) => !name.startsWith("$")) as [string, TopicEntry][];
    return { ...(plain as Pick<RegistryFile, "$defaults" | "$systems">), topics };
  }

  private topic(name: string, entry: TopicEntry, defaults: ConsumerOptions, file: SourceFile): Topic {
    checkSystems(name, entry, file);
    const version = versionOf(entry.schema);
    const listed = this.listedVersions(name, version, file);
    const schemas = this.schemas(name, listed);
    checkPins(name, entry, listed, file);
    checkKey(name, entry.key, schemas.get(version), file);
    checkFilters(name, entry, schemas, file);
    return {
      name,
      qos: entry.qos,
      retentionMs: durationMs(entry.retention),
      version,
      schemas,
      casts: topicCasts({ name, version, schemas }, dirname(this.path), this.problems),
      producers: entry.producers.map(nameOf),
      producerVersions: producerVersionsOf(entry.producers),
      consumers: entry.consumers.map((consumer) => consumerOf(consumer, defaults)),
      ...(entry.key === undefined ? {} : { keyPointer: entry.key }),
      ...(entry.laravel === undefined ? {} : { laravelEvent: entry.laravel.event }),
    };
  }

  /** Every version up to the current one whose file is there. */
  private listedVersions(topic: string, current: number, source: SourceFile): number[] {
    try {
      const listed = this.files.versionsOf(topic).filter((version) => version <= current);
      if (!listed.includes(current)) {
        const file = schemaFile(topic, current);
        source.refuse([topic, "schema"], `schema v${current} of ${topic} has no file ${file}; create it`);
      }
      return listed;
    } catch (error) {
      this.keep(error);
      return [];
    }
  }

  private schemas(topic: string, versions: readonly number[]): Map<number, TopicSchema> {
    const schemas = new Map<number, TopicSchema>();
    for (const version of versions) {
      try {
        schemas.set(version, this.compiler.compile(schemaFile(topic, version)));
      } catch (error) {
        this.keep(error);
      }
    }
    return schemas;
  }

  /** Adds what is wrong with a schema to the problems; throws what is none of them. */
  private keep(error: unknown): void {
    if (!(error instanceof SchemaProblem)) throw error;
    this.problems.add(error.file, error.at, error.message);
  }
}

function schemaFile(topic: string, version: number): string {
  return `schemas/${topic}/v${version}.json`;
}

function checkKey(
  topic: string,
  key: string | undefined,
  schema: TopicSchema | undefined,
  file: SourceFile,
): void {
  if (key === undefined || schema === undefined) return;
  if (describes(schema.schema as Record<string, unknown>, pointerPath(key) ?? [])) return;
  file.refuse(
    [topic, "key"],
    `key ${shown(key)} of ${topic} leads to nothing that its schema describes; write the path of a property, like /inspectionId`,
  );
}
