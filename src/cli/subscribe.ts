import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { readSince } from "../gateway/events-route.js";
import { type Cli, type JsonOption, jsonOption, query } from "./cli.js";
import { type ExitCode, exit } from "./failure.js";
import { readerGone } from "./output.js";
import { Subscription } from "./subscription.js";

interface SubscribeOptions extends JsonOption {
  readonly since?: string;
  readonly follow: boolean;
}

const maxPauseMs = 5_000;

/** `hms-sync subscribe`: a passing reader of one topic's ledger. It is owed nothing and acknowledges nothing. */
export function addSubscribe(program: Command, cli: Cli): void {
  program
    .command("subscribe")
    .description("print the events of a topic, one JSON envelope a line, and follow it")
    .argument("<topic>", "name of the topic")
    .option("--since <when>", "start this far back: 10m, 2h30m, an RFC 3339 time, or 0 for all that is kept")
    .option("--no-follow", "end at the end of the ledger; without --since it begins with all that is kept")
    .option(...jsonOption)
    .addHelpText("after", help)
    .action(cli.verb((topic: string, options: SubscribeOptions) => subscribe(cli, topic, options)));
}

const help = `
Without --since it prints what comes from now on. While the bus is away it tries again, and then goes on where it was.
The lines are the same with --json. Ctrl-C ends it with exit code 0.

Example: hms-sync subscribe inspections.status --since=10m`;

async function subscribe(cli: Cli, topic: string, options: SubscribeOptions): Promise<ExitCode> {
  const { follow } = options;
  const since = options.since ?? (follow ? undefined : "0");
  if (since !== undefined) readSince(since, Date.now()); // refused before the bus is asked
  const ending = new AbortController();
  void cli.stopSignal().then(() => ending.abort());
  const path = `/v1/topics/${encodeURIComponent(topic)}/events`;
  const subscription = new Subscription(
    {
      open: (from, signal) =>
        cli.gateway.stream(path + query({ since: from, follow: String(follow) }), signal),
      print: (lines) => cli.output.write(lines),
      note: (text) => cli.output.note(text),
      pause,
    },
    topic,
    { since, follow },
  );
  try {
    await subscription.run(ending.signal);
  } catch (error) {
    if (!readerGone(error)) throw error;
  }
  return exit.ok;
}

/** Doubles from 100 ms to 5 s, with jitter so that many readers do not come back at one moment. */
async function pause(failures: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(maxPauseMs, 100 * 2 ** Math.min(failures - 1, 10));
  await delay(longest * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined); // the loop looks
}
