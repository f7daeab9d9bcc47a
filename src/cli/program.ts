import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import type { Cli } from "./cli.js";
import { addDead } from "./dead.js";
import { describeError, type ExitCode, errorJson, exit, exitCodeOf } from "./failure.js";
import { addKeys } from "./keys.js";
import { readerGone } from "./output.js";
import { addPublish } from "./publish.js";
import { addRejects } from "./rejects.js";
import { addReplay } from "./replay.js";
import { addRetire } from "./retire.js";
import { addStart } from "./start.js";
import { addStatus } from "./status.js";
import { addSubscribe } from "./subscribe.js";
import { printableLines } from "./text.js";
import { addTopics } from "./topics.js";

const help = `
Every verb has --help with an example, and --json. Exit codes: 0 done, 1 failed, 2 called in a way that cannot work.
The bus is found through HMS_SYNC_URL and HMS_SYNC_TOKEN, else through what hms-sync start wrote under .hms-sync/
(HMS_SYNC_STATE) here or in a folder above.`;

/** Runs one command line (without node and script) and resolves to its exit code; never rejects. */
export async function runCli(argv: readonly string[], parts: Omit<Cli, "verb">): Promise<ExitCode> {
  let code: ExitCode = exit.ok;
  const cli: Cli = {
    ...parts,
    verb:
      (run) =>
      async (...args) => {
        code = await run(...args);
      },
  };
  const written: Promise<void>[] = [];
  try {
    await programFor(cli, written).parseAsync([...argv], { from: "user" });
    await Promise.all(written);
    return code;
  } catch (error) {
    await Promise.allSettled(written); // help that nobody reads to its end is no failure
    return report(error, argv.includes("--json"), cli);
  }
}

function programFor(cli: Cli, written: Promise<void>[]): Command {
  const program = new Command("hms-sync")
    .description("HMS-Sync keeps legacy systems in step with HMS: runs the bus and talks to it")
    .version(version(), "-V, --version", "print the version")
    .enablePositionalOptions() // so that --topic after `dead redrive` is redrive's, not dead's
    .exitOverride()
    .showHelpAfterError("(see --help)")
    .configureOutput({
      writeOut: (text) => void written.push(cli.output.write(text)),
      writeErr: (text) => cli.output.note(printableLines(text.trimEnd())), // it quotes the arguments
    })
    .addHelpText("after", help);
  for (const add of [addStart, addPublish, addSubscribe, addTopics, addKeys]) add(program, cli);
  for (const add of [addStatus, addRejects, addDead, addReplay, addRetire]) add(program, cli);
  return program;
}

function report(error: unknown, json: boolean, { output }: Cli): ExitCode {
  if (readerGone(error)) return exit.ok;
  const told = error instanceof CommanderError; // commander has printed it already
  if (!told) output.note(json ? errorJson(error) : describeError(error));
  return exitCodeOf(error);
}

function version(): string {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return String((JSON.parse(manifest) as { version: unknown }).version);
}
