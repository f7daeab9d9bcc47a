import { Redis } from "ioredis";
import { makeGroup, readGroup } from "./intake.mjs";

const batch = 500;

/**
 * A consumer of a Redis stream with a group of its own: reads up to 500 entries at a time, handles each, acks them with one
 * XACK and reads on meanwhile. `payloadOf` finds the payload in an entry's fields.
 */
export async function groupConsumer({ redis: url, name }, stream, payloadOf) {
  const reader = new Redis(url);
  const redis = new Redis(url);
  await makeGroup(redis, stream, name);
  return {
    async take(count, handle) {
      const acking = [];
      for (let taken = 0; taken < count; ) {
        const entries = await readGroup(reader, stream, name, Math.min(batch, count - taken));
        for (const [, fields] of entries) handle(payloadOf(fields));
        taken += entries.length;
        if (entries.length > 0) acking.push(redis.xack(stream, name, ...entries.map(([id]) => id)));
      }
      return (await Promise.all(acking)).reduce((sum, acked) => sum + acked, 0);
    },
    rest: async () => undefined,
    close() {
      reader.disconnect();
      redis.disconnect();
    },
  };
}

/** How many entries a group has not read. */
export async function backlogOf(url, stream, name) {
  const redis = new Redis(url);
  const groups = await redis.xinfo("GROUPS", stream).catch(() => []);
  redis.disconnect();
  const group = groups.find((fields) => fields[1] === name) ?? [];
  return group[group.indexOf("lag") + 1] ?? 0;
}
