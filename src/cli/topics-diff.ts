import { resolve } from "node:path";
import type { Command } from "commander";
import { HmsSyncError } from "../errors.js";
import { recordedAt } from "../redis/ledger-id.js";
import type { BusFacts, DeliveryFacts, TopicFacts } from "../registry/diff/report.js";
import type { Registry } from "../registry/types.js";
import { type Cli, type JsonOption, jsonOption, writeJson } from "./cli.js";
import { type ExitCode, exit } from "./failure.js";
import { diffInWords, diffJson } from "./topics-diff-text.js";

/** `hms-sync topics diff`: what a change of topics.yaml does, for the reviewer and for CI. */
export function addTopicsDiff(topics: Command, cli: Cli): void {
  topics
    .command("diff")
    .description("say what a change of topics.yaml does; exit code 1 when it would break somebody")
    .argument("[file]", "path of the changed file (default: HMS_SYNC_CONFIG, else topics.yaml)")
    .option("--against <ref|file>", "what it is compared with: a git commit, or another file", "HEAD")
    .option("--offline", "do not ask the bus what it owes, even if one is reached")
    .option(...jsonOption)
    .addHelpText("after", help)
    .action(cli.verb((file: string | undefined, options: DiffOptions) => diff(cli, file, options)));
}

const help = `
A consumer without a version counts as pinned to the one that the bus gives it; without a bus, to the version that is
current in the file that is compared with.

Example: hms-sync topics diff --against origin/main`;

/** What of GET /v1/status the comparison goes by. */
interface BusStatus {
  readonly registry: { readonly digest: string };
  readonly topics: Readonly<Record<string, { kept: number; consumers: Readonly<Record<string, Delivery>> }>>;
  /** Consumers that the bus's topics.yaml has no longer. */
  readonly leaving: readonly { topic: string; consumer: string; owed: number }[];
}

interface Delivery {
  readonly owed: number;
  readonly open: number;
  readonly version: number;
  /** Ledger id of the last event before those that are not handed out. */
  readonly cursor: string;
}

interface DiffOptions extends JsonOption {
  readonly against: string;
  readonly offline?: true;
}

async function diff(cli: Cli, file: string | undefined, options: DiffOptions): Promise<ExitCode> {
  const { loadRegistry } = await import("../registry/load.js");
  const { registryAgainst } = await import("./against.js");
  const { breaksSomebody, diffRegistries } = await import("../registry/diff/registry-diff.js");
  const path = file === undefined ? cli.config().topicsFile : resolve(file);
  const newer = await loadRegistry(path);
  const older = await registryAgainst(options.against, path);
  const status = options.offline ? undefined : await reachedStatus(cli);
  if (status !== undefined) noteOtherRegistry(cli, status, older, options.against);
  const found = diffRegistries(older, newer, status && factsOf(status, Date.now()));
  const compared = { file: path, against: options.against, bus: status !== undefined };
  if (options.json) await writeJson(cli.output, diffJson(found, compared));
  else await cli.output.write(`${diffInWords(found, compared, cli.output)}\n`);
  return breaksSomebody(found) ? exit.failed : exit.ok;
}

/** Undefined where no bus is; a bus that refuses is an error, so that CI with a wrong token is not content with less. */
async function reachedStatus({ gateway, output }: Cli): Promise<BusStatus | undefined> {
  try {
    return await gateway.json<BusStatus>("/v1/status");
  } catch (error) {
    if (!(error instanceof HmsSyncError) || !["no_context", "bus_unreachable"].includes(error.code))
      throw error;
    output.note("no bus is reached, so nothing is said of what is owed (--offline leaves this note out)");
    return undefined;
  }
}

function noteOtherRegistry({ output }: Cli, { registry }: BusStatus, older: Registry, against: string): void {
  if (registry.digest === older.digest) return;
  output.note(`the bus runs by another registry than that of ${against}; what it owes is told all the same`);
}

function factsOf({ topics, leaving }: BusStatus, now: number): BusFacts {
  const facts = Object.entries(topics).map(([topic, { kept, consumers }]): [string, TopicFacts] => {
    const deliveries = Object.entries(consumers).map(([name, { owed, open, version, cursor }]) => {
      return [name, { owed, open, version, handedOutTo: recordedAt(cursor) }] as const;
    });
    const left = leaving
      .filter((each) => each.topic === topic)
      .map(({ consumer, owed }): [string, DeliveryFacts] => [consumer, { owed, open: 0, handedOutTo: 0 }]);
    return [topic, { kept, consumers: new Map<string, DeliveryFacts>([...left, ...deliveries]) }];
  });
  return { now, topics: new Map(facts) };
}
