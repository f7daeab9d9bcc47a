import type { Command } from "commander";
import type { Config } from "../config.js";
import { createLogger, type Logger } from "../log.js";
import type { Sidecar } from "../sidecar.js";
import { type Cli, type JsonOption, jsonOption, writeJson } from "./cli.js";
import { type ExitCode, exit } from "./failure.js";

/** `hms-sync start`: runs the bus until it is told to stop. */
export function addStart(program: Command, cli: Cli): void {
  program
    .command("start")
    .description(
      "run the bus: prints one line when every part is up; SIGTERM or Ctrl-C stops it, a changed topics.yaml is taken up",
    )
    .option(...jsonOption)
    .addHelpText("after", help)
    .action(cli.verb((options: JsonOption) => start(cli, options, startSidecar)));
}

const help = `
A change of topics.yaml or of schemas/ is taken up whole, between two events, or refused with the registry before it left
in force: the log and hms-sync status say which. SIGHUP does the same where files cannot be watched.

The log goes to standard error, one JSON object a line. A second signal ends the bus at once with exit code 1. Exit code
2 when an HMS_SYNC_ variable cannot be used, 1 when the bus cannot start.

Example: HMS_SYNC_PORT=9000 hms-sync start`;

/** Starts the parts of the bus; rejects when one of them cannot start. */
export type Start = (config: Config, log: Logger, signal: AbortSignal) => Promise<Sidecar>;

/** Loaded on demand: the other verbs do without Redis and queues. */
async function startSidecar(config: Config, log: Logger, signal: AbortSignal): Promise<Sidecar> {
  const sidecar = await import("../sidecar.js");
  return await sidecar.startSidecar(config, log, signal);
}

/** Runs the bus from `ready` to the stop signal; one that comes while it starts ends that. */
export async function start(
  cli: Pick<Cli, "config" | "output" | "stopSignal" | "onHangup">,
  { json }: JsonOption,
  run: Start,
): Promise<ExitCode> {
  const config = cli.config();
  const log = createLogger({ level: config.logLevel });
  const stopped = new AbortController();
  const stop = cli.stopSignal().then(() => stopped.abort());
  const sidecar = await started(run(config, log, stopped.signal), stopped.signal);
  if (sidecar === undefined) {
    log.info("stopped while it started");
    return exit.ok;
  }
  cli.onHangup(() => void sidecar.reload());
  if (!stopped.signal.aborted) await sayReady(cli, sidecar.url, json, log);
  await stop;
  log.info("stopping");
  await sidecar.close();
  log.info("stopped");
  return exit.ok;
}

/** Undefined when it was stopped before it was up: what broke off then is no failure. */
async function started(starting: Promise<Sidecar>, stopped: AbortSignal): Promise<Sidecar | undefined> {
  try {
    return await starting;
  } catch (error) {
    if (stopped.aborted) return undefined;
    throw error;
  }
}

/** A bus whose standard output nobody reads runs on. */
async function sayReady(
  { output }: Pick<Cli, "output">,
  url: string,
  json: true | undefined,
  log: Logger,
): Promise<void> {
  try {
    if (json) await writeJson(output, { url });
    else await output.write(`ready ${url}\n`);
  } catch (error) {
    log.warn("standard output cannot be written", { error: String(error) });
  }
}
