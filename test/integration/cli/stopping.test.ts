import { expect, test } from "vitest";
import { freePort } from "../../support/port.js";
import { startRedis } from "../../support/redis.js";
import { CliFolder } from "./cli-bus.js";

/** Docker and systemd kill what does not end by itself. */
const ended = { code: 0, signal: null };

test("stopped while it waits for a Redis that is not there, the bus ends with 0", async () => {
  const url = `redis://127.0.0.1:${await freePort()}`;
  const process = await new CliFolder().spawn(["start"], { HMS_SYNC_REDIS_URL: url });
  await process.waitForLine(/"redis connection"/);
  expect(await process.kill("SIGTERM")).toEqual(ended);
  expect(process.stderr()).toMatch(/"stopped while it started"/);
});

test("stopped after its Redis went away, the bus gives up what waits for it and ends with 0", async () => {
  const redis = await startRedis();
  const { process } = await new CliFolder().start({ HMS_SYNC_REDIS_URL: redis.url });
  await redis.stop();
  await process.waitForLine(/"redis connection".*ECONNREFUSED/);
  expect(await process.kill("SIGTERM")).toEqual(ended);
  expect(process.stderr()).toMatch(/"stopping waits for Redis in vain/);
});
