import { afterAll, expect, test } from "vitest";
import { keepEvidence } from "./evidence.js";
import { LARAVEL } from "./laravel-node.js";
import { allMixedFaults, mixedFaults } from "./mixed-faults.js";
import { seededRandom } from "./random.js";
import { run } from "./run.js";
import { startWorld, type World } from "./world.js";

/*
 * Faults at random on a whole installation. CHAOS_SEED replays a plan of faults, CHAOS_MINUTES says how long
 * (npm run chaos sets both), CHAOS_ONLY (a regular expression) which faults are mixed; the time in which all starts and drains comes on top.
 */
const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
const minutes = Number(process.env.CHAOS_MINUTES ?? 1.1);
const faults = (minutes < 3 ? mixedFaults : allMixedFaults).filter(({ name }) =>
  new RegExp(process.env.CHAOS_ONLY ?? "").test(name),
);
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
    world = await startWorld({ random, laravelPace: 4 });
    const { episodes, violations } = await run(world, faults, { random, untilMs, say });
    const { operations } = world.log;
    const ofLaravel = operations.filter(({ source }) => source === LARAVEL);
    say(
      `${episodes} episodes, ${operations.length} events, ${ofLaravel.length} of them Laravel's; CHAOS_SEED=${seed}`,
    );
    if (violations.length > 0) say(`what tells how it came: ${await keepEvidence(world, seed, violations)}`);
    expect(violations.slice(0, 20), `CHAOS_SEED=${seed}`).toEqual([]);
    // What is checked did happen, where there was time for it: commits and rollbacks.
    const ends = new Set(ofLaravel.map(({ attempts }) => attempts.at(-1)?.outcome));
    if (minutes >= 1) expect([...ends].sort()).toEqual(["failed", "ok"]);
  },
  minutes * 60_000 + 300_000,
);
