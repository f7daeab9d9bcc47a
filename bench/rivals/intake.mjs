// What the rivals with a bridge have in common: events come as the PHP driver writes them, into a stream of Redis; a bridge
// reads them in batches, validates each, and gives those that are valid to its store as envelopes.
import { Redis } from "ioredis";
import { startRedis } from "../processes.mjs";
import { violations } from "../schema.mjs";

const intake = "intake";
const group = "bridge";
const batch = 500;

/** The Redis of a rival and the address under which its processes find it. */
export async function startIntake(directory, { fsync }) {
  const redis = await startRedis(directory, { fsync });
  return { processes: { redis: redis.process }, access: { redis: redis.url } };
}

/** Adds broadcasts to a stream, many in one pipeline. */
export async function publisher({ redis: url, stream = intake }) {
  const redis = new Redis(url);
  return {
    async send(broadcasts) {
      const pipeline = redis.pipeline();
      for (const broadcast of broadcasts) pipeline.xadd(stream, "*", ...Object.entries(broadcast).flat());
      rejectFailures(await pipeline.exec());
    },
    close: () => redis.disconnect(),
  };
}

/**
 * Reads the intake for ever. `store` is given the envelopes of a batch and resolves when all are kept; only then is the batch
 * acked. The next batch is read meanwhile.
 */
export async function runBridge(url, store) {
  const reader = new Redis(url);
  const redis = new Redis(url);
  await makeGroup(redis, intake, group);
  let storing = Promise.resolve();
  const loop = async () => {
    for (;;) {
      const entries = await readGroup(reader, intake, group, batch);
      await storing;
      if (entries.length > 0) storing = storeBatch(redis, entries, store);
      storing.catch(() => undefined); // awaited in the next turn
    }
  };
  return loop();
}

async function storeBatch(redis, entries, store) {
  const valid = [];
  const rejects = [];
  for (const [, fields] of entries) {
    const broadcast = asObject(fields);
    const payload = JSON.parse(broadcast.data);
    const reason = violations(payload);
    if (reason === undefined) valid.push({ ...envelopeOf(broadcast), payload, text: broadcast.data });
    else rejects.push(redis.xadd("rejects", "*", "reason", reason, "data", broadcast.data));
  }
  await Promise.all([store(valid), ...rejects]);
  await redis.xack(intake, group, ...entries.map(([id]) => id));
}

/** The envelope's text; the payload stays as it was written. */
export function envelopeText({ topic, version, id, source, type, time, text }) {
  return (
    `{"topic":"${topic}","version":${version},"payload":${text},"id":${JSON.stringify(id)},` +
    `"source":${JSON.stringify(source)},"type":${JSON.stringify(type)},"time":"${time}"}`
  );
}

function envelopeOf({ id, source, event, time, channels }) {
  return { topic: JSON.parse(channels)[0], version: 1, id, source, type: event, time };
}

function asObject(fields) {
  const object = {};
  for (let i = 0; i < fields.length; i += 2) object[fields[i]] = fields[i + 1];
  return object;
}

/** Makes a consumer group that begins with the stream's first entry, unless it is there. */
export async function makeGroup(redis, stream, name) {
  await redis.xgroup("CREATE", stream, name, "0", "MKSTREAM").catch((error) => {
    if (!String(error).includes("BUSYGROUP")) throw error;
  });
}

/** The next entries of a group, as `[id, fields]`; empty when none came within a second. */
export async function readGroup(redis, stream, name, count) {
  const reply = await redis.xreadgroup(
    ...["GROUP", name, "one", "COUNT", count, "BLOCK", 1000, "STREAMS", stream, ">"],
  );
  return reply?.[0]?.[1] ?? [];
}

/** Throws the first error of a pipeline. */
export function rejectFailures(results) {
  for (const [error] of results) if (error) throw error;
}
