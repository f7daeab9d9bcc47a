// The naive bridge: XADD into a stream that is kept, one Queue.add for each consumer, a stock Worker.
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { envelopeText, publisher as intake, runBridge, startIntake } from "./intake.mjs";

const stream = "events";

export const about = {
  title: "naive BullMQ bridge",
  setup:
    "XADD to an intake; a bridge reads 500 at a time, validates, XADDs each envelope and calls Queue.add once for each consumer, all of a batch at once; a stock Worker (concurrency 1) with removeOnComplete.",
  lacks:
    "XADD and the adds are not atomic: a crash between them loses or doubles jobs. A copy of each event in Redis for each consumer. No replay, consumers need a Redis client and see every queue.",
};

export const start = startIntake;
export const publisher = intake;

export function bridge({ redis: url, consumers }) {
  const redis = new Redis(url);
  const queues = consumers.map(
    (name) => new Queue(name, { connection: { url }, defaultJobOptions: { removeOnComplete: true } }),
  );
  return runBridge(url, async (envelopes) => {
    await Promise.all(
      envelopes.flatMap(({ text, ...envelope }) => [
        redis.xadd(stream, "*", "envelope", envelopeText({ text, ...envelope })),
        ...queues.map((queue) => queue.add(envelope.topic, envelope)),
      ]),
    );
  });
}

export async function consumer({ redis: url, name }) {
  let handle;
  let completed = () => undefined;
  const worker = new Worker(name, async ({ data }) => handle(data.payload), {
    connection: { url },
    autorun: false,
  });
  worker.on("completed", () => completed());
  worker.on("error", (error) => process.stderr.write(`${error.stack}\n`));
  await worker.waitUntilReady();
  return {
    async take(count, handler) {
      handle = handler;
      let acked = 0;
      const all = new Promise((resolve) => {
        completed = () => ++acked === count && resolve();
      });
      if (worker.isPaused()) worker.resume();
      else if (!worker.isRunning()) void worker.run();
      await all;
      return acked;
    },
    rest: () => worker.pause(),
    close: () => worker.close(true),
  };
}

export const owedKeys = "bull:*";

export async function backlogOf({ redis: url }, name) {
  const queue = new Queue(name, { connection: { url } });
  const waiting = await queue.getWaitingCount();
  await queue.close();
  return waiting;
}
