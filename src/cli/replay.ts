import type { Command } from "commander";
import { type Cli, type JsonOption, jsonOption, writeJson } from "./cli.js";
import { type ExitCode, exit, usageError } from "./failure.js";
import { counted, printable } from "./text.js";

interface ReplayOptions extends JsonOption {
  readonly consumer: string;
  readonly since?: string;
  readonly until?: string;
  readonly redo?: true;
  readonly dryRun?: true;
  readonly cancel?: true;
}

/** The answer of POST /v1/topics/{topic}/replay; `replay` only when one was begun. */
interface Begun {
  readonly replay?: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly events: number;
}

/** Milliseconds: how long the bus may look for what is owed already, and count. */
const beginLimitMs = 120_000;

/** `hms-sync replay`: owes a consumer what it had already once more. */
export function addReplay(program: Command, cli: Cli): void {
  program
    .command("replay")
    .description("owe a consumer events of a topic once more, from what the bus keeps")
    .argument("<topic>", "the topic")
    .requiredOption("--consumer <name>", "whom to send them to")
    .option(
      "--since <when>",
      "recorded from then on: 10m, 2h30m, an RFC 3339 time, or 0 for all that is kept",
    )
    .option("--until <when>", "recorded before then (default: all it was handed so far)")
    .option("--redo", "let them count as new with those that keep account of what was done (once)")
    .option("--dry-run", "only say how many events that would be")
    .option("--cancel", "end the replay that runs; what it has brought stays owed")
    .option(...jsonOption)
    .addHelpText("after", help)
    .action(cli.verb((topic: string, options: ReplayOptions) => replay(cli, topic, options)));
}

const help = `
The events come in the order in which they were recorded, beside what is new, marked as replayed. What is owed already when
it begins is left out: it comes anyway. An adapter that uses once does nothing for an event it has done; with --redo it does it again.
hms-sync status shows how far it is. One replay of a topic and consumer at a time.

Examples: hms-sync replay inspections.status --consumer city-health --since 10m
          hms-sync replay inspections.status --consumer city-health --since 2024-04-23T15:00:00Z --redo --dry-run
          hms-sync replay inspections.status --consumer city-health --cancel`;

async function replay(cli: Cli, topic: string, options: ReplayOptions): Promise<ExitCode> {
  const { consumer, since, until, redo, dryRun } = options;
  if (options.cancel) return await cancel(cli, topic, options);
  if (since === undefined)
    throw usageError("since when? write --since 10m, a time, or 0 for all that is kept");
  const begun = await cli.gateway.json<Begun>(pathOf(topic), {
    method: "POST",
    headers: { "hms-sync-consumer": consumer },
    body: JSON.stringify({ since, until, redo, dry_run: dryRun }),
    timeoutMs: beginLimitMs,
  });
  if (options.json) await writeJson(cli.output, begun);
  else await cli.output.write(`${printable(begunInWords(topic, consumer, begun))}\n`);
  return exit.ok;
}

async function cancel(cli: Cli, topic: string, options: ReplayOptions): Promise<ExitCode> {
  const { consumer, since, until, redo, dryRun } = options;
  if ([since, until, redo, dryRun].some((option) => option !== undefined)) {
    throw usageError("--cancel goes with --consumer alone; it ends whichever replay runs");
  }
  const cancelled = await cli.gateway.json<{ done: number; of: number }>(pathOf(topic), {
    method: "DELETE",
    headers: { "hms-sync-consumer": consumer },
  });
  const text = `the replay of ${topic} for ${consumer} is cancelled; ${counted(cancelled.of - cancelled.done, "event")} of it stay owed`;
  if (options.json) await writeJson(cli.output, cancelled);
  else await cli.output.write(`${printable(text)}\n`);
  return exit.ok;
}

function pathOf(topic: string): string {
  return `/v1/topics/${encodeURIComponent(topic)}/replay`;
}

function begunInWords(topic: string, consumer: string, { replay: begun, from, to, events }: Begun): string {
  if (events === 0) return `the bus keeps no event of ${topic} of that time that ${consumer} was handed`;
  const what = `${counted(events, "event")} of ${topic}, recorded from ${from} to ${to}`;
  if (begun === undefined) return `${what}, would go to ${consumer} again; nothing was begun`;
  return `${what}, go to ${consumer} again; hms-sync status shows how far it is`;
}
