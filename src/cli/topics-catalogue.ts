import { basename, dirname, resolve } from "node:path";
import { type Command, Option } from "commander";
import type { GeneratedFile } from "../registry/catalogue/generated.js";
import type { Registry } from "../registry/types.js";
import { type Cli, type JsonOption, jsonOption, writeJson } from "./cli.js";
import { type ExitCode, exit, usageError } from "./failure.js";
import { writeGenerated } from "./generated-files.js";
import { counted, printable } from "./text.js";

interface OutOption extends JsonOption {
  readonly out?: string;
}

interface TypesOptions extends OutOption {
  readonly language: "typescript" | "php";
  readonly consumer?: string;
  readonly namespace: string;
}

interface AsyncApiOptions extends OutOption {
  readonly url: string;
}

const fileArgument = ["[file]", "path of topics.yaml (default: HMS_SYNC_CONFIG, else topics.yaml)"] as const;

/** `hms-sync topics asyncapi | types | docs`: what the registry tells programs and people. No bus is needed. */
export function addTopicsCatalogue(topics: Command, cli: Cli): void {
  topics
    .command("asyncapi")
    .description("describe the topics as AsyncAPI 3.0, in YAML; in JSON with --json")
    .argument(...fileArgument)
    .option("--out <file>", "write to this file instead of printing")
    .option("--url <url>", "address of the bus", "http://127.0.0.1:8480")
    .option(...jsonOption)
    .addHelpText("after", "\nExample: hms-sync topics asyncapi --out asyncapi.yaml --url https://bus.example")
    .action(cli.verb((file: string | undefined, options: AsyncApiOptions) => asyncapi(cli, file, options)));
  topics
    .command("types")
    .description("make types of the payloads: TypeScript for @hms-sync/client, or PHP classes for Laravel")
    .argument(...fileArgument)
    .addOption(
      new Option("--language <name>", "language").choices(["typescript", "php"]).default("typescript"),
    )
    .option("--consumer <name>", "only what this consumer gets, in its versions")
    .option("--namespace <name>", "namespace of the PHP classes", "App\\Events\\HmsSync")
    .option("--out <path>", "the file (TypeScript) or folder (PHP) to write to instead of printing")
    .option(...jsonOption)
    .addHelpText(
      "after",
      "\nExample: hms-sync topics types --consumer city-health --out src/hms-sync-topics.ts",
    )
    .action(cli.verb((file: string | undefined, options: TypesOptions) => types(cli, file, options)));
  topics
    .command("docs")
    .description("write the catalogue as web pages: topics, systems, fields, examples, versions")
    .argument(...fileArgument)
    .requiredOption("--out <folder>", "the folder to write to")
    .option(...jsonOption)
    .addHelpText("after", "\nExample: hms-sync topics docs --out public/topics")
    .action(cli.verb((file: string | undefined, options: OutOption) => docs(cli, file, options)));
}

async function asyncapi(cli: Cli, file: string | undefined, options: AsyncApiOptions): Promise<ExitCode> {
  if (!/^https?:\/\/[^\s/]/.test(options.url) || !URL.canParse(options.url)) {
    throw usageError(`--url ${options.url} is not an http(s) address; write one like https://bus.example`);
  }
  const registry = await load(cli, file);
  const { asyncApiOf, asYaml } = await import("../registry/catalogue/asyncapi.js");
  const document = asyncApiOf(registry, options.url);
  const text =
    options.json || options.out?.endsWith(".json")
      ? `${JSON.stringify(document, null, 2)}\n`
      : asYaml(document);
  if (options.out === undefined) await cli.output.write(text);
  else await writeOne(cli, options.out, text, {});
  return exit.ok;
}

async function types(cli: Cli, file: string | undefined, options: TypesOptions): Promise<ExitCode> {
  const { consumer, language, out } = options;
  const registry = await load(cli, file);
  if (consumer !== undefined) await checkConsumer(cli, registry, consumer);
  if (language === "php") return await phpTypes(cli, registry, options);
  const { typescriptOf } = await import("../registry/catalogue/typescript.js");
  const text = typescriptOf(registry, consumer);
  if (out !== undefined) await writeOne(cli, out, text, options);
  else if (options.json) await writeJson(cli.output, { files: [{ path: "hms-sync-topics.ts", text }] });
  else await cli.output.write(text);
  return exit.ok;
}

async function phpTypes(
  cli: Cli,
  registry: Registry,
  { consumer, namespace, out, json }: TypesOptions,
): Promise<ExitCode> {
  if (!/^[A-Za-z_]\w*(\\[A-Za-z_]\w*)*$/.test(namespace)) {
    throw usageError(`--namespace ${namespace} is no namespace of PHP; write one like App\\Events\\HmsSync`);
  }
  const { phpOf } = await import("../registry/catalogue/php.js");
  const { files, inbound } = phpOf(registry, namespace, consumer);
  if (out !== undefined) await writeAll(cli, out, files, json);
  else if (json) await writeJson(cli.output, { files, inbound });
  else await cli.output.write(files.map(({ path, text }) => `// ${path}\n${text}`).join("\n"));
  if (!json) cli.output.note(`for config/hms-sync.php:\n\n${inbound}`);
  return exit.ok;
}

async function docs(cli: Cli, file: string | undefined, { out, json }: OutOption): Promise<ExitCode> {
  const registry = await load(cli, file);
  const { docsOf } = await import("../registry/catalogue/docs.js");
  await writeAll(cli, out!, docsOf(registry), json);
  return exit.ok;
}

async function load(cli: Cli, file: string | undefined): Promise<Registry> {
  const { loadRegistry } = await import("../registry/load.js");
  return await loadRegistry(file === undefined ? cli.config().topicsFile : resolve(file));
}

async function checkConsumer(cli: Cli, registry: Registry, consumer: string): Promise<void> {
  const consumers = [...registry.topics.values()].flatMap((topic) => topic.consumers.map(({ name }) => name));
  if (!consumers.includes(consumer)) {
    const known = [...new Set(consumers)].toSorted().join(", ") || "none";
    throw usageError(`${printable(consumer)} consumes no topic of topics.yaml; consumers are: ${known}`);
  }
  const { unpinnedTopics } = await import("../registry/catalogue/select.js");
  for (const { name, version } of unpinnedTopics(registry, consumer)) {
    cli.output.note(
      `${consumer} has no version for ${name} in topics.yaml; v${version} is taken, the bus may give it an older one. ` +
        "Write its version down: hms-sync topics validate --fix",
    );
  }
}

async function writeOne(cli: Cli, out: string, text: string, { json }: JsonOption): Promise<void> {
  await writeAll(cli, dirname(resolve(out)), [{ path: basename(out), text }], json, false);
}

async function writeAll(
  cli: Cli,
  out: string,
  files: readonly GeneratedFile[],
  json: true | undefined,
  tidy = true,
): Promise<void> {
  const folder = resolve(out);
  const result = await writeGenerated(folder, files, tidy);
  if (json) return await writeJson(cli.output, { folder, ...result });
  const { written, unchanged, removed } = result;
  const told = [
    `${counted(written.length, "file")} written`,
    ...(unchanged.length === 0 ? [] : [`${unchanged.length} unchanged`]),
    ...(removed.length === 0 ? [] : [`removed: ${removed.join(", ")}`]),
  ];
  await cli.output.write(`${printable(folder)}: ${printable(told.join(", "))}\n`);
}
