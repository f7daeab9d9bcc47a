import { parts as known } from "./parts/index.mjs";
import { about as bullmq } from "./rivals/bullmq.mjs";
import { about as bus } from "./rivals/hms-sync.mjs";
import { about as nats } from "./rivals/nats.mjs";
import { about as streams } from "./rivals/streams.mjs";
import { about as bridged } from "./rivals/streams-bridge.mjs";
import { tablesOf } from "./tables.mjs";

const rivals = { "hms-sync": bus, streams, "streams-bridge": bridged, nats, bullmq };

/** docs/bench.md: what was measured, how, and what came out. All figures are those of the document. */
export function page({ machine, fsync, goals, parts }) {
  return `${[
    "# The bench",
    "Made by `npm run bench` together with [bench.json](bench.json); not written by hand.",
    "![Chart of throughput and latency; the tables below have the same figures](bench.svg)",
    machineText(machine, fsync),
    "## Goals",
    goalTable(goals),
    "## Who is compared",
    rivalsText,
    ...Object.entries(parts).map(([key, part]) => partText(key, part)),
    "## Run it",
    runText,
  ].join("\n\n")}\n`;
}

function machineText(machine, fsync) {
  const { cpu, cores, memoryGigabytes, kernel, node, redis, nats, fdatasyncMs, loadBefore } = machine;
  return (
    `Measured on ${cores} cores (${cpu}), ${memoryGigabytes} GB, Linux ${kernel}, Node ${node}, Redis ${redis} with \`appendfsync ${fsync}\`, ` +
    `nats-server ${nats} with its own sync_interval of 2 minutes; one fdatasync of the disk took ${fdatasyncMs} ms, the load before was ${loadBefore}. ` +
    "Publisher, bridge or sidecar, servers and every consumer are processes of their own and share those cores. Within a round all rivals take turns, and their order " +
    "turns with the rounds. A figure is min / median / max of the rounds; a ratio is that of HMS-Sync to the rival in the same round, so above 1 is more events/s, or more milliseconds."
  );
}

function goalTable(goals) {
  const state = ({ measured, met }) =>
    measured === undefined ? "not measured" : met ? "met" : "**not met**";
  return table(
    ["Part", "Goal", "Measured", ""],
    goals.map((goal) => [goal.part, goal.text, goal.measured ?? "", state(goal)]),
  );
}

const rivalsText = [
  "All take the same events of about 200 bytes from the same publisher and handle and ack each of them. Who has a bridge validates in it, with the same schema and ajv; bare Streams validate in the publisher. What each does not promise is the price of its figure.",
  table(
    ["", "How it is set up", "What it does not promise"],
    Object.entries(rivals).map(([name, { title, setup, lacks }]) => [`\`${name}\` ${title}`, setup, lacks]),
  ),
].join("\n\n");

function partText(key, part) {
  const { title, how } = known[key];
  const tables = tablesOf(part).map(({ title, compared, lines }) =>
    table(
      ["", "", title, ...(compared ? ["HMS-Sync to it"] : [])],
      lines.map((cells) => (compared ? cells : cells.slice(0, 3))),
    ),
  );
  const rounds = `${part.rounds} ${part.rounds === 1 ? "round" : "rounds"}, ${part.measuredAt.slice(0, 10)}, sizes: ${part.mode}.`;
  return [`## ${key}) ${title}`, `${how} ${rounds}`, completeness(part.rows), ...tables].join("\n\n");
}

function completeness(rows) {
  const of = (name) => rows.reduce((sum, row) => sum + row[name], 0);
  const [owed, delivered, acked] = ["owed", "delivered", "acked"].map((name) =>
    of(name).toLocaleString("en"),
  );
  return `Owed to all consumers together: ${owed} events; handled: ${delivered}; acked: ${acked}.`;
}

const runText = [
  "`npm run bench` measures everything and writes the three files; `--full` takes the large sizes (backlog, replay and client over 1,000,000 events, a soak of ten minutes), `--quick` only shows that all works. `--only a,c --out docs` measures these parts and keeps the others as they are. `--help` lists the rest.",
  "Without nats-server (`apt-get install nats-server`) that rival is left out, and without the installed Laravel application the case in PHP; the bench says so. Close to this bench stand `bench/order.mjs` (order by key), `bench/registry.mjs` (versions, filters, reload) and `bench/laravel.mjs` (the Laravel package).",
].join("\n\n");

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
