// e) What a bus costs on which nothing happens.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { connect } from "@hms-sync/client";
import { openLab } from "../lab.mjs";
import { processCpu } from "../processes.mjs";

const topics = ["a", "b", "c", "d", "e"];
const consumers = ["c1", "c2", "c3"];

export const idle = {
  title: "An idle bus",
  how: "Five topics with three consumers each, a pull waiting at each of the 15 queues, nothing published; what starting costs is left out.",
  rivals: ["hms-sync"],
  jobs: ({ seconds, settleSeconds }) => [{ seconds, settleSeconds }],

  async measure(rival, { seconds, settleSeconds }, options) {
    const lab = await openLab(rival, { ...options, consumers: 0, prepare, publishes: false });
    const adapters = await Promise.all(
      consumers.map((consumer) => connect({ ...addressOf(lab), consumer, drain: false })),
    );
    try {
      for (const adapter of adapters) for (const topic of topics) void adapter.subscribe(topic).next();
      await wait(settleSeconds * 1_000);
      const { bridge, redis } = lab.processes;
      const used = () => [bridge, redis].map(({ child }) => processCpu(child.pid));
      const before = used();
      await wait(seconds * 1_000);
      const [corePercent, redisCorePercent] = used().map((cpu, at) => ((cpu - before[at]) / seconds) * 100);
      return [{ ...lab.result("15 waiting pulls"), figures: { corePercent, redisCorePercent } }];
    } finally {
      await Promise.all(adapters.map((adapter) => adapter.close()));
      await lab.close();
    }
  },
};

function addressOf({ access: { url, token } }) {
  return { url, token };
}

function prepare(directory) {
  for (const topic of topics) {
    mkdirSync(join(directory, "schemas", topic), { recursive: true });
    writeFileSync(join(directory, "schemas", topic, "v1.json"), '{"type":"object"}');
  }
  const entry = `  qos: at_least_once\n  retention: 1h\n  schema: v1\n  producers: [hms-api]\n  consumers: [${consumers}]\n`;
  writeFileSync(join(directory, "topics.yaml"), topics.map((topic) => `${topic}:\n${entry}`).join(""));
}
