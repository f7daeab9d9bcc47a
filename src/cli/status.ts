import type { Command } from "commander";
import { type Cli, type JsonOption, jsonOption, writeJson } from "./cli.js";
import { type ExitCode, exit } from "./failure.js";
import { type BusStatus, statusInWords } from "./status-text.js";

/** `hms-sync status`: how the bus is, what each consumer is owed, and what each way in promises. */
export function addStatus(program: Command, cli: Cli): void {
  program
    .command("status")
    .description("show how the bus is and what each consumer is owed; exit code 1 when its state is red")
    .option(...jsonOption)
    .option(
      "--acknowledge",
      "say that what a ledger lost has been sent again; the state is not red for it any more",
    )
    .addHelpText("after", help)
    .action(cli.verb((options: StatusOptions) => status(cli, options)));
}

const help = `
OWED: recorded and not yet settled. ACKED and DEAD: settled so far; given up (see: hms-sync dead).
GETS: the schema version that the consumer is given. SKIPPED: its own events, and those that its filter does not match.
OPEN: part of what is owed, handed out or about to be. WAITING: adapters that wait for events now.

Example: hms-sync status`;

interface StatusOptions extends JsonOption {
  readonly acknowledge?: true;
}

async function status(cli: Cli, { json, acknowledge }: StatusOptions): Promise<ExitCode> {
  if (acknowledge) await cli.gateway.json("/v1/ledger-losses/acknowledge", { method: "POST", body: "{}" });
  const answer = await cli.gateway.json<BusStatus>("/v1/status");
  if (json) await writeJson(cli.output, answer);
  else await cli.output.write(`${statusInWords(answer, cli.output)}\n`);
  return answer.state === "ok" ? exit.ok : exit.failed;
}
