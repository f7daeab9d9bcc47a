// What governance costs: an older version and filters for some of the consumers, and a reload under load.
// usage: node bench/registry.mjs [--only views|reload] [--rounds 3] [--flood 60000] [--rate 1000] [--seconds 12] [--directory DIR]
import { cpSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { median, spread } from "./figures.mjs";
import { openLab } from "./lab.mjs";
import { schemas } from "./schema.mjs";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    rounds: { type: "string", default: "3" },
    flood: { type: "string", default: "60000" },
    rate: { type: "string", default: "1000" },
    seconds: { type: "string", default: "12" },
    directory: { type: "string", default: tmpdir() },
  },
});
const rounds = Number(values.rounds);

/** topics.yaml in which all three consumers get every event as it is. */
const plain = topicsWith("v1", "[c1, c2, c3]");
/** One consumer is a version behind and everybody filters; every event matches, so that both sides do the same work. */
const governed = topicsWith(
  "v2",
  "[{name: c1, version: v1, filter: {newStatus: Completed}}, {name: c2, version: v2, filter: {newStatus: {$in: [Completed, Closed]}, inspectionId: {$gte: 0}}}, {name: c3, version: v2, filter: {newStatus: {$ne: Open}}}]",
);
const casts = `up:
  - rename: {from: /completedBy, to: inspector}
down:
  - rename: {from: /inspector, to: completedBy}
examples:
  - v1: {inspectionId: 1, newStatus: Completed, completedBy: I, sentAt: "1"}
    v2: {inspectionId: 1, newStatus: Completed, inspector: I, sentAt: "1"}
`;

if (values.only !== "reload") await views();
if (values.only !== "views") await reload();

function topicsWith(schema, list) {
  return `bench.events: {qos: exactly_once, retention: 1h, schema: ${schema}, producers: [hms-api], consumers: ${list}}\n`;
}

async function views() {
  const count = Number(values.flood);
  const ratios = [];
  for (let round = 1; round <= rounds; round++) {
    const figures = {};
    const sides = [
      ["plain", plain, "completedBy"],
      ["governed", governed, "inspector"],
    ];
    for (const [name, topics, field] of round % 2 === 1 ? sides : sides.reverse()) {
      figures[name] = (await measure(topics, { count, rate: 0, warmup: 0, field })).perSecond;
      log(`round ${round}  ${name.padEnd(9)} ${figures[name].toFixed(0)} events/s`);
    }
    ratios.push(figures.governed / figures.plain);
  }
  log(`full load, one of three consumers a version behind and all filtering, to plain: ${spread(ratios, 2)}`);
}

async function reload() {
  const rate = Number(values.rate);
  const seconds = Number(values.seconds);
  const warmup = 3;
  const found = { reload: [], quiet: [] };
  for (let round = 1; round <= rounds; round++) {
    for (const name of round % 2 === 1 ? ["reload", "quiet"] : ["quiet", "reload"]) {
      const load = { count: rate * seconds, rate, warmup: rate * warmup, field: "completedBy" };
      const changeAfterMs = (seconds / 2) * 1000;
      const { done, changedAt } = await measure(plain, load, {
        afterMs: changeAfterMs,
        really: name === "reload",
      });
      const worst = Math.max(...done.map((each) => during(each.p99BySecond, changedAt)));
      found[name].push(worst);
      log(
        `round ${round}  ${name.padEnd(7)} p99 around the change to that of the other seconds: ${worst.toFixed(2)}`,
      );
    }
  }
  log(`${rate}/s, p99 around a reload to the median second: ${spread(found.reload, 2)}`);
  log(`${rate}/s, the same without a reload:               ${spread(found.quiet, 2)}`);
}

/** The worst p99 of the change's second and the next (the file is read after a quiet moment) to the median of the others. */
function during(p99BySecond, changedAt) {
  const around = p99BySecond.filter(([second]) => second === changedAt || second === changedAt + 1);
  const others = p99BySecond.filter(([second]) => second < changedAt || second > changedAt + 1);
  return Math.max(...around.map(([, p99]) => p99)) / median(others.map(([, p99]) => p99));
}

/** One bus, three adapters, one publisher, and a change of topics.yaml after `afterMs` if it is really to happen. */
async function measure(topics, { count, rate, warmup, field }, { afterMs = 0, really = false } = {}) {
  const { directory } = values;
  const prepare = (folder) => writeFiles(folder, topics);
  const lab = await openLab("hms-sync", { consumers: 3, directory, fsync: "always", prepare });
  try {
    if (warmup > 0) await lab.run(warmup, rate, { inspector: field });
    const running = lab.run(count, rate, { inspector: field });
    const changedAt = await change(lab.folder, lab.access.url, lab.access.token, afterMs, really);
    const { seen, perSecond } = await running;
    return { done: seen, changedAt, perSecond };
  } finally {
    await lab.close();
  }
}

/** Adds a consumer and a version to the running bus; resolves to the second (of the monotonic clock) of the change. */
async function change(directory, url, token, afterMs, really) {
  if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs));
  const second = Number(process.hrtime.bigint() / 1_000_000_000n);
  if (!really) return second;
  writeFileSync(
    join(directory, "next.yaml"),
    topicsWith("v2", "[{name: c1, version: v1}, {name: c2, version: v1}, {name: c3, version: v1}]"),
  );
  renameSync(join(directory, "next.yaml"), join(directory, "topics.yaml"));
  for (;;) {
    const answer = await fetch(`${url}/v1/status`, { headers: { authorization: `Bearer ${token}` } });
    const { topics } = await answer.json();
    if (topics["bench.events"].version === 2) return second;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function writeFiles(directory, topics) {
  const own = join(directory, "schemas/bench.events");
  cpSync(schemas, join(directory, "schemas"), { recursive: true });
  const v1 = JSON.parse(readFileSync(join(own, "v1.json"), "utf8"));
  const { completedBy, ...properties } = v1.properties;
  const v2 = {
    ...v1,
    properties: { ...properties, inspector: completedBy },
    required: ["inspectionId", "newStatus", "inspector"],
  };
  v1.required = ["inspectionId", "newStatus", "completedBy"];
  writeFileSync(join(own, "v1.json"), JSON.stringify(v1));
  writeFileSync(join(own, "v2.json"), JSON.stringify(v2));
  writeFileSync(join(own, "v2.casts.yaml"), casts);
  writeFileSync(join(directory, "topics.yaml"), topics);
}

function log(text) {
  process.stdout.write(`${text}\n`);
}
