import { laravelFaults, laravelOf, longLaravelFaults } from "./laravel-faults.js";
import { operatorFaults } from "./operator-faults.js";
import type { Random } from "./random.js";
import { redisLosses } from "./redis-losses.js";
import type { TcpProxy } from "./tcp-proxy.js";
import type { Fault, World } from "./world.js";

/*
 * Quick faults that can be mixed freely: what each touches is healed by itself in a moment. Whatever a heal starts is not
 * waited for, since what it needs may still be away; `healed()` waits for all.
 */
type Way = (proxy: TcpProxy, random: Random) => void;

const ways: Readonly<Record<string, Way>> = {
  "cut off": (proxy) => proxy.cut(),
  "connections reset": (proxy) => proxy.reset(),
  latency: (proxy, random) => proxy.latency(random.integer(5, 150)),
  "1 kB/s": (proxy) => proxy.throttle(1_024),
  "half-open": (proxy) => proxy.halfOpen(),
  "replies lost": (proxy) => proxy.loseReplies(),
  "some connections clogged": (proxy, random) => proxy.clog(() => random.chance(0.5)),
};

function ofNetwork(place: string, proxyOf: (world: World) => TcpProxy): Fault[] {
  return Object.entries(ways).map(([name, spoil]) => ({
    name: `${place}: ${name}`,
    touches: [`network of ${place}`],
    async inject(world, random) {
      const proxy = proxyOf(world);
      spoil(proxy, random);
      return async () => proxy.heal();
    },
  }));
}

interface Mortal {
  kill9(): Promise<void>;
  pause(): void;
  resume(): void;
  readonly process: { readonly isRunning: boolean };
}

/** Killed and started again; stopped and continued. `minimumMs` of a stop lets leases of 2 s lapse. */
function ofProcess<T extends Mortal>(
  name: string,
  of: (world: World) => T,
  start: (process: T) => Promise<void>,
): Fault[] {
  const touches = [name];
  return [
    {
      name: `${name} killed`,
      touches,
      async inject(world) {
        await of(world).kill9();
        return async () => await start(of(world));
      },
    },
    {
      name: `${name} stopped past its leases`,
      touches,
      minimumMs: 3_500,
      async inject(world) {
        of(world).pause();
        return async () => of(world).resume();
      },
    },
  ];
}

/** It dies by its own hand at a point of some event, and is started again. */
function adapterDies(index: number, name: string, point: "before" | "written" | "committed"): Fault {
  return {
    name: `${name} killed ${point === "before" ? "before its effect" : `when its row is ${point}`}`,
    touches: [name],
    minimumMs: 1_500,
    async inject(world) {
      const adapter = world.adapters[index]!;
      await adapter.kill9();
      await adapter.start({ dieAt: { point } });
      return async () => {
        await adapter.kill9(); // nothing may have come to it
        await adapter.start();
      };
    },
  };
}

function ofSidecar(index: number): Fault[] {
  const name = `sidecar-${index + 1}`;
  return [
    ...ofNetwork(name, ({ gatewayProxies }) => gatewayProxies[index]!),
    ...ofProcess(
      name,
      ({ sidecars }) => sidecars[index]!,
      (sidecar) => sidecar.launch(),
    ),
    {
      name: `${name} told to end`,
      touches: [name],
      async inject({ sidecars }) {
        const ended = sidecars[index]!.term();
        return async () => {
          await ended;
          await sidecars[index]!.launch();
        };
      },
    },
  ];
}

function ofAdapter(index: number, name: string): Fault[] {
  return [
    ...ofProcess(
      name,
      ({ adapters }) => adapters[index]!,
      (adapter) => adapter.start(),
    ),
    ...(["before", "written", "committed"] as const).map((point) => adapterDies(index, name, point)),
    {
      name: `the event loop of ${name} is blocked past its leases`,
      touches: [name],
      minimumMs: 3_500,
      async inject({ adapters }) {
        await adapters[index]!.kill9();
        await adapters[index]!.start({ blockMs: 3_000 });
        return async () => {
          await adapters[index]!.kill9();
          await adapters[index]!.start();
        };
      },
    },
  ];
}

const once = (name: string, touch: string, harm: (world: World) => Promise<unknown>): Fault => ({
  name,
  touches: [touch],
  async inject(world) {
    await harm(world);
    return async () => undefined;
  },
});

export const mixedFaults: readonly Fault[] = [
  ...ofNetwork("redis", ({ redisProxy }) => redisProxy),
  ...ofProcess(
    "redis",
    ({ redis }) => redis,
    (redis) => redis.start(),
  ),
  once("scripts of Redis flushed", "redis", ({ redis }) => redis.client.script("FLUSH")),
  once("clients of Redis killed", "redis", ({ redis }) =>
    redis.client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"),
  ),
  ...[0, 1].flatMap(ofSidecar),
  ...["city-health-1", "city-health-2", "ehr-clinic", "treasury"].flatMap((name, index) =>
    ofAdapter(index, name),
  ),
  ...redisLosses,
  ...operatorFaults,
  ...laravelFaults,
  ...ofNetwork("Laravel's database", (world) => laravelOf(world).node.proxy),
  {
    name: "database killed", // of adapters and of Laravel
    touches: ["database"],
    async inject({ database }) {
      await database.kill();
      return async () => await database.restart();
    },
  },
];

/** With those that take their time: for runs of some minutes. */
export const allMixedFaults: readonly Fault[] = [...mixedFaults, ...longLaravelFaults];
