// b) Time from publishing to the handler at steady rates.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { quantile } from "../figures.mjs";
import { openLab } from "../lab.mjs";
import { start } from "../processes.mjs";
import { Skipped } from "../skipped.mjs";

const php = join(import.meta.dirname, "../laravel");
const laravel = join(import.meta.dirname, "../../test/laravel-app/vendor/autoload.php");
const fewestForP999 = 3_000;

export const latency = {
  title: "Latency from publishing to the handler, three consumers",
  how: "Each event is published when it is due, at a steady rate; milliseconds until the handler of a consumer is called, of all three consumers together. Before it, the same warm-up for all: 10,000 events at once and 8,000 at 1,000/s, since a bus runs for weeks and a process of a few seconds still compiles. p99.9 where a round has at least 3,000 samples.",
  rivals: "all",
  jobs: ({ rates, php }) => [
    { rates, only: rates.only },
    ...(php === undefined ? [] : [{ php, only: ["hms-sync"] }]),
  ],

  async measure(rival, job, options) {
    const lab = await openLab(rival, { ...options, consumers: 3 });
    try {
      return job.php === undefined ? await atRates(lab, job.rates) : await fromPhp(lab, job.php);
    } finally {
      await lab.close();
    }
  },
};

async function atRates(lab, { warmup, paced, leadSeconds, seconds }) {
  await lab.run(warmup);
  if (paced !== undefined) await lab.run(paced.count, paced.rate);
  const results = [];
  for (const [rate, duration] of Object.entries(seconds)) {
    await lab.run(Math.ceil(rate * leadSeconds), Number(rate));
    lab.count();
    const { latencies } = await lab.run(Math.ceil(rate * duration), Number(rate));
    results.push({
      ...lab.result(`${Number(rate).toLocaleString("en")} events/s`),
      figures: quantiles(latencies),
    });
  }
  return results;
}

function quantiles(latencies) {
  const at = (share) => quantile(latencies, share);
  return {
    ...{ p50: at(0.5), p99: at(0.99) },
    ...(latencies.length < fewestForP999 ? {} : { p999: at(0.999) }),
  };
}

/** `event()` in a Laravel application with the hms-sync driver, until the handlers of the adapters. */
async function fromPhp(lab, { warmup, events, rate }) {
  if (!existsSync(laravel))
    throw new Skipped("event() in PHP: the Laravel application is not installed (npm run setup -- --php)");
  const taking = async (count, perSecond) => {
    const seen = lab.take(count);
    lab.publishedElsewhere(count);
    const emitter = start("php", [join(php, "emit.php"), count, perSecond], {
      env: { ...process.env, HMS_SYNC_REDIS_URL: lab.access.redis, APP_ENV: "production" },
    });
    if ((await emitter.exited) !== 0) throw new Error("emit.php failed; its output is above");
    return (await seen).flatMap(({ latencies }) => latencies);
  };
  await taking(warmup, 1_000);
  lab.count();
  return [
    { ...lab.result(`${rate} events/s from event() in PHP`), figures: quantiles(await taking(events, rate)) },
  ];
}
