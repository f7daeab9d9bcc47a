import { resolve } from "node:path";
import type { Command } from "commander";
import { HmsSyncError } from "../errors.js";
import type { Pin } from "../registry/pin-versions.js";
import type { Registry } from "../registry/types.js";
import { type Cli, type JsonOption, jsonOption, writeJson } from "./cli.js";
import { type ExitCode, exit, usageError } from "./failure.js";
import { counted, printable } from "./text.js";
import { addTopicsCatalogue } from "./topics-catalogue.js";
import { addTopicsDiff } from "./topics-diff.js";
import { registryJson, topicsTable } from "./topics-text.js";

/** `hms-sync topics`: what topics.yaml says. Reads the file; no bus is needed. */
export function addTopics(program: Command, cli: Cli): void {
  const topics = program.command("topics").description("check and show topics.yaml (needs no bus)");
  topics
    .command("validate")
    .description(
      "check topics.yaml and its schemas; exit code 1 with a line for each problem when it is invalid",
    )
    .argument("[file]", "path of the file (default: HMS_SYNC_CONFIG, else topics.yaml)")
    .option("--fix", "write `version: vN` to every consumer that states none, and keep all else as it is")
    .option(
      "--against <ref|file>",
      "with --fix: what says which version a consumer has (default: HEAD, if it is there)",
    )
    .option(...jsonOption)
    .addHelpText("after", "\nExample: hms-sync topics validate topics.yaml --fix --against main")
    .action(cli.verb((file: string | undefined, options: ValidateOptions) => validate(cli, file, options)));
  topics
    .command("ls")
    .description("list the topics with their producers and consumers: versions, order, filters")
    .option(...jsonOption)
    .addHelpText("after", "\nExample: hms-sync topics ls")
    .action(cli.verb((options: JsonOption) => list(cli, options)));
  addTopicsDiff(topics, cli);
  addTopicsCatalogue(topics, cli);
}

interface ValidateOptions extends JsonOption {
  readonly fix?: true;
  readonly against?: string;
}

async function validate(cli: Cli, file: string | undefined, options: ValidateOptions): Promise<ExitCode> {
  if (options.against !== undefined && !options.fix) {
    throw usageError("--against says which versions --fix writes; add --fix, or call hms-sync topics diff");
  }
  const path = file === undefined ? cli.config().topicsFile : resolve(file);
  try {
    const checked = options.fix ? await fix(path, options.against) : { registry: await load(path) };
    await cli.output.write(`${options.json ? validJson(path, checked) : validText(path, checked)}\n`);
    return exit.ok;
  } catch (error) {
    if (!options.json || !isInvalid(error)) throw error;
    await writeJson(cli.output, { valid: false, file: path, problems: error.message.split("\n") });
    return exit.failed;
  }
}

/** A valid file, and what was written into it, when that was asked for. */
interface Checked {
  readonly registry: Registry;
  readonly pins?: readonly Pin[];
}

function validText(path: string, { registry, pins }: Checked): string {
  const written = pins === undefined ? "" : `${pinLines(pins)}\n`;
  return `${written}${printable(path)} is valid: ${inWords(registry)}\n\n${topicsTable(registry)}`;
}

function validJson(path: string, { registry, pins }: Checked): string {
  const fixed = pins?.map(({ topic, consumer, version }) => ({ topic, consumer, version }));
  return JSON.stringify({ valid: true, file: path, ...(fixed && { fixed }), ...registryJson(registry) });
}

/** Without `against`, the committed file says the versions where there is one. */
async function fix(path: string, against: string | undefined): Promise<Checked> {
  const { isCommitted, registryAgainst } = await import("./against.js");
  const { pinFile } = await import("../registry/pin-file.js");
  const commit = against ?? ((await isCommitted(path)) ? "HEAD" : undefined);
  return await pinFile(path, commit === undefined ? undefined : await registryAgainst(commit, path));
}

function isInvalid(error: unknown): error is HmsSyncError {
  return error instanceof HmsSyncError && error.code === "invalid_registry";
}

function pinLines(pins: readonly Pin[]): string {
  const lines = pins.map(({ topic, consumer, version, known }) => {
    const why = known ? "which it had" : "the current one: it is new";
    return `wrote version: v${version} for ${consumer} of ${topic}, ${why}\n`;
  });
  return lines.join("") || "every consumer states its version; nothing was written\n";
}

async function list(cli: Cli, { json }: JsonOption): Promise<ExitCode> {
  const registry = await load(cli.config().topicsFile);
  if (json) await writeJson(cli.output, registryJson(registry));
  else await cli.output.write(`${topicsTable(registry)}\n`);
  return exit.ok;
}

/** Loaded on demand: most verbs need neither YAML nor JSON Schema. */
async function load(path: string): Promise<Registry> {
  const { loadRegistry } = await import("../registry/load.js");
  return await loadRegistry(path);
}

function inWords({ topics, systems }: Registry): string {
  return `${counted(topics.size, "topic")}, ${counted(systems.size - 1, "system")}`; // admin is in no file
}
