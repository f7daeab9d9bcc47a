import { type Halt, type LaravelNode, MARKING } from "./laravel-node.js";
import type { Fate } from "./laravel-producer.js";
import type { Fault, Laravel, World } from "./world.js";

const KILL = 9;

/** The Laravel application of a world that has one. */
export function laravelOf({ laravel }: World): Laravel {
  if (laravel === undefined) throw new Error("this world has no Laravel application; give it laravelPace");
  return laravel;
}

function ofRelay(name: string, inject: (node: LaravelNode) => Promise<() => Promise<void>>): Fault {
  return { name, touches: ["relay"], inject: (world) => inject(laravelOf(world).node) };
}

/** A request's process dies by its own hand at that point of its next event. */
function requestDies(name: string, fate: Fate): Fault {
  return {
    name,
    touches: ["laravel"],
    async inject(world) {
      laravelOf(world).users.nextFate = fate; // its supervisor starts it again
      return async () => undefined;
    },
  };
}

/** The relay ends itself, or stands still, before its first query like this; it is started for that. */
async function startHalting(node: LaravelNode, halt: Halt): Promise<void> {
  await node.relays[0]!.kill9();
  await node.startRelay(0, halt);
}

export const laravelFaults: readonly Fault[] = [
  ofRelay("relay killed", async (node) => {
    await node.relays[0]!.kill9();
    return async () => await node.startRelay(0);
  }),
  ofRelay("relay killed between sending and marking", async (node) => {
    await startHalting(node, { before: MARKING, signal: KILL });
    return async () => undefined;
  }),
  ofRelay("two relays at once", async (node) => {
    await node.startRelay(1);
    return async () => await node.relays[1]!.term();
  }),
  requestDies("Laravel killed inside of a transaction", "die-inside"),
  requestDies("Laravel killed between commit and relay", "die-committed"),
  {
    name: "Laravel killed",
    touches: ["laravel"],
    async inject(world) {
      const { node } = laravelOf(world);
      await node.producer.kill9();
      return async () => await node.startProducer();
    },
  },
];
