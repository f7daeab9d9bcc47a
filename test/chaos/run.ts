import { setTimeout as delay } from "node:timers/promises";
import { check } from "./checker.js";
import { type Drained, healed } from "./healed.js";
import type { Violation } from "./invariants.js";
import { type Episode, episodes, inWords, type PlannedFault } from "./plan.js";
import type { Random } from "./random.js";
import type { Fault, World } from "./world.js";

export interface Run {
  readonly episodes: number;
  readonly violations: readonly Violation[];
}

/** After a fault the load goes on this long before it ends, so that the way back is seen under load too (ms). */
const AFTERWARDS_MS = 1_000;

/**
 * Does harm to a world until the time is up or something is wrong: episodes of faults that overlap, each followed by
 * healing, draining and a look at everything that ever happened. `say` is told a line for each step.
 */
export async function run(
  world: World,
  faults: readonly Fault[],
  { random, untilMs, say }: { random: Random; untilMs: number; say: (line: string) => void },
): Promise<Run> {
  const drains: Drained[] = [];
  const plan = episodes(faults, random.fork("plan"));
  let done = 0;
  for (const episode of plan) {
    say(`episode ${done + 1}: ${inWords(episode)}`);
    await carryOut(world, episode, random.fork(`episode ${done}`));
    const drained = await healed(world);
    drains.push(drained);
    const violations = await check(world, drains);
    const { operations } = world.log;
    const waited = drained.last.length === 0 ? "" : `, at last for: ${drained.last.join("; ")}`;
    say(
      `episode ${++done}: drained in ${drained.ms} ms${waited}; ${operations.length} events, ${violations.length} violations`,
    );
    if (violations.length > 0 || performance.now() > untilMs) return { episodes: done, violations };
    world.probe.misbehave();
    world.producer.resume();
    world.laravel?.users.resume();
  }
  throw new Error("the plan has ended"); // it is endless
}

async function carryOut(world: World, episode: Episode, random: Random): Promise<void> {
  const outcomes = await Promise.allSettled(
    episode.map((planned, n) => harm(world, planned, random.fork(`${n}`))),
  );
  const failed = outcomes.flatMap((outcome, n) =>
    outcome.status === "rejected" ? [new Error(episode[n]!.fault.name, { cause: outcome.reason })] : [],
  );
  if (failed.length > 0) throw new AggregateError(failed, "faults that could not be made or healed");
  await delay(AFTERWARDS_MS);
}

async function harm(world: World, { fault, atMs, lastsMs }: PlannedFault, random: Random): Promise<void> {
  await delay(atMs);
  const heal = await fault.inject(world, random);
  await delay(lastsMs);
  await heal();
}
