import { constants } from "node:os";
import type { LaravelNode } from "./laravel-node.js";
import type { Fate } from "./laravel-producer.js";
import type { Fault, Laravel, World } from "./world.js";

/** Signals itself before it marks rows as sent, which Redis has by then; see laravel/relay.php. */
const haltMarking = (signal: "KILL" | "STOP") => ({
  HALT_BEFORE: "update hms_sync_outbox set relayed_at",
  HALT_SIGNAL: String(constants.signals[`SIG${signal}`]),
});

/** As RelayLease::MILLISECONDS, and some more. */
const PAST_THE_LEASE_MS = 17_000;

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

export const laravelFaults: readonly Fault[] = [
  ofRelay("relay killed", async (node) => {
    await node.relays[0]!.kill9();
    return async () => await node.startRelay(0);
  }),
  ofRelay("relay killed between sending and marking", async (node) => {
    await node.relays[0]!.kill9();
    await node.startRelay(0, haltMarking("KILL")); // its supervisor starts it again
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

/** For runs that have the time: what was sent is sent again by another relay, and by the first one when it goes on. */
export const longLaravelFaults: readonly Fault[] = [
  {
    name: "relay stopped past its lease with another one at hand",
    touches: ["relay"],
    minimumMs: PAST_THE_LEASE_MS,
    async inject(world) {
      const { node } = laravelOf(world);
      await node.relays[0]!.kill9();
      await node.startRelay(0, haltMarking("STOP"));
      await node.startRelay(1);
      return async () => {
        node.relays[0]!.process.resume();
        await node.relays[1]!.term();
      };
    },
  },
];
