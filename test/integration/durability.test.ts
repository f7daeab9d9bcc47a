import { Redis } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import { checkRedis } from "../../src/redis/durability.js";
import { startRedis, type TestRedis } from "../support/redis.js";

let redis: TestRedis | undefined;
const clients: Redis[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await redis?.stop();
});

async function clientOf(args: string[], url = (port: number) => `redis://127.0.0.1:${port}`): Promise<Redis> {
  redis = await startRedis({ args });
  const client = new Redis(url(redis.port));
  clients.push(client);
  return client;
}

const AOF = ["--appendonly", "yes", "--appendfsync", "always"];
const USER = ["--user", "bus", "on", ">pw", "~*", "&*", "+@all", "-config"];
const asUser = (port: number) => `redis://bus:pw@127.0.0.1:${port}`;

describe("the Redis that HMS_SYNC_REDIS_URL names", () => {
  test("with an eviction policy is refused with the code eviction_policy", async () => {
    const client = await clientOf(["--maxmemory-policy", "allkeys-lru"]);
    await expect(checkRedis(client)).rejects.toMatchObject({
      code: "eviction_policy",
      message: expect.stringContaining('"allkeys-lru"'),
    });
  });

  test("without AOF is taken with a warning", async () => {
    const { level, warnings } = await checkRedis(await clientOf([]));
    expect(level).toBe("none");
    expect(warnings).toEqual([expect.stringContaining("set appendonly yes")]);
  });

  test("with AOF is taken as durable as its appendfsync", async () => {
    expect(await checkRedis(await clientOf(AOF))).toMatchObject({ level: "always", warnings: [] });
  });

  test("whose user may not read CONFIG is judged by INFO", async () => {
    const client = await clientOf([...AOF, ...USER], asUser);
    await expect(client.config("GET", "appendonly")).rejects.toThrow(/NOPERM/);
    expect(await checkRedis(client)).toMatchObject({
      level: "everysec",
      evictionPolicy: "noeviction",
      warnings: [expect.stringContaining("everysec is assumed")],
    });
  });

  test("with an eviction policy is refused also when its user may not read CONFIG", async () => {
    const client = await clientOf(["--maxmemory-policy", "volatile-lru", ...USER], asUser);
    await expect(checkRedis(client)).rejects.toMatchObject({ code: "eviction_policy" });
  });
});
