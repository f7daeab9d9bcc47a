import { basename, dirname } from "node:path";
import { pointerPath } from "../envelope/schema-merge.js";
import {
  type ConsumerOptions,
  checkNames,
  checkSystems,
  checkTimezones,
  consumerOf,
  durationMs,
  nameOf,
  type TopicEntry,
} from "./entries.js";
import { limitsOf, type SystemEntry } from "./limits.js";
import { Problems, SchemaProblem, shown } from "./problems.js";
import { createRegistry } from "./registry.js";
import { describes } from "./schema-bundle.js";
import { SchemaCompiler } from "./schema-compiler.js";
import { readSmallFile, SchemaFiles } from "./schema-files.js";
import { checkStructure } from "./structure-check.js";
import type { Registry, Topic, TopicSchema } from "./types.js";
import { nodeAt, plainValue, readYaml, type YamlMap, type YamlNode } from "./yaml.js";

interface RegistryFile {
  readonly $defaults?: ConsumerOptions;
  readonly $systems?: Readonly<Record<string, SystemEntry>>;
  readonly topics: readonly [string, TopicEntry][];
}

/**
 * Reads topics.yaml at `path` and the schemas/ beside it, and checks all of it.
 * @throws HmsSyncError `invalid_registry`; its message has one line per problem, `topics.yaml:7: …`, naming the value
 *   and the remedy.
 */
export async function loadRegistry(path: string): Promise<Registry> {
  return new Loading(path).load();
}

/** One reading of a registry. */
class Loading {
  private readonly problems = new Problems();
  private readonly file: string;
  private readonly files: SchemaFiles;
  private readonly compiler: SchemaCompiler;

  constructor(private readonly path: string) {
    this.file = basename(path);
    this.files = new SchemaFiles(dirname(path));
    this.compiler = new SchemaCompiler(this.files);
  }

  load(): Registry {
    const root = this.readRoot();
    checkNames(root, this.file, this.problems);
    checkStructure(root, this.file, this.problems);
    this.problems.throwIfAny();
    const { topics, $defaults = {}, $systems = {} } = this.entriesOf(root);
    const built = topics.map(([name, entry]) => this.topic(name, entry, $defaults, root));
    const systems = new Set(
      topics.flatMap(([, entry]) => [...entry.producers, ...entry.consumers.map(nameOf)]),
    );
    checkTimezones($systems, systems, root, this.file, this.problems);
    this.problems.throwIfAny();
    const timezones = Object.entries($systems).flatMap(([name, { timezone }]) =>
      timezone ? [[name, timezone]] : [],
    );
    const limits = Object.entries($systems).map(([name, entry]) => [name, limitsOf(entry)] as const);
    return createRegistry(built, new Map(timezones as [string, string][]), new Map(limits));
  }

  private readRoot(): YamlMap {
    const bytes = readSmallFile(this.path, (reason) => {
      this.problems.add(this.file, 0, reason);
      return this.problems.error();
    });
    const root = readYaml(bytes.toString("utf8"), this.file, this.problems);
    this.problems.throwIfAny();
    if (root?.kind === "map") return root;
    this.problems.add(
      this.file,
      root?.line ?? 1,
      "holds no topics; write a topic's name with its entry below it",
    );
    throw this.problems.error();
  }

  private entriesOf(root: YamlNode): RegistryFile {
    const plain = plainValue(root) as Record<string, unknown>;
    const topics = Object.entries(plain).filter(([name]) => !name.startsWith("$")) as [string, TopicEntry][];
    return { ...(plain as Pick<RegistryFile, "$defaults" | "$systems">), topics };
  }

  private topic(name: string, entry: TopicEntry, defaults: ConsumerOptions, root: YamlNode): Topic {
    checkSystems(name, entry, root, this.file, this.problems);
    const version = Number(entry.schema.slice(1));
    const schemas = this.schemas(name, version, nodeAt(root, [name, "schema"]).line);
    this.checkKey(name, entry.key, schemas.get(version), root);
    return {
      name,
      qos: entry.qos,
      retentionMs: durationMs(entry.retention),
      version,
      schemas,
      casts: new Map(),
      producers: entry.producers,
      producerVersions: new Map(),
      consumers: entry.consumers.map((consumer) => consumerOf(consumer, defaults)),
      ...(entry.key === undefined ? {} : { keyPointer: entry.key }),
      ...(entry.laravel === undefined ? {} : { laravelEvent: entry.laravel.event }),
    };
  }

  private schemas(topic: string, current: number, line: number): Map<number, TopicSchema> {
    const schemas = new Map<number, TopicSchema>();
    for (let version = 1; version <= current; version++) {
      const file = `schemas/${topic}/v${version}.json`;
      if (this.files.has(file)) this.compile(file, version, schemas);
      else if (version === current) {
        this.problems.add(this.file, line, `schema v${version} of ${topic} has no file ${file}; create it`);
      }
    }
    return schemas;
  }

  private compile(file: string, version: number, schemas: Map<number, TopicSchema>): void {
    try {
      schemas.set(version, this.compiler.compile(file));
    } catch (error) {
      if (!(error instanceof SchemaProblem)) throw error;
      this.problems.add(error.file, 0, error.message);
    }
  }

  private checkKey(
    topic: string,
    key: string | undefined,
    schema: TopicSchema | undefined,
    root: YamlNode,
  ): void {
    if (key === undefined || schema === undefined) return;
    if (describes(schema.schema as Record<string, unknown>, pointerPath(key) ?? [])) return;
    const { line } = nodeAt(root, [topic, "key"]);
    this.problems.add(
      this.file,
      line,
      `key ${shown(key)} of ${topic} leads to nothing that its schema describes; write the path of a property, like /inspectionId`,
    );
  }
}
