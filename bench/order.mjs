// What order by key costs: a backlog of events with 1, 100 or 10,000 keys, drained by a consumer with `order: key` and by
// one without, on one bus in one run. Both ack each event as it comes, in the background, as an adapter does.
// usage: npm run build && node bench/order.mjs [--rounds 3] [--events 20000] [--one-key 3000]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connect } from "@hms-sync/client";
import { median } from "./figures.mjs";
import { startBus } from "./processes.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    events: { type: "string", default: "20000" },
    "one-key": { type: "string", default: "3000" },
  },
});
const cases = [
  { keys: 1, events: Number(values["one-key"]) },
  { keys: 100, events: Number(values.events) },
  { keys: 10_000, events: Number(values.events) },
];
const results = new Map(cases.map(({ keys }) => [keys, []]));
for (let round = 1; round <= Number(values.rounds); round++) {
  for (const each of cases) {
    const rates = await measure(each, round % 2 === 0);
    results.get(each.keys).push(rates);
    log(`round ${round}  ${String(each.keys).padStart(6)} keys  ${line(rates)}`);
  }
}
for (const [keys, rates] of results) {
  const of = (name) => median(rates.map((each) => each[name]));
  const ratio = median(rates.map(({ ordered, plain }) => ordered / plain));
  log(
    `median  ${String(keys).padStart(7)} keys  ${line({ ordered: of("ordered"), plain: of("plain") })}  ratio ${ratio.toFixed(2)}`,
  );
}

async function measure({ keys, events }, orderedFirst) {
  const directory = mkdtempSync(join(tmpdir(), "hms-sync-order-"));
  mkdirSync(join(directory, "schemas", "bench.order"), { recursive: true });
  writeFileSync(
    join(directory, "schemas", "bench.order", "v1.json"),
    '{"type":"object","properties":{"key":{"type":"integer"}}}',
  );
  writeFileSync(
    join(directory, "topics.yaml"),
    "bench.order:\n  qos: at_least_once\n  retention: 1h\n  schema: v1\n  key: /key\n  producers: [hms-api]\n" +
      "  consumers: [plain, {name: ordered, order: key}]\n",
  );
  const { process: bus, url, token } = await startBus(directory);
  const publisher = await connect({ url, token });
  for (let sent = 0; sent < events; sent += 200)
    await Promise.all(
      Array.from({ length: Math.min(200, events - sent) }, () =>
        publisher.publish("bench.order", { key: Math.floor(Math.random() * keys) }),
      ),
    );
  await publisher.close();
  const rates = {};
  for (const consumer of orderedFirst ? ["ordered", "plain"] : ["plain", "ordered"])
    rates[consumer] = await drain({ url, token, consumer }, events);
  bus.kill();
  await bus.exited;
  rmSync(directory, { recursive: true, force: true });
  return rates;
}

/** Events/s from the first one handed out to the last ack stored. */
async function drain(access, events) {
  const adapter = await connect({ ...access, drain: false });
  const acks = [];
  let started;
  for await (const message of adapter.subscribe("bench.order")) {
    started ??= performance.now();
    acks.push(message.ack());
    if (acks.length === events) break;
  }
  await Promise.all(acks);
  const seconds = (performance.now() - started) / 1_000;
  await adapter.close();
  return events / seconds;
}

function line({ ordered, plain }) {
  return `order: key ${ordered.toFixed(0).padStart(6)}/s  order: none ${plain.toFixed(0).padStart(6)}/s`;
}

function log(text) {
  process.stdout.write(`${text}\n`);
}
