import { examplePayload } from "../../src/registry/catalogue/example.js";
import type { ObjectShape } from "../../src/registry/catalogue/shape.js";
import { readShapes } from "../../src/registry/catalogue/shape-reader.js";
import { typescriptOf } from "../../src/registry/catalogue/typescript.js";
import { createRegistry } from "../../src/registry/registry.js";
import type { Topic } from "../../src/registry/types.js";
import type { AnsweredTopic, Answers } from "./answers.js";
import { type Column, type ColumnStyle, columnsOf, eventIdColumn } from "./columns.js";
import { type Database, sqliteDriver } from "./databases.js";
import { mappingFile, type TableMapping } from "./mapping-file.js";
import { lettersOf } from "./names.js";
import { askedKey, likelyKey } from "./row-key.js";
import { type Files, filledTemplate } from "./template.js";
import type { KnownTopic } from "./topic-sources.js";

/** A project before it is written. */
export interface Project {
  readonly files: Files;
  readonly mappings: readonly TableMapping[];
  /** What the developer has to see to, in words. */
  readonly notes: readonly string[];
}

/** Makes the files of an adapter. @throws HmsSyncError `usage` for a key that no topic has. */
export function projectOf(answers: Answers, template: string): Project {
  const planned = answers.topics.map((topic) => planOf(topic, answers));
  const files = new Map(filledTemplate(answers.database.name, valuesOf(answers), template));
  files.set("package.json", packageFile(files.get("package.json")!, answers));
  files.set("mapping.yaml", mappingFile(planned.map(({ mapping }) => mapping)));
  for (const { mapping, sample } of planned) {
    files.set(`samples/${mapping.topic}.json`, `${JSON.stringify(sample ?? {}, null, 2)}\n`);
  }
  const known = answers.topics.filter(({ schema }) => schema !== undefined);
  if (known.length > 0) files.set("src/hms-sync-topics.ts", typesOf(known, answers.name));
  return {
    files,
    mappings: planned.map(({ mapping }) => mapping),
    notes: planned.flatMap(({ notes }) => notes),
  };
}

interface Plan {
  readonly mapping: TableMapping;
  readonly sample: unknown;
  readonly notes: readonly string[];
}

function planOf(topic: AnsweredTopic, { database, name }: Answers): Plan {
  const style = styleOf(topic, database);
  const { columns, sample } = readSchema(topic, style);
  const asked = topic.key === undefined ? likelyKey(columns, topic.keyPointer) : undefined;
  const needsId = topic.schema === undefined || asked?.length === 0;
  const all = needsId ? [eventIdColumn(style.letters), ...columns] : columns;
  const key = topic.key === undefined ? likelyKeyOf(asked!, all) : askedKey(topic.key, all, topic.name);
  const mapping = { topic: topic.name, table: topic.table, key, columns: inKey(all, key) };
  return { mapping, sample, notes: notesOf(topic, name, sample) };
}

function likelyKeyOf(likely: readonly string[], columns: readonly Column[]): string[] {
  return likely.length > 0 ? [...likely] : [columns[0]!.name];
}

/** A row without its key could never be found again. */
function inKey(columns: readonly Column[], key: readonly string[]): Column[] {
  return columns.map((column) => (key.includes(column.name) ? { ...column, required: true } : column));
}

function readSchema(topic: KnownTopic, style: ColumnStyle): { columns: Column[]; sample: unknown } {
  if (topic.schema === undefined) return { columns: [], sample: undefined };
  const shapes = readShapes(topic.schema.schema as never, "Payload");
  const { root } = shapes;
  const objects: ObjectShape[] = root.kind === "object" ? [root.object] : [];
  return {
    columns: objects.flatMap((object) => columnsOf(object, style)),
    sample: examplePayload(topicOf(topic, ""), topic.version, shapes),
  };
}

function styleOf({ table, key }: AnsweredTopic, database: Database): ColumnStyle {
  const letters = lettersOf(key?.[0] ?? "") ?? lettersOf(table.split(".").at(-1)!) ?? database.letters;
  return { database: database.name, letters };
}

function notesOf({ name, schema, consumed }: KnownTopic, system: string, sample: unknown): string[] {
  const notes: string[] = [];
  if (schema === undefined) {
    notes.push(
      `nothing is known of ${name}: mapping.yaml writes the event's id alone. Add its fields there and to samples/${name}.json, or begin anew with --schema, --topics or --url`,
    );
  } else if (sample === undefined) {
    notes.push(`no example of ${name} could be made of its schema: write one to samples/${name}.json`);
  }
  if (consumed === false) {
    notes.push(
      `topics.yaml of the bus has to name ${system} as a consumer of ${name}: ask for it by a pull request`,
    );
  }
  return notes;
}

function valuesOf({ name, database, url, topics }: Answers): Record<string, string> {
  return {
    name,
    service: name.replaceAll(/[^a-z0-9-]/g, "-"),
    database: database.label,
    databaseUrl: database.url,
    url: url ?? "https://hms-sync.example",
    topics: topics.map((topic) => topic.name).join(", "),
    firstTopic: topics[0]!.name,
    // The database's own file lies below the project, which systemd keeps read-only.
    unitWritable: database.name === "sqlite" ? `ReadWritePaths=/opt/${name}/data\n` : "",
  };
}

function packageFile(text: string, { database, client }: Answers): string {
  const manifest = JSON.parse(text) as { dependencies: object; devDependencies: object };
  const [driver, version] = database.driver;
  const [sqlite, sqliteVersion] = sqliteDriver;
  manifest.dependencies = sorted({ ...manifest.dependencies, "@hms-sync/client": client, [driver]: version });
  if (driver !== sqlite) {
    manifest.devDependencies = sorted({ ...manifest.devDependencies, [sqlite]: sqliteVersion });
  }
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

function sorted(record: object): object {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Types of the payloads, in the versions that the adapter is given. */
function typesOf(topics: readonly KnownTopic[], system: string): string {
  return typescriptOf(
    createRegistry(
      topics.map((topic) => topicOf(topic, system)),
      new Map(),
      new Map(),
    ),
    system,
  );
}

/** The topic as the catalogue takes it: what is not known of it has no part in types and examples. */
function topicOf({ name, version, schema }: KnownTopic, system: string): Topic {
  const options = {
    start: "window",
    ackWaitMs: 30_000,
    maxDeliver: 20,
    backoffMs: [],
    run: 500,
    order: "none",
  } as const;
  return {
    ...{ name, version, qos: "exactly_once", retentionMs: 0, producers: [], producerVersions: new Map() },
    schemas: new Map([[version, schema!]]),
    casts: new Map(),
    consumers: [{ name: system, version, ...options }],
  };
}
