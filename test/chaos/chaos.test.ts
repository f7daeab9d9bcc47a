import { afterAll, expect, test } from "vitest";
import { keepEvidence } from "./evidence.js";
import { mixedFaults } from "./mixed-faults.js";
import { seededRandom } from "./random.js";
import { run } from "./run.js";
import { startWorld, type World } from "./world.js";

/*
 * Faults at random on a whole installation. CHAOS_SEED replays a plan of faults, CHAOS_MINUTES says how long
 * (npm run chaos sets both); the time in which all starts and drains comes on top.
 */
const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
const minutes = Number(process.env.CHAOS_MINUTES ?? 1.2);
const say = (line: string) =>
  process.stdout.write(`chaos ${new Date().toISOString().slice(11, 19)} ${line}\n`);

let world: World | undefined;
afterAll(() => world?.close(), 60_000);

test(
  "whatever is done to processes, network and database at random, no event is lost, doubled, out of order or seen by another",
  async () => {
    say(`CHAOS_SEED=${seed} CHAOS_MINUTES=${minutes}`);
    const random = seededRandom(seed);
    const untilMs = performance.now() + minutes * 60_000;
    world = await startWorld({ random });
    const { episodes, violations } = await run(world, mixedFaults, { random, untilMs, say });
    say(`${episodes} episodes, ${world.log.operations.length} events; CHAOS_SEED=${seed}`);
    if (violations.length > 0) say(`what tells how it came: ${await keepEvidence(world, seed, violations)}`);
    expect(violations.slice(0, 20), `CHAOS_SEED=${seed}`).toEqual([]);
  },
  minutes * 60_000 + 300_000,
);
