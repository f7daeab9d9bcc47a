import type { Command } from "commander";
import { type Cli, type JsonOption, jsonOption, query, writeJson } from "./cli.js";
import { type ExitCode, exit, usageError } from "./failure.js";
import { limit } from "./limit.js";
import { counted, printable, table } from "./text.js";

/** A dead letter as GET /v1/dead-letters gives it. */
export interface ListedDeadLetter {
  readonly id: string;
  readonly topic: string;
  readonly consumer: string;
  readonly at: string;
  readonly reason: string;
  readonly attempts: number;
  /** The envelope's text. */
  readonly envelope: string;
}

interface DeadOptions extends JsonOption {
  readonly topic?: string;
  readonly consumer?: string;
  readonly limit: number;
}

interface RedriveOptions extends JsonOption {
  readonly topic: string;
  readonly consumer: string;
  readonly all?: true;
}

/** Most dead letters that one request sends again, and how long (ms) that may take. */
const maxAtOnce = 10_000;
const redriveLimitMs = 600_000;

/** `hms-sync dead`: deliveries that were given up, and the way to owe them again. */
export function addDead(program: Command, cli: Cli): void {
  const dead = program
    .command("dead")
    .description("list deliveries that were given up, the newest first; dead redrive sends them again")
    .option("--topic <topic>", "only of this topic")
    .option("--consumer <name>", "only of this consumer")
    .option("--limit <n>", "how many at most", limit, 20)
    .option(...jsonOption)
    .addHelpText("after", "\nExample: hms-sync dead --consumer city-health")
    .action(cli.verb((options: DeadOptions) => list(cli, options)));
  dead
    .command("redrive")
    .description("owe dead letters to their consumer again, with their attempts counted anew")
    .argument("[ids...]", "ids as hms-sync dead shows them")
    .requiredOption("--topic <topic>", "topic of the dead letters")
    .requiredOption("--consumer <name>", "consumer of the dead letters")
    .option("--all", "all of this consumer and topic instead of single ids")
    .option(...jsonOption)
    .addHelpText("after", redriveHelp)
    .action(cli.verb((ids: string[], options: RedriveOptions) => redrive(cli, ids, options)));
}

const redriveHelp = `
Exit code 1 when one of the ids is no dead letter of this consumer.

Examples: hms-sync dead redrive --topic inspections.status --consumer city-health 1713884531000-0
          hms-sync dead redrive --topic inspections.status --consumer city-health --all`;

async function list(cli: Cli, options: DeadOptions): Promise<ExitCode> {
  const { topic, consumer } = options;
  const answer = await cli.gateway.json<{ dead_letters: ListedDeadLetter[] }>(
    `/v1/dead-letters${query({ topic, consumer, limit: options.limit })}`,
  );
  if (options.json) await writeJson(cli.output, answer);
  else await cli.output.write(`${deadInWords(answer.dead_letters)}\n`);
  return exit.ok;
}

/** The dead letters as a table; payloads are left to `--json`. */
export function deadInWords(letters: readonly ListedDeadLetter[]): string {
  if (letters.length === 0) return "no dead letters";
  const header = ["ID", "TOPIC", "CONSUMER", "DEAD SINCE", "ATTEMPTS", "EVENT", "REASON"];
  const rows = letters.map((letter) => {
    const { id, topic, consumer, at, attempts, reason, envelope } = letter;
    return [id, topic, consumer, at, attempts, eventId(envelope), reason];
  });
  return table(header, rows);
}

function eventId(envelope: string): string {
  try {
    return String((JSON.parse(envelope) as { id?: unknown }).id ?? "-");
  } catch {
    return "-"; // not ours to judge: the letter is listed all the same
  }
}

async function redrive(cli: Cli, ids: readonly string[], options: RedriveOptions): Promise<ExitCode> {
  if (options.all !== true && ids.length === 0) {
    throw usageError("which dead letters? write their ids (hms-sync dead shows them), or --all");
  }
  if (options.all === true && ids.length > 0) {
    throw usageError(`${ids[0]} and --all contradict each other; write one of them`);
  }
  const redriven =
    options.all === true ? await redriveAll(cli, options) : await redriveSome(cli, options, ids);
  const missing = ids.filter((id) => !redriven.includes(id));
  if (options.json) await writeJson(cli.output, { redriven, missing });
  else await cli.output.write(`${redrivenInWords(redriven, missing, options)}\n`);
  return missing.length === 0 ? exit.ok : exit.failed;
}

function redrivenInWords(
  redriven: readonly string[],
  missing: readonly string[],
  options: RedriveOptions,
): string {
  const { topic, consumer } = options;
  const done = `${counted(redriven.length, "dead letter")} of ${consumer} on ${topic} sent again`;
  const absent = missing.map(
    (id) => `${id} is no dead letter of ${consumer} on ${topic}; see: hms-sync dead`,
  );
  return [done, ...absent].map(printable).join("\n");
}

/** In portions, so that progress can be shown; ends when a portion was not full. */
async function redriveAll(cli: Cli, options: RedriveOptions): Promise<string[]> {
  const redriven: string[] = [];
  for (;;) {
    const portion = await post(cli, options, { all: true });
    redriven.push(...portion);
    if (portion.length < maxAtOnce) return redriven;
    cli.output.note(`${redriven.length} sent again so far`);
  }
}

async function redriveSome(cli: Cli, options: RedriveOptions, ids: readonly string[]): Promise<string[]> {
  return await post(cli, options, { ids });
}

async function post(cli: Cli, options: RedriveOptions, which: object): Promise<string[]> {
  const { topic, consumer } = options;
  const { redriven } = await cli.gateway.json<{ redriven: string[] }>("/v1/dead-letters/redrive", {
    method: "POST",
    body: JSON.stringify({ topic, consumer, ...which }),
    timeoutMs: redriveLimitMs,
  });
  return redriven;
}
