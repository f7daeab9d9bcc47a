import { resolve } from "node:path";
import type { Command } from "commander";
import { HmsSyncError } from "../errors.js";
import type { Registry, Topic } from "../registry/types.js";
import { type Cli, type JsonOption, jsonOption, writeJson } from "./cli.js";
import { type ExitCode, exit } from "./failure.js";
import { counted, duration, printable, table } from "./text.js";

/** `hms-sync topics`: what topics.yaml says. Reads the file; no bus is needed. */
export function addTopics(program: Command, cli: Cli): void {
  const topics = program.command("topics").description("check and show topics.yaml (needs no bus)");
  topics
    .command("validate")
    .description(
      "check topics.yaml and its schemas; exit code 1 with a line for each problem when it is invalid",
    )
    .argument("[file]", "path of the file (default: HMS_SYNC_CONFIG, else topics.yaml)")
    .option(...jsonOption)
    .addHelpText("after", "\nExample: hms-sync topics validate topics.yaml")
    .action(cli.verb((file: string | undefined, options: JsonOption) => validate(cli, file, options)));
  topics
    .command("ls")
    .description("list the topics with their producers and consumers")
    .option(...jsonOption)
    .addHelpText("after", "\nExample: hms-sync topics ls")
    .action(cli.verb((options: JsonOption) => list(cli, options)));
}

async function validate(cli: Cli, file: string | undefined, { json }: JsonOption): Promise<ExitCode> {
  const path = file === undefined ? cli.config().topicsFile : resolve(file);
  let registry: Registry;
  try {
    registry = await load(path);
  } catch (error) {
    if (!json || !(error instanceof HmsSyncError)) throw error;
    await writeJson(cli.output, { valid: false, file: path, problems: error.message.split("\n") });
    return exit.failed;
  }
  if (json) await writeJson(cli.output, { valid: true, file: path, ...asJson(registry) });
  else await cli.output.write(`${printable(path)} is valid: ${inWords(registry)}\n\n${asTable(registry)}\n`);
  return exit.ok;
}

async function list(cli: Cli, { json }: JsonOption): Promise<ExitCode> {
  const registry = await load(cli.config().topicsFile);
  if (json) await writeJson(cli.output, asJson(registry));
  else await cli.output.write(`${asTable(registry)}\n`);
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

function asTable({ topics }: Registry): string {
  const header = ["TOPIC", "QOS", "VERSION", "RETENTION", "PRODUCERS", "CONSUMERS"];
  return table(header, [...topics.values()].map(row));
}

function row(topic: Topic): string[] {
  const { name, qos, version, retentionMs, producers, consumers } = topic;
  const consumerNames = consumers.map((consumer) => consumer.name);
  return [name, qos, `v${version}`, duration(retentionMs), listed(producers), listed(consumerNames)];
}

function listed(names: readonly string[]): string {
  return names.join(", ") || "-";
}

function asJson({ digest, topics }: Registry): Record<string, unknown> {
  const described = [...topics.values()].map((topic) => ({
    name: topic.name,
    qos: topic.qos,
    version: topic.version,
    versions: [...topic.schemas.keys()],
    retention_ms: topic.retentionMs,
    ...(topic.keyPointer === undefined ? {} : { key: topic.keyPointer }),
    producers: topic.producers,
    consumers: topic.consumers.map(({ name }) => name),
  }));
  return { digest, topics: described };
}
