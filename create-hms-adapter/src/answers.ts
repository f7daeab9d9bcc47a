import { resolve } from "node:path";
import type { Arguments } from "./arguments.js";
import type { ReachedBus } from "./bus.js";
import { type Database, databaseNamed, databaseNames, databases } from "./databases.js";
import { usageError } from "./failure.js";
import { adapterNameProblem, sqlNameOf, tableProblem, topicProblem } from "./names.js";
import type { Questions } from "./questions.js";
import { type KnownTopic, type TopicsFile, topicOfSchemaFile } from "./topic-sources.js";
import { mustBeFree } from "./write.js";

/** Everything that is needed to make an adapter. */
export interface Answers {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  readonly database: Database;
  readonly topics: readonly AnsweredTopic[];
  /** Of the bus, when it was told. */
  readonly url: string | undefined;
  /** What npm installs as @hms-sync/client. */
  readonly client: string;
}

export interface AnsweredTopic extends KnownTopic {
  readonly table: string;
  /** Columns or fields as they were asked for; undefined when the likely one is to be taken. */
  readonly key: readonly string[] | undefined;
}

/** Where topics can be looked up. */
export interface Sources {
  readonly file: TopicsFile | undefined;
  readonly bus: ReachedBus | undefined;
}

export interface Collecting {
  readonly given: Arguments;
  readonly sources: Sources;
  /** Absent where nobody can be asked. */
  readonly ask: Questions | undefined;
  readonly cwd: string;
  readonly client: string;
}

/**
 * What was given, what is asked, and defaults for the rest.
 * @throws HmsSyncError `usage` for what is missing and cannot be asked, naming the flag.
 */
export async function collectAnswers(parts: Collecting): Promise<Answers> {
  const { given, ask, cwd, client, sources } = parts;
  const name = given.name ?? (await askedName(ask));
  const folder = resolve(cwd, given.dir ?? name);
  mustBeFree(folder);
  const names = await topicNames(name, parts);
  const database = await databaseFor(given, ask);
  const topics: AnsweredTopic[] = [];
  for (const topic of names) {
    const known = await lookUp(topic, name, parts);
    const table = given.tables.get(topic) ?? given.tables.get("") ?? (await tableFor(topic, database, parts));
    topics.push({ ...known, table, key: given.keys.get(topic) ?? given.keys.get("") });
  }
  return { name, folder, database, topics, url: given.url ?? sources.bus?.url, client };
}

async function askedName(ask: Questions | undefined): Promise<string> {
  if (ask === undefined)
    throw usageError("NAME is missing; write create-hms-adapter treasury-payroll … (see --help)");
  return await ask.text("Name of the adapter, as the consumer is called in topics.yaml?", {
    example: "treasury-payroll",
    problemOf: adapterNameProblem,
  });
}

/** The topics asked for, else those that the system consumes, else what a person says. */
async function topicNames(name: string, { given, sources, ask }: Collecting): Promise<readonly string[]> {
  if (given.topics.length > 0) return given.topics;
  const consumed =
    sources.file?.consumedBy(name) ?? (sources.bus?.system === name ? sources.bus.consumes : []);
  if (ask === undefined || given.yes) {
    if (consumed.length > 0) return consumed;
    throw usageError("--topic is missing; name a topic to consume, like --topic payments.issued");
  }
  const known = consumed.length > 0 ? consumed : (sources.file?.names ?? []);
  if (known.length > 0) {
    return await ask.several(
      "Which topics does it consume?",
      known.map((value) => ({ value, label: value })),
    );
  }
  return [
    await ask.text("Which topic does it consume?", { example: "payments.issued", problemOf: topicProblem }),
  ];
}

async function databaseFor({ db }: Arguments, ask: Questions | undefined): Promise<Database> {
  if (db !== undefined) return databaseNamed(db)!;
  if (ask === undefined) throw usageError(`--db is missing; write one of ${databaseNames.join(", ")}`);
  const choices = databaseNames.map((value) => ({ value, label: databases[value].label }));
  return databases[await ask.one("Which database does it write to?", choices)];
}

async function tableFor(topic: string, { letters }: Database, { given, ask }: Collecting): Promise<string> {
  const initial = sqlNameOf(topic, letters);
  if (ask === undefined || given.yes) return initial;
  return await ask.text(`Which table do events of ${topic} go to?`, { initial, problemOf: tableProblem });
}

/** Of the file given for it, of topics.yaml, of the bus; else nothing is known of it. */
async function lookUp(
  topic: string,
  system: string,
  { given, sources, cwd }: Collecting,
): Promise<KnownTopic> {
  const schema = given.schemas.get(topic) ?? given.schemas.get("");
  const ofFile = sources.file?.topic(topic, system);
  if (schema !== undefined) return { ...ofFile, ...topicOfSchemaFile(topic, resolve(cwd, schema)) };
  return ofFile ?? (await sources.bus?.topic(topic, system)) ?? { name: topic, version: 1 };
}
