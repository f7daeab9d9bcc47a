import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { seededRandom } from "../random.js";
import { callBus } from "../sidecar-node.js";
import { startWorld, type World } from "../world.js";
import { STATUS } from "../world-topics.js";
import { alone, isLong } from "./alone.js";
import { diskFull, evicting, fullBy, memoryFull, passwordRotated, redisStopped } from "./redis.js";

// What Redis refuses, the bus refuses: with a code, a red status, and without losing what it had accepted before.
let world: World;
const random = seededRandom(11);
let asked = 0;

beforeAll(async () => {
  world = await startWorld({ random, pace: 40 });
}, 120_000);
afterAll(() => world?.close(), 60_000);

/** What a producer is answered now. */
async function answer(): Promise<{ status: number; code: string | undefined }> {
  const { status, body } = await callBus(`${world.sidecars[0]!.url}/v1/topics/${STATUS}/events`, "POST", {
    token: world.token,
    body: { n: "not a number: nothing of it is ever recorded" },
    headers: { "idempotency-key": `asked-${++asked}` },
    timeoutMs: 8_000,
  });
  return { status, code: body.code };
}

/** A good event is refused with this code. */
async function isRefusedWith(code: string): Promise<void> {
  const refusals = () => world.log.operations.flatMap(({ attempts }) => attempts.map(({ detail }) => detail));
  await eventually(() => refusals().includes(`503 ${code}`), { timeoutMs: 30_000 });
}

async function statusIsRed(pattern: RegExp): Promise<void> {
  await eventually(
    async () => {
      const { status, body } = await world.sidecars[0]!.call("GET", "/v1/status");
      return status === 200 && body.state === "red" && pattern.test(body.problems.join("\n"));
    },
    { timeoutMs: 30_000, everyMs: 100 },
  );
}

async function isUnready(): Promise<void> {
  const ready = async () => (await fetch(`${world.sidecars[0]!.url}/readyz`)).status;
  await eventually(async () => (await ready()) === 503, { timeoutMs: 30_000, everyMs: 100 });
}

test("maxmemory reached: events are refused with out_of_memory, the status is red and says so; nothing accepted is lost", async () => {
  const meanwhile = () => Promise.all([isRefusedWith("out_of_memory"), statusIsRed(/maxmemory/)]);
  expect(await alone(world, memoryFull, random, { lastsMs: 1_500, meanwhile })).toEqual([]);
}, 150_000);

test("an eviction policy set under way: the status is red until it is noeviction again", async () => {
  const meanwhile = () => statusIsRed(/maxmemory-policy "allkeys-lru"/);
  expect(await alone(world, evicting, random, { lastsMs: 500, meanwhile })).toEqual([]);
  expect((await world.sidecars[0]!.call("GET", "/v1/status")).body).toMatchObject({ state: "ok" });
}, 150_000);

test("the password of Redis rotated: the bus is unready and refuses, and goes on when it is let in", async () => {
  const meanwhile = async () => {
    await isUnready();
    expect((await answer()).status).toBe(503);
  };
  expect(await alone(world, passwordRotated, random, { lastsMs: 1_500, meanwhile })).toEqual([]);
}, 150_000);

test(`the disk of the append-only file full (${fullBy}): Redis ends rather than acknowledge, and nothing acknowledged is missing after`, async () => {
  const meanwhile = async () => {
    await eventually(() => !world.redis.process.isRunning, { timeoutMs: 30_000 });
    expect(world.redis.process.ends.at(-1)).toMatchObject({ code: 1, expected: false });
    await isUnready();
    expect((await answer()).status).toBe(503);
  };
  expect(await alone(world, diskFull, random, { lastsMs: 500, meanwhile })).toEqual([]);
}, 150_000);

test("Redis stands still: nobody is told that an event was accepted, and all goes on after", async () => {
  expect(await alone(world, redisStopped, random, { lastsMs: isLong ? 30_000 : 4_000 })).toEqual([]);
}, 150_000);
