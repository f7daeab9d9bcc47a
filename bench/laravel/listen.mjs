import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { spread } from "../figures.mjs";
import { start, startBus } from "../processes.mjs";
import { startRedis } from "./redis.mjs";

const here = import.meta.dirname;
const batch = 250;

/** Events a second of hms-sync:listen with an empty listener, and jobs a second of queue:work on a redis queue. */
export async function measureListening(directory, rounds, count) {
  const ratios = [];
  const figures = { queue: [], listen: [] };
  for (let round = 0; round < rounds; round++) {
    for (const mode of round % 2 === 0 ? ["queue", "listen"] : ["listen", "queue"]) {
      figures[mode].push(
        await (mode === "queue" ? workQueue : listen)(mkdtempSync(join(directory, mode)), count),
      );
    }
    ratios.push(figures.listen.at(-1) / figures.queue.at(-1));
  }
  log(`queue:work redis handles ${spread(figures.queue, 0)} empty jobs/s of ${count}`);
  log(
    `hms-sync:listen handles ${spread(figures.listen, 0)} events/s with an empty listener, ratio ${spread(ratios)}`,
  );
}

async function workQueue(directory, count) {
  const redis = await startRedis(directory);
  const perSecond = await work("queue", count, redis, {});
  await stop(redis.process);
  return perSecond;
}

async function listen(directory, count) {
  const redis = await startRedis(directory);
  const {
    process: bus,
    url,
    token,
  } = await startBus(directory, { config: join(here, "topics/topics.yaml"), redis: redis.url });
  await publish(url, token, count);
  const perSecond = await work("listen", count, redis, { HMS_SYNC_URL: url, HMS_SYNC_TOKEN: token });
  await stop(bus);
  await stop(redis.process);
  return perSecond;
}

async function publish(url, token, count) {
  for (let sent = 0; sent < count; sent += batch) {
    const events = Array.from({ length: Math.min(batch, count - sent) }, (_, index) => ({
      ...{ specversion: "1.0", id: `e${sent + index}`, source: "/bench", type: "BenchEvent" },
      data: { inspectionId: sent + index, completedBy: "INSPECTOR_1337" },
    }));
    const answer = await fetch(`${url}/v1/topics/bench.events/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/cloudevents-batch+json" },
      body: JSON.stringify(events),
    });
    if (answer.status !== 202)
      throw new Error(`publishing answered ${answer.status}: ${await answer.text()}`);
    await answer.arrayBuffer();
  }
}

async function work(mode, count, redis, env) {
  const php = start("php", [join(here, "work.php"), mode, String(count)], {
    env: { ...process.env, REDIS_PORT: String(redis.port), APP_ENV: "production", ...env },
  });
  const { handled, perSecond } = JSON.parse(await php.line(/^\{/));
  await php.exited;
  if (handled !== count) throw new Error(`${mode} handled ${handled} of ${count}`);
  return perSecond;
}

async function stop(process) {
  process.kill();
  await process.exited;
}

function log(text) {
  process.stdout.write(`${text}\n`);
}
