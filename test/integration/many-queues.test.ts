import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { readConfig } from "../../src/config.js";
import { createLogger } from "../../src/log.js";
import { startSidecar } from "../../src/sidecar.js";
import { busFolder } from "../support/bus.js";
import { startRedis } from "../support/redis.js";

test("two hundred (consumer, topic) queues take at most twenty Redis connections", async () => {
  const names = Array.from({ length: 40 }, (_, i) => `topic-${i}`);
  const entry =
    "  qos: at_least_once\n  retention: 1h\n  schema: v1\n  producers: [hms-api]\n  consumers: [a, b, c, d, e]\n";
  const folder = await busFolder(names.map((name) => `${name}:\n${entry}`).join(""), names);
  const redis = await startRedis();
  const config = readConfig({ ...folder.env, HMS_SYNC_REDIS_URL: redis.url }, folder.path);
  const sidecar = await startSidecar(config, createLogger({ level: "silent" }));
  const admin = new Redis(redis.url);
  const clients = String(await admin.client("LIST"))
    .trim()
    .split("\n");
  expect(clients.length - 1).toBeLessThanOrEqual(20);
  admin.disconnect();
  await sidecar.close();
  await redis.stop();
  folder.remove();
});
