import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../../support/eventually.js";
import { check, type Violation } from "../checker.js";
import { healed } from "../healed.js";
import type { Random } from "../random.js";
import type { Fault, World } from "../world.js";

/** CHAOS_LONG=1: faults last as long as they are named for, instead of as long as they need to do harm. */
export const isLong = process.env.CHAOS_LONG === "1";

export interface Course {
  /** How long the fault lasts (ms). */
  readonly lastsMs: number;
  /** Looks at the world while the harm is done. */
  readonly meanwhile?: () => Promise<unknown>;
}

/** One fault on a world under load, from the first harm to the end of all that follows from it. */
export async function alone(
  world: World,
  fault: Fault,
  random: Random,
  { lastsMs, meanwhile = async () => undefined }: Course,
): Promise<Violation[]> {
  world.producer.resume();
  world.probe.misbehave();
  await eventually(() => world.log.accepted().length >= 20, { timeoutMs: 30_000 });
  const heal = await fault.inject(world, random);
  try {
    await Promise.all([delay(Math.max(lastsMs, fault.minimumMs ?? 0)), meanwhile()]);
  } finally {
    await heal();
  }
  await eventually(() => isTaken(world), { timeoutMs: 60_000 });
  return await check(world, [await healed(world)]);
}

/** The bus takes events again: one that begins now is accepted. */
async function isTaken({ sidecars, producer }: World): Promise<boolean> {
  const { body } = await sidecars[0]!.call("GET", "/v1/status");
  return body.topics !== undefined && producer.underWay < 64;
}
