import { resolve } from "node:path";
import type { Command } from "commander";
import { HmsSyncError } from "../errors.js";
import { type ArchiveCounts, incomplete, writeArchive } from "./archive-file.js";
import { type Cli, type JsonOption, jsonOption, query, writeJson } from "./cli.js";
import { type ExitCode, exit, usageError } from "./failure.js";
import { counted, printable, table } from "./text.js";

/** What is left of a consumer, as GET /v1/consumers/{name}/left gives it. */
interface Left {
  readonly topic: string;
  readonly owed: number;
  readonly dead: number;
}

interface RetireOptions extends JsonOption {
  readonly topic?: string;
  /** Undefined: a file in the working directory; false: none. */
  readonly archive?: string | false;
  readonly yes?: true;
}

/** Milliseconds: how long a removal may take, and between two notes of progress. */
const retireLimitMs = 600_000;
const progressMs = 2_000;

/** `hms-sync retire`: the end of a consumer that was taken out of topics.yaml. */
export function addRetire(program: Command, cli: Cli): void {
  program
    .command("retire")
    .description("archive what a consumer that was taken out of topics.yaml is still owed, then forget it")
    .argument("<name>", "the consumer, as hms-sync status lists it")
    .option("--topic <topic>", "only of this topic")
    .option("--archive <file>", "new file for the archive (default: retired-NAME-TIME.ndjson here)")
    .option("--no-archive", "archive nothing: what is owed is lost")
    .option("--yes", "do not ask")
    .option(...jsonOption)
    .addHelpText("after", help)
    .action(cli.verb((name: string, options: RetireOptions) => retire(cli, name, options)));
}

const help = `
Until then the bus keeps all that the consumer is owed, and put back into topics.yaml it goes on where it was. Retired, it
is gone: put back, it begins as a newcomer. The archive has one JSON line for each event and dead letter, the envelopes
byte for byte, and a last line with the counts. What breaks off half-way is finished by the same command.
Exit code 1 also when the question is answered with anything but the name.

Examples: hms-sync retire city-health
          hms-sync retire city-health --topic inspections.status --archive /backup/city-health.ndjson --yes`;

async function retire(cli: Cli, name: string, options: RetireOptions): Promise<ExitCode> {
  const { topic } = options;
  const of = `/v1/consumers/${encodeURIComponent(name)}`;
  const { left } = await cli.gateway.json<{ left: Left[] }>(`${of}/left${query({ topic })}`);
  const file = archiveFor(name, left, options);
  cli.output.note(leftInWords(name, left));
  if (options.yes !== true && !(await agreed(cli, name, left, file))) {
    cli.output.note("that is not the name; nothing was changed");
    return exit.failed;
  }
  const archived = file === undefined ? undefined : await archive(cli, name, options, file, left);
  const body = JSON.stringify({ topic });
  try {
    await cli.gateway.json(`${of}/retire`, { method: "POST", body, timeoutMs: retireLimitMs });
  } catch (error) {
    if (file !== undefined) cli.output.note(`the archive is whole: ${printable(file)}`);
    throw error;
  }
  if (options.json)
    await writeJson(cli.output, { consumer: name, archive: file ?? null, archived, retired: left });
  else await cli.output.write(`${retiredInWords(name, left, file, archived)}\n`);
  return exit.ok;
}

/** Where the archive goes; undefined when there is none to be. */
function archiveFor(name: string, left: readonly Left[], { archive }: RetireOptions): string | undefined {
  if (archive === false || owesNothing(left)) return undefined;
  const time = new Date().toISOString().replaceAll(":", "").replace(/\.\d+/, "");
  return resolve(archive ?? `retired-${name}-${time}.ndjson`);
}

function leftInWords(name: string, left: readonly Left[]): string {
  const rows = left.map(({ topic, owed, dead }) => [topic, owed, dead]);
  return `${printable(name)} is in topics.yaml no longer and is still owed:\n${table(["TOPIC", "OWED", "DEAD"], rows)}`;
}

async function agreed(cli: Cli, name: string, left: readonly Left[], file?: string): Promise<boolean> {
  const fate = file === undefined ? lost(left) : `This is written to ${file} and then removed`;
  const typed = await cli.ask(`${printable(fate)}. Type the consumer's name to retire it: `);
  if (typed === undefined)
    throw usageError("there is no terminal to ask on; add --yes to retire without a question");
  return typed.trim() === name;
}

function lost(left: readonly Left[]): string {
  return owesNothing(left) ? "Nothing is owed" : "This will be LOST: no archive is made";
}

function owesNothing(left: readonly Left[]): boolean {
  return left.every(({ owed, dead }) => owed + dead === 0);
}

async function archive(
  cli: Cli,
  name: string,
  { topic }: RetireOptions,
  file: string,
  left: readonly Left[],
): Promise<ArchiveCounts> {
  const expected = left.reduce((sum, { owed, dead }) => sum + owed + dead, 0);
  const stopping = new AbortController();
  void cli.stopSignal().then(() => stopping.abort());
  try {
    const path = `/v1/consumers/${encodeURIComponent(name)}/archive${query({ topic })}`;
    const { chunks } = await cli.gateway.stream(path, stopping.signal);
    return await writeArchive(file, chunks, progressOf(cli, expected));
  } catch (error) {
    if (stopping.signal.aborted) throw incomplete("it was stopped", error);
    if (error instanceof HmsSyncError && error.code === "connection_lost") {
      throw incomplete(`${error.message}, or the bus's log says why it ended`, error);
    }
    throw error;
  }
}

function progressOf(cli: Cli, expected: number): (lines: number) => void {
  let told = Date.now();
  return (lines) => {
    if (Date.now() - told < progressMs) return;
    told = Date.now();
    cli.output.note(`${lines} of about ${expected} archived`);
  };
}

function retiredInWords(
  name: string,
  left: readonly Left[],
  file: string | undefined,
  archived: ArchiveCounts | undefined,
): string {
  const retired = `${name} is retired from ${left.map(({ topic }) => topic).join(", ")}`;
  if (archived === undefined) return printable(retired);
  const { owed, dead } = archived;
  return [
    printable(retired),
    printable(`${counted(owed, "event")} owed and ${counted(dead, "dead letter")} are in ${file}`),
  ].join("\n");
}
