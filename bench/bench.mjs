// The bus against bare Redis Streams, in one run, on the same Redis settings, with the same split into processes:
// one publisher, the bus, three consumers that ack every event.
// usage: npm run bench -- [--rounds 3] [--flood 60000] [--rates 50,200,1000,3000] [--seconds 5] [--warmup 3]
//        [--fsync always|everysec|no] [--directory DIR]
// With --fsync always each step of an event's way waits for the disk under --directory: the first line says how long that takes.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Redis } from "ioredis";
import { spread } from "./figures.mjs";
import { processCpu, start, startBus, startRedis } from "./processes.mjs";

const here = import.meta.dirname;
const consumers = ["one", "two", "three"];
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    flood: { type: "string", default: "60000" },
    rates: { type: "string", default: "50,200,1000,3000" },
    seconds: { type: "string", default: "5" },
    warmup: { type: "string", default: "3" },
    rivals: { type: "string", default: "bus,streams" },
    fsync: { type: "string", default: "always" },
    directory: { type: "string", default: tmpdir() },
  },
});
const rounds = Number(values.rounds);
const rivals = values.rivals.split(",");
const loads = [
  { name: "full load", rate: 0, count: Number(values.flood), warmup: 0 },
  ...values.rates
    .split(",")
    .filter((rate) => rate !== "")
    .map((rate) => ({
      name: `${rate}/s`,
      rate: Number(rate),
      count: Number(rate) * (Number(values.seconds) + Number(values.warmup)),
      warmup: Number(rate) * Number(values.warmup),
    })),
];

log(
  `appendfsync ${values.fsync}; one fdatasync in ${values.directory} takes ${fsyncMs().toFixed(2)} ms (median of 200)`,
);
const results = new Map();
for (let round = 1; round <= rounds; round++) {
  for (const load of loads) {
    for (const rival of round % 2 === 1 ? rivals : [...rivals].reverse()) {
      const figures = await measure(rival, load);
      const key = `${load.name} ${rival}`;
      results.set(key, [...(results.get(key) ?? []), figures]);
      log(`round ${round}  ${key.padEnd(20)} ${line(figures)}`);
    }
  }
}
summary();

async function measure(rival, load) {
  const directory = mkdtempSync(join(values.directory, "hms-sync-bench-"));
  const redis = await startRedis(directory);
  try {
    return rival === "bus" ? await measureBus(redis, directory, load) : await measureStreams(redis, load);
  } finally {
    redis.process.kill();
    await redis.process.exited;
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measureBus(redis, directory, load) {
  const {
    process: bus,
    url,
    token,
  } = await startBus(directory, {
    config: join(here, "topics/topics.yaml"),
    redis: redis.url,
    nodeArgs: process.env.BENCH_NODE_ARGS?.split(" ") ?? [],
  });
  const adapters = consumers.map((name) =>
    start(process.execPath, [join(here, "consumer.mjs"), url, token, name, load.count, load.warmup]),
  );
  const figures = await run(redis, "hms-sync:intake", load, adapters, bus);
  bus.kill();
  await bus.exited;
  return figures;
}

async function measureStreams(redis, load) {
  const readers = consumers.map((name) =>
    start(process.execPath, [
      join(here, "streams-consumer.mjs"),
      redis.url,
      "bare",
      name,
      load.count,
      load.warmup,
    ]),
  );
  return await run(redis, "bare", load, readers);
}

async function run(redis, stream, load, readers, bus) {
  await Promise.all(readers.map((reader) => reader.line(/^ready$/)));
  const admin = new Redis(redis.url);
  const before = await cpuOf(admin, bus);
  const started = process.hrtime.bigint();
  const publisher = start(process.execPath, [
    join(here, "publisher.mjs"),
    redis.url,
    stream,
    load.count,
    load.rate,
    1,
  ]);
  const done = await Promise.all(
    readers.map(async (reader) => JSON.parse((await reader.line(/^done /)).slice(5))),
  );
  await publisher.exited;
  const after = await cpuOf(admin, bus);
  admin.disconnect();
  await Promise.all(readers.map((reader) => reader.exited));
  const finished = done
    .map(({ finishedAt }) => BigInt(finishedAt))
    .sort()
    .at(-1);
  const seconds = Number(finished - started) / 1e9;
  return {
    perSecond: load.count / seconds,
    p50: Math.max(...done.map(({ p50 }) => p50)),
    p99: Math.max(...done.map(({ p99 }) => p99)),
    redisCpuShare: (after.redis - before.redis) / seconds,
    busCpuShare: (after.bus - before.bus) / seconds,
  };
}

async function cpuOf(admin, bus) {
  const info = await admin.info("cpu");
  const read = (name) => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(info)?.[1]);
  return {
    redis: read("used_cpu_sys") + read("used_cpu_user"),
    bus: bus === undefined ? 0 : processCpu(bus.child.pid),
  };
}

function fsyncMs() {
  const directory = mkdtempSync(join(values.directory, "hms-sync-bench-"));
  const file = openSync(join(directory, "file"), "w");
  const times = Array.from({ length: 200 }, () => {
    writeSync(file, "x".repeat(200));
    const started = performance.now();
    fdatasyncSync(file);
    return performance.now() - started;
  });
  closeSync(file);
  rmSync(directory, { recursive: true });
  return times.sort((a, b) => a - b)[100];
}

function summary() {
  log("\nmin / median / max over the rounds; latency from publish to handler, worst of three consumers");
  for (const load of loads) {
    for (const rival of rivals) {
      const all = results.get(`${load.name} ${rival}`);
      const figure = (name, digits) =>
        spread(
          all.map((each) => each[name]),
          digits,
        );
      log(
        `${load.name.padEnd(10)} ${rival.padEnd(8)} events/s ${figure("perSecond", 0).padEnd(24)} p50 ms ${figure("p50", 1).padEnd(22)} p99 ms ${figure("p99", 1)}`,
      );
    }
    if (rivals.length < 2) continue;
    const ratios = results
      .get(`${load.name} bus`)
      .map((bus, i) => bus.perSecond / results.get(`${load.name} streams`)[i].perSecond);
    log(`${load.name.padEnd(10)} ratio of events/s, bus to bare Streams: ${spread(ratios, 2)}`);
  }
}

function line({ perSecond, p50, p99, redisCpuShare, busCpuShare }) {
  const percent = (share) => `${(share * 100).toFixed(0)} %`;
  return `${perSecond.toFixed(0)} events/s  p50 ${p50.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms  cpu: redis ${percent(redisCpuShare)}, bus ${percent(busCpuShare)}`;
}

function log(text) {
  process.stdout.write(`${text}\n`);
}
