import { parseArgs } from "node:util";
import { didYouMean } from "../../src/registry/suggest.js";
import { usageError } from "./failure.js";
import { adapterNameProblem, columnProblem, databaseProblem, tableProblem, topicProblem } from "./names.js";

/** What a command line asks for; what it leaves open is asked on the terminal, or has a default. */
export interface Arguments {
  readonly name?: string;
  /** Where the project goes; a folder of the adapter's name unless given. */
  readonly dir?: string;
  readonly db?: string;
  readonly topics: readonly string[];
  readonly tables: PerTopic<string>;
  readonly keys: PerTopic<readonly string[]>;
  /** Files with JSON Schemas. */
  readonly schemas: PerTopic<string>;
  /** Path of a topics.yaml. */
  readonly topicsFile?: string;
  readonly url?: string;
  readonly token?: string;
  /** What @hms-sync/client is installed from: a version, a path of a tarball. */
  readonly client?: string;
  readonly yes: boolean;
  readonly install: boolean;
  readonly json: boolean;
  readonly help: boolean;
  readonly version: boolean;
}

/** By topic; the value of the one topic there is stands under the empty name. */
export type PerTopic<Value> = ReadonlyMap<string, Value>;

const options = {
  topic: { type: "string", multiple: true },
  db: { type: "string" },
  table: { type: "string", multiple: true },
  key: { type: "string", multiple: true },
  dir: { type: "string" },
  schema: { type: "string", multiple: true },
  topics: { type: "string" },
  url: { type: "string" },
  token: { type: "string" },
  client: { type: "string" },
  yes: { type: "boolean", short: "y" },
  install: { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "V" },
} as const;

export const help = `Usage: create-hms-adapter [NAME] [options]

Makes a small TypeScript project that writes events of HMS-Sync into a table of a SQL database.
NAME is the consumer's name in topics.yaml, like treasury-payroll.

  --topic TOPIC        a topic to consume, like payments.issued; may be repeated
  --db DATABASE        postgres, mysql (MariaDB too), mssql, oracle or sqlite
  --table TABLE        the table its events are written to; of several topics: TOPIC=TABLE
  --key COLUMN         column or payload field by which a row is found again, or several with commas; of several
                       topics: TOPIC=COLUMN
  --dir FOLDER         where the project goes (default: NAME); must be empty or not be there
  --schema FILE        JSON Schema of the topic's payload; of several topics: TOPIC=FILE
  --topics FILE        a topics.yaml with schemas/ beside it, to take topics and schemas from
  --url URL            ask this bus for the schemas (or HMS_SYNC_URL), with
  --token TOKEN        the consumer's token (or HMS_SYNC_TOKEN)
  --install            run npm install in the project
  -y, --yes            ask nothing; what is not given gets its default
  --json               print what was made as JSON, and ask nothing
  -h, --help           print this
  -V, --version        print the version

Example: npx create-hms-adapter treasury-payroll --topic payments.issued --db postgres --table PAYMENTS --key PAY_NO --yes
Exit codes: 0 done, 1 failed, 2 called in a way that cannot work.
`;

/** Reads a command line (without node and script). @throws HmsSyncError `usage` naming the value and the remedy. */
export function readArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parsed(argv);
  if (positionals.length > 1) {
    throw usageError(`one NAME is taken, and ${positionals.length} are given: ${positionals.join(" ")}`);
  }
  const name = positionals[0];
  const { topic = [], table = [], key = [], schema = [], ...rest } = values;
  check(adapterNameProblem, name);
  check(databaseProblem, values.db);
  for (const text of topic) check(topicProblem, text);
  const topics = [...new Set(topic)];
  const tables = perTopic("--table", table, topics, (text) => checked(tableProblem, text));
  const keys = perTopic("--key", key, topics, (text) =>
    text.split(",").map((one) => checked(keyProblem, one)),
  );
  const schemas = perTopic("--schema", schema, topics, (file) => file);
  const { topics: topicsFile, db, dir, url, token, client } = rest;
  const given = { name, db, dir, topicsFile, url, token, client };
  const { yes = false, install = false, json = false, help = false, version = false } = rest;
  return { ...present(given), topics, tables, keys, schemas, ...{ yes, install, json, help, version } };
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    if (code !== "ERR_PARSE_ARGS_UNKNOWN_OPTION") throw usageError(`${message} (see --help)`);
    const option = /'(-[^']*)'/.exec(message)?.[1] ?? "";
    const known = Object.keys(options).map((one) => `--${one}`);
    throw usageError(`there is no option ${option}${didYouMean(option, known)} (see --help)`);
  }
}

/** Values written `TOPIC=VALUE`, or `VALUE` for the one topic there is. */
function perTopic<Value>(
  option: string,
  given: readonly string[],
  topics: readonly string[],
  read: (text: string) => Value,
): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const text of given) {
    const [, topic = "", value = ""] = /^(?:([a-z0-9][a-z0-9._-]*)=)?(.*)$/s.exec(text) ?? [];
    if (topic !== "" && topics.length > 0 && !topics.includes(topic)) {
      throw usageError(`${option} ${text}: ${topic} is none of the topics given${didYouMean(topic, topics)}`);
    }
    if (topic === "" && topics.length > 1) {
      throw usageError(
        `${option} ${text} does not say which topic it is for; write ${option} ${topics[0]}=${text}`,
      );
    }
    if (values.has(topic))
      throw usageError(`${option} is given twice${topic === "" ? "" : ` for ${topic}`}; leave one out`);
    values.set(topic, read(value));
  }
  return values;
}

/** A key is a column, or a field of the payload, whose names are any. */
function keyProblem(text: string): string | undefined {
  return /^[^\s,]+$/.test(text) ? undefined : (columnProblem(text) ?? undefined);
}

function check(problemOf: (text: string) => string | undefined, text: string | undefined): void {
  if (text !== undefined) checked(problemOf, text);
}

function checked(problemOf: (text: string) => string | undefined, text: string): string {
  const problem = problemOf(text);
  if (problem !== undefined) throw usageError(problem);
  return text;
}

function present<T extends object>(given: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as never;
}
