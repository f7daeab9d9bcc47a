import { setTimeout as delay } from "node:timers/promises";
import { refillWhatWasTold } from "./redis-losses.js";
import type { SidecarNode } from "./sidecar-node.js";
import type { Laravel, World } from "./world.js";

/** From the end of all faults to nothing owed (ms), less the time in which producers send again what Redis lost: I8. */
export const DRAIN_MS = 60_000;

/** All that was published is settled everywhere it is due, or time was up. */
export interface Drained {
  readonly ms: number;
  /** What was left when the time was up; nothing when all went well. */
  readonly left: readonly string[];
  /** What was there to wait for last. */
  readonly last: readonly string[];
}

/**
 * Heals the network, starts what does not run, continues what was stopped, lets nobody publish, and waits until nothing
 * is owed. What the bus says that Redis lost is sent again before that. Says what is left after 60 s; the caller decides whether
 * that is a violation. Publishing goes on only with `resume()` of the producer and of Laravel's users.
 */
export async function healed(world: World): Promise<Drained> {
  let from = performance.now();
  await restore(world);
  world.producer.pause();
  world.laravel?.users.pause();
  world.probe.behave();
  const healedAt = performance.now();
  await refillWhatWasTold(world);
  from += performance.now() - healedAt;
  for (let last: readonly string[] = []; ; ) {
    await startAgain(world);
    const left = await whatIsLeft(world).catch((error: unknown) => [`status: ${String(error)}`]);
    const ms = Math.round(performance.now() - from);
    if (left.length === 0 || ms > DRAIN_MS) return { ms, left, last };
    last = left;
    await delay(100);
  }
}

/** Everything runs and every connection is what it should be. */
async function restore(world: World): Promise<void> {
  const { redis, redisProxy, sidecars, adapters, laravel } = world;
  if (!redis.process.isRunning) await redis.start();
  redis.resume();
  for (const proxy of [redisProxy, ...world.gatewayProxies]) proxy.heal();
  for (const { process } of [...sidecars, ...adapters]) process.resume();
  await laravel?.node.restore();
  await Promise.all([
    ...sidecars.map((each) => (each.process.isRunning ? undefined : each.start())),
    ...adapters.map((each) => (each.process.isRunning ? undefined : each.start())),
  ]);
}

/** As a service manager does: a sidecar may have ended after what it needs was healed, by what it had read before. */
async function startAgain({ sidecars }: World): Promise<void> {
  for (const sidecar of sidecars) if (!sidecar.process.isRunning) await sidecar.launch();
}

/** In words: what is under way, unread or owed. */
async function whatIsLeft({ producer, sidecars, db, laravel }: World): Promise<string[]> {
  const left: string[] = laravel === undefined ? [] : await whatLaravelHas(laravel);
  if (producer.underWay > 0) left.push(`${producer.underWay} events are still being published`);
  const { status, body } = await sidecars[0]!.call("GET", "/v1/status");
  if (status !== 200) return [...left, `status answers ${status}`];
  if (body.intake.backlog > 0) left.push(`${body.intake.backlog} entries of the intake are unread`);
  for (const [topic, { consumers }] of Object.entries<{ consumers: Record<string, { owed: number }> }>(
    body.topics,
  ))
    for (const [consumer, { owed }] of Object.entries(consumers))
      if (owed > 0) left.push(`${consumer} is owed ${owed} of ${topic}`);
  left.push(...(await whichDiffer(sidecars)));
  if (left.length === 0) await db.raw("select 1"); // rows are read next
  return left;
}

async function whatLaravelHas({ node, users }: Laravel): Promise<string[]> {
  const unsent = await node.unsent();
  return [
    ...(users.underWay > 0 ? ["an event of Laravel's is still being committed"] : []),
    ...(unsent > 0 ? [`${unsent} rows of Laravel's outbox are unsent`] : []),
  ];
}

/** Sidecars that are not ready, or that follow another topics.yaml than the first one. */
async function whichDiffer(sidecars: readonly SidecarNode[]): Promise<string[]> {
  const all = await Promise.all(
    sidecars.map(async (sidecar) => {
      const { status, body } = await sidecar.call("GET", "/v1/status");
      return { name: sidecar.name, status, digest: body.registry?.digest };
    }),
  );
  return all
    .filter(({ status, digest }) => status !== 200 || digest !== all[0]!.digest)
    .map(({ name, status }) => `${name} is not ready or has another registry (status answers ${status})`);
}
