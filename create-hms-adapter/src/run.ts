import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { printableLines } from "../../src/cli/text.js";
import { HmsSyncError } from "../../src/errors.js";
import { type Answers, collectAnswers, type Sources } from "./answers.js";
import { type Arguments, help, readArguments } from "./arguments.js";
import { ReachedBus } from "./bus.js";
import { type ExitCode, exit, exitCodeOf, failure } from "./failure.js";
import { type Project, projectOf } from "./project.js";
import type { Questions } from "./questions.js";
import { TopicsFile } from "./topic-sources.js";
import { writeFiles } from "./write.js";

/** What a run sees of the world. */
export interface World {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** The scaffold's own package: package.json and template/ are in it. */
  readonly home: string;
  /** Questions to a person; undefined where nobody can answer. */
  questions(): Promise<Questions | undefined>;
  /** Standard output. */
  write(text: string): void;
  /** Standard error. */
  warn(text: string): void;
}

/** Runs one command line (without node and script) and resolves to its exit code; never rejects. */
export async function run(argv: readonly string[], world: World): Promise<ExitCode> {
  try {
    const given = readArguments(argv);
    if (given.help) world.write(help);
    else if (given.version) world.write(`${versionOf(world)}\n`);
    else await make(given, world);
    return exit.ok;
  } catch (error) {
    world.warn(argv.includes("--json") ? errorJson(error) : describe(error));
    return exitCodeOf(error);
  }
}

async function make(given: Arguments, world: World): Promise<void> {
  const notes: string[] = [];
  const sources = await openSources(given, world, notes);
  try {
    const ask = given.yes || given.json ? undefined : await world.questions();
    const client = clientOf(given, world);
    const answers = await collectAnswers({ given, sources, ask, cwd: world.cwd, client });
    const project = projectOf(answers, join(world.home, "template"));
    writeFiles(answers.folder, project.files);
    if (given.install) install(answers.folder);
    report(answers, { ...project, notes: [...notes, ...project.notes] }, given, world);
  } finally {
    sources.bus?.close();
  }
}

/** A bus that only the environment names is asked too; when it does not answer, that is told and no more. */
async function openSources(given: Arguments, { cwd, env }: World, notes: string[]): Promise<Sources> {
  const { topicsFile, token } = given;
  const file = topicsFile === undefined ? undefined : await TopicsFile.read(resolve(cwd, topicsFile));
  const url = given.url ?? (env.HMS_SYNC_URL || undefined);
  if (url === undefined || file !== undefined || given.schemas.size > 0) return { file, bus: undefined };
  try {
    return { file, bus: await ReachedBus.reach({ url, token }) };
  } catch (error) {
    if (given.url !== undefined || !(error instanceof HmsSyncError)) throw error;
    notes.push(`the bus that HMS_SYNC_URL names told nothing: ${error.message}`);
    return { file, bus: undefined };
  }
}

/** The client of the scaffold's own release, unless another is named. */
function clientOf({ client }: Arguments, world: World): string {
  const { cwd, env } = world;
  const spec = client ?? (env.HMS_SYNC_CLIENT_PACKAGE || undefined);
  if (spec === undefined) return `^${versionOf(world)}`;
  return existsSync(resolve(cwd, spec)) ? `file:${resolve(cwd, spec)}` : spec;
}

function install(folder: string): void {
  const { status, error } = spawnSync("npm", ["install", "--no-audit", "--no-fund"], {
    cwd: folder,
    stdio: ["ignore", 2, 2], // standard output is the report's
    shell: process.platform === "win32", // npm is a script there
  });
  if (status === 0) return;
  throw failure(
    "install_failed",
    `npm install failed in ${folder}; the files are there, run it again`,
    error,
  );
}

function report(
  { name, folder, database, topics }: Answers,
  project: Project,
  given: Arguments,
  world: World,
): void {
  const { mappings, notes, files } = project;
  const place = relative(world.cwd, folder) || ".";
  const next = [
    ...(place === "." ? [] : [`cd ${place}`]),
    ...(given.install ? [] : ["npm install"]),
    ...["npm run check", "npm test", "cp .env.example .env", "npm start"],
  ];
  if (given.json) {
    const told = mappings.map(({ topic, table, key, columns }, index) => ({
      ...{ topic, version: topics[index]!.schema === undefined ? null : topics[index]!.version, table, key },
      columns: columns.filter(({ proposed }) => !proposed).map((column) => column.name),
    }));
    const made = {
      name,
      folder,
      database: database.name,
      topics: told,
      files: [...files.keys()].toSorted(),
      notes,
      next,
    };
    world.write(`${JSON.stringify(made)}\n`);
    return;
  }
  const lines = [
    `${name}: ${files.size} files in ${place}, for ${database.label}`,
    ...mappings.map(({ topic, table, key }) => `  ${topic} -> ${table}, a row for each ${key.join(", ")}`),
    ...notes.map((note) => `note: ${note}`),
    "",
    "next:",
    ...next.map((line) => `  ${line}`),
    "",
  ];
  world.write(printableLines(lines.join("\n")));
}

function versionOf({ home }: World): string {
  return (JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as { version: string }).version;
}

function describe(error: unknown): string {
  const text = error instanceof HmsSyncError ? error.message : ((error as Error)?.stack ?? String(error));
  return `error: ${printableLines(text)}\n`;
}

function errorJson(error: unknown): string {
  const { code, message } =
    error instanceof HmsSyncError ? error : { code: "unexpected", message: String(error) };
  return `${JSON.stringify({ code, detail: message })}\n`;
}
