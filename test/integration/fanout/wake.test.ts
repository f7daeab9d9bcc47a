import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { WakeStream } from "../../../src/redis/wake.js";
import { belt, numberIn, silent } from "../../support/belt.js";
import { eventually } from "../../support/eventually.js";
import { startRedis, type TestRedis } from "../../support/redis.js";

let server: TestRedis;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(() => redis.flushall());

const stream = () => new WakeStream(redis, new Redis(server.url), silent);
const never = new AbortController().signal;

// Neither belt sweeps here, so nothing but the wake stream can tell the second of the event.
test("a pull that waits at one sidecar is answered by an event that another recorded", async () => {
  const [wakeHere, wakeThere] = [stream(), stream()];
  const here = belt(server.url, { waker: wakeHere });
  const there = belt(server.url, { waker: wakeThere });
  const queueHere = await here.queue("shared");
  const queueThere = await there.queue("shared");
  await wakeHere.start(() => {});
  await wakeThere.start(({ consumer }) => void (consumer === "shared" && queueThere.wakeOne()));
  await eventually(() => wakeHere.otherSidecars === 1);

  const pulled = queueThere.pull(10, 20_000, never);
  await eventually(() => queueThere.waiting === 1);
  const sent = await here.publish(1, queueHere);
  expect((await pulled).flatMap(({ bodies }) => bodies.map(numberIn))).toEqual(sent);

  for (const each of [wakeHere, wakeThere, here, there]) await each.close();
});

test("a sidecar that has just started is known to the others at once, and one that stopped is forgotten", async () => {
  const first = stream();
  await first.start(() => {});
  expect(first.otherSidecars).toBe(0);
  const second = stream();
  await second.start(() => {});
  await eventually(() => first.otherSidecars === 1);
  await second.close();
  expect(await redis.zcard("hms-sync:sidecars")).toBe(1);
  await first.close();
});

test("a change of access keys reaches every other sidecar", async () => {
  const [first, second] = [stream(), stream()];
  const heard: string[] = [];
  await first.start(({ kind }) => void heard.push(kind));
  await second.start(() => {});
  second.accessKeysChanged();
  await eventually(() => heard.includes("access-keys"));
  await first.close();
  await second.close();
});
