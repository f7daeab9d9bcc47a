import type { Redis } from "ioredis";

/** Every key as it is now, and the way back to that: what a Redis does that restarts without its latest writes. */
export async function snapshot(redis: Redis): Promise<() => Promise<void>> {
  const kept: [string, Buffer, number][] = [];
  for (const key of await redis.keys("*"))
    kept.push([key, (await redis.dumpBuffer(key))!, Math.max(0, await redis.pttl(key))]);
  return async () => {
    await redis.flushall();
    for (const [key, dump, ttl] of kept) await redis.restore(key, ttl, dump);
  };
}
