// What an idle bus costs: 5 topics x 3 consumers, a pull waiting at each of the 15 queues, nothing published.
// usage: node bench/idle.mjs [SECONDS]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@hms-sync/client";
import { processCpu, startBus } from "./processes.mjs";

const seconds = Number(process.argv[2] ?? 20);
const consumers = ["one", "two", "three"];
const topics = ["a", "b", "c", "d", "e"];
const directory = mkdtempSync(join(tmpdir(), "hms-sync-idle-"));
for (const topic of topics) {
  mkdirSync(join(directory, "schemas", topic), { recursive: true });
  writeFileSync(join(directory, "schemas", topic, "v1.json"), '{"type":"object"}');
}
const entry = `  qos: at_least_once\n  retention: 1h\n  schema: v1\n  producers: [hms-api]\n  consumers: [${consumers}]\n`;
writeFileSync(join(directory, "topics.yaml"), topics.map((topic) => `${topic}:\n${entry}`).join(""));

const { process: bus, url, token } = await startBus(directory);
const adapters = await Promise.all(
  consumers.map((consumer) => connect({ url, token, consumer, drain: false })),
);
for (const adapter of adapters) for (const topic of topics) void adapter.subscribe(topic).next();
await new Promise((resolve) => setTimeout(resolve, 3_000)); // what starting costs is not what idling costs
const before = processCpu(bus.child.pid);
await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
const share = (processCpu(bus.child.pid) - before) / seconds;
process.stdout.write(
  `idle bus, 15 queues with a waiting pull each: ${(share * 100).toFixed(2)} % of a core over ${seconds} s\n`,
);
await Promise.all(adapters.map((adapter) => adapter.close()));
bus.kill();
await bus.exited;
rmSync(directory, { recursive: true, force: true });
