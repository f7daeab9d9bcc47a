import { statSync, truncateSync } from "node:fs";
import type { Fault, World } from "../world.js";

/** Redis dies, comes back without its latest writes, and goes on as if nothing had happened. */
function redisLoses(name: string, forget: (world: World) => void): Fault {
  return {
    name,
    touches: ["redis"],
    async inject(world) {
      await world.redis.kill9();
      forget(world);
      return async () => await world.redis.start();
    },
  };
}

/** As a crash of the machine does with appendfsync everysec: the end of the file was never on the disk. */
export const aofTailCut = redisLoses("the tail of the append-only file is cut off", ({ redis }) => {
  const { size } = statSync(redis.aofTail);
  truncateSync(redis.aofTail, Math.floor(size * 0.6)); // within a command: Redis drops what is left of it
});

export const redisBackEmpty = redisLoses("Redis comes back empty", ({ redis }) => redis.wipe());

export const losses: readonly Fault[] = [aofTailCut, redisBackEmpty];
