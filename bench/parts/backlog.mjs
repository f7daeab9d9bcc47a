// c) What a consumer finds when it was down: how fast it is drained, and what being owed costs in Redis.
import { Redis } from "ioredis";
import { median } from "../figures.mjs";
import { openLab } from "../lab.mjs";
import { rivalNamed } from "../rivals/index.mjs";

export const backlog = {
  title: "Backlog of a consumer that was down",
  how: "The consumer, warm from an earlier load, stops reading; the events are published and kept; it reads again: from asking for the first to its last ack that is stored (of several small backlogs the median). Bytes: what Redis holds for the consumer beside the one kept copy of each event, divided by the events owed. Of bare Streams and NATS it is a cursor, whatever the backlog.",
  rivals: "all",
  jobs: ({ sizes, trickle }) => [
    ...sizes,
    ...(trickle === undefined ? [] : [{ ...trickle, only: ["hms-sync"] }]),
  ],

  async measure(rival, { count, repeat = 1, warmup, rate = 0 }, options) {
    const lab = await openLab(rival, { ...options, consumers: 1 });
    const redis = new Redis(lab.access.redis);
    try {
      await lab.run(warmup);
      await rest(lab);
      const nothingOwed = await owedBytes(rival, redis);
      const drained = [];
      let bytes;
      for (let turn = 0; turn < repeat; turn++) {
        await fill(lab, count, rate);
        bytes ??= (await owedBytes(rival, redis)) - nothingOwed;
        drained.push(await drain(lab, count));
        await rest(lab);
      }
      const name = `${count.toLocaleString("en")} owed${rate === 0 ? "" : ", published one at a time"}`;
      const figures = { perSecond: median(drained), ...(bytes >= 0 ? { owedBytes: bytes / count } : {}) };
      return [{ ...lab.result(name), figures }];
    } finally {
      redis.disconnect();
      await lab.close();
    }
  },
};

async function rest(lab) {
  await Promise.all(lab.consumers.map((consumer) => consumer.call("rest")));
}

/** Publishes and waits until all is owed. */
export async function fill(lab, count, rate = 0) {
  const { backlogOf } = await rivalNamed(lab.rival);
  await lab.publish(count, rate);
  let owed = 0;
  while (owed < count) {
    owed = await backlogOf(lab.access, "c1");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function drain(lab, count) {
  const [{ startedAt, finishedAt }] = await lab.take(count, { latencies: false });
  return count / (Number(BigInt(finishedAt) - BigInt(startedAt)) / 1e9);
}

/** Bytes of the keys that hold what consumers are owed; not a number for a rival that has none. */
async function owedBytes(rival, redis) {
  const { owedKeys } = await rivalNamed(rival);
  if (owedKeys === undefined) return Number.NaN;
  let bytes = 0;
  let cursor = "0";
  do {
    const [next, keys] = await redis.scan(cursor, "MATCH", owedKeys, "COUNT", 1_000);
    const pipeline = redis.pipeline();
    for (const key of keys) pipeline.memory("USAGE", key, "SAMPLES", 0);
    bytes += (await pipeline.exec()).reduce((sum, [, size]) => sum + (size ?? 0), 0);
    cursor = next;
  } while (cursor !== "0");
  return bytes;
}
