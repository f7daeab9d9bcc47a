import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cli } from "../../support/bus.js";
import { seededRandom } from "../random.js";
import { type Fault, startWorld, type World } from "../world.js";
import { alone, isLong } from "./alone.js";
import { clockFile, clockOff, faketime, setClock } from "./clock.js";
import { buildPrevious, hasPreviousCommit, roll } from "./previous-build.js";

let world: World;
const random = seededRandom(23);

beforeAll(async () => {
  world = await startWorld({ random, pace: 40 });
}, 120_000);
afterAll(() => world?.close(), 60_000);

test.skipIf(faketime() === undefined)(
  "a sidecar whose clock is an hour off and steps back loses, doubles and misorders nothing",
  async () => {
    const meanwhile = async () => {
      await delay(2_000); // for work by the wrong clock: nothing tells when it is enough
      setClock(clockFile(world), -3_600);
    };
    expect(await alone(world, clockOff, random, { lastsMs: isLong ? 30_000 : 4_000, meanwhile })).toEqual([]);
  },
  150_000,
);

const blocked: Fault = {
  name: "the event loop of an adapter is blocked past its leases",
  touches: ["ehr-clinic"],
  async inject({ adapters }) {
    const adapter = adapters.find(({ name }) => name === "ehr-clinic")!;
    await adapter.kill9();
    await adapter.start({ blockMs: 3_000 });
    return async () => {
      await adapter.kill9();
      await adapter.start();
    };
  },
};

const sidecarStopped: Fault = {
  name: "a sidecar stands still",
  touches: ["sidecar-1"],
  async inject({ sidecars }) {
    sidecars[0]!.pause();
    return async () => sidecars[0]!.resume();
  },
};

test.each([
  { fault: blocked, lastsMs: 7_000 },
  { fault: sidecarStopped, lastsMs: isLong ? 30_000 : 7_000 },
])(
  "$fault.name: nothing is lost, doubled or misordered",
  async ({ fault, lastsMs }) => {
    expect(await alone(world, fault, random, { lastsMs })).toEqual([]);
  },
  150_000,
);

test.skipIf(!hasPreviousCommit())(
  "a rolling upgrade from the build of the commit before this one, under load, loses, doubles and misorders nothing",
  async () => {
    const previous = buildPrevious();
    await roll(world, previous);
    const upgrade: Fault = {
      name: "rolling upgrade",
      async inject() {
        await roll(world, cli);
        return async () => undefined;
      },
    };
    expect(await alone(world, upgrade, random, { lastsMs: 500 })).toEqual([]);
  },
  240_000,
);
