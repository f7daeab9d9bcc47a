import type { Command } from "commander";
import { type Cli, type JsonOption, jsonOption, query, writeJson } from "./cli.js";
import { type ExitCode, exit } from "./failure.js";
import { limit } from "./limit.js";
import { printable, printableBytes } from "./text.js";

/** A reject as GET /v1/rejects gives it. */
export interface ListedReject {
  readonly id: string;
  readonly at: string;
  readonly code: string;
  readonly reason: string;
  readonly door: string;
  readonly source: string;
  readonly channel: string;
  /** Size of the original, of which the next member has at most the first 64 KiB. */
  readonly original_bytes: number;
  readonly original_base64: string;
}

interface RejectsOptions extends JsonOption {
  readonly limit: number;
}

/** `hms-sync rejects`: what came in and could not become an envelope, with the reason and the original bytes. */
export function addRejects(program: Command, cli: Cli): void {
  program
    .command("rejects")
    .description("list what came in and could not become an event, the newest first")
    .option("--limit <n>", "how many at most", limit, 20)
    .option(...jsonOption)
    .addHelpText("after", help)
    .action(cli.verb((options: RejectsOptions) => rejects(cli, options)));
}

const help = `
Control characters of the original are shown as escapes; --json has its exact bytes (the first 64 KiB of original_bytes) in
original_base64.

Example: hms-sync rejects --limit 5`;

async function rejects(cli: Cli, options: RejectsOptions): Promise<ExitCode> {
  const answer = await cli.gateway.json<{ rejects: ListedReject[] }>(
    `/v1/rejects${query({ limit: options.limit })}`,
  );
  if (options.json) await writeJson(cli.output, answer);
  else await cli.output.write(`${rejectsInWords(answer.rejects)}\n`);
  return exit.ok;
}

/** The rejects as blocks of lines. */
export function rejectsInWords(listed: readonly ListedReject[]): string {
  return listed.length === 0 ? "no rejects" : listed.map(block).join("\n\n");
}

function block(reject: ListedReject): string {
  const { at, code, reason, door, source, channel } = reject;
  const origin = [`door ${door}`, source && `source ${source}`, channel && `channel ${channel}`];
  return [
    `${at}  ${printable(code)}  (${printable(origin.filter(Boolean).join(", "))})`,
    `  reason    ${printable(reason)}`,
    `  original  ${printableBytes(Buffer.from(reject.original_base64, "base64"), reject.original_bytes) || "(empty)"}`,
  ].join("\n");
}
