import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../support/eventually.js";
import { clockFile, clockOf, faketime, setClock } from "./faults/clock.js";
import { diskFull, evicting, memoryFull, passwordRotated } from "./faults/redis.js";
import { laravelOf } from "./laravel-faults.js";
import type { Fault, World } from "./world.js";
import { schema } from "./world-topics.js";

/*
 * What operators do, and what machines do under everybody. Not here, because the checker could not judge what comes of it:
 * a ledger trimmed by hand, and a poison event (no innocent event may become a dead letter, so that max_deliver is 1,000 here). A
 * failover by Sentinel, a backlog of 100,000 and an upgrade from the previous build need a world of their own: see faults/.
 */

/** Takes the place of topics.yaml at once, as an operator's editor does. */
function writeTopics({ folder }: World, text: string): void {
  writeFileSync(join(folder.path, "next.yaml"), text);
  renameSync(join(folder.path, "next.yaml"), join(folder.path, "topics.yaml"));
}

const readTopics = ({ folder }: World) => readFileSync(join(folder.path, "topics.yaml"), "utf8");

/** Text of topics.yaml with another backoff for all, and with one topic more than at the beginning. */
function changed(text: string): string {
  const [one, other] = ["backoff: [200ms, 1s]", "backoff: [300ms, 1s]"] as const;
  const more = `${EXTRA}: { qos: at_least_once, retention: 7d, schema: v1, producers: [hms-api], consumers: [treasury] }\n`;
  const next = text.includes(one) ? text.replaceAll(one, other) : text.replaceAll(other, one);
  return next.includes(EXTRA) ? next : `${next}\n${more}`;
}

const EXTRA = "inspections.extra";

const reload: Fault = {
  name: "topics.yaml changed under way",
  touches: ["registry"],
  async inject(world) {
    const folder = join(world.folder.path, "schemas", EXTRA);
    if (!existsSync(folder)) mkdirSync(folder);
    writeFileSync(join(folder, "v1.json"), JSON.stringify(schema));
    writeTopics(world, changed(readTopics(world)));
    return async () => writeTopics(world, changed(readTopics(world)));
  },
};

/** Its sidecars run, since none would start with it. */
const brokenReload: Fault = {
  name: "topics.yaml broken under way",
  touches: ["registry", "sidecar-1", "sidecar-2"],
  async inject(world) {
    const right = readTopics(world);
    writeTopics(world, `${right}\nnonsense: [`);
    return async () => {
      try {
        for (const sidecar of world.sidecars)
          await eventually(async () => (await sidecar.call("GET", "/v1/status")).body.state !== "ok", {
            timeoutMs: 20_000,
            everyMs: 100,
          });
      } finally {
        writeTopics(world, right);
      }
    };
  },
};

/** The other sidecar and Redis have the right time. */
const clockJumps: Fault = {
  name: "the clock of sidecar-2 is an hour ahead, then an hour behind",
  touches: ["sidecar-2"],
  async inject(world) {
    const sidecar = world.sidecars[1]!;
    setClock(clockFile(world), 3_600);
    await sidecar.term();
    await sidecar.launch(clockOf(clockFile(world)));
    return async () => {
      setClock(clockFile(world), -3_600);
      await delay(1_500); // for work by that clock
      await sidecar.term();
      await sidecar.launch();
    };
  },
};

/**
 * Not more: --since is read by the clock that wrote `relayed_at`, and the bus gives a minute for that. A clock further off than
 * this would make the outbox send too little again when Redis loses something.
 */
const relayIsLate: Fault = {
  name: "the clock of the relay is 45 s behind",
  touches: ["relay"],
  async inject(world) {
    const { node } = laravelOf(world);
    const file = join(world.folder.path, "relay-clock");
    setClock(file, -45);
    await node.relays[0]!.term();
    await node.startRelay(0, clockOf(file));
    return async () => {
      await node.relays[0]!.term();
      await node.startRelay(0);
    };
  },
};

/** It holds its connections and whatever it leads, and does nothing; see blockable.cjs. */
function blocked(index: number): Fault {
  const name = `sidecar-${index + 1}`;
  return {
    name: `the event loop of ${name} is blocked past its leases`,
    touches: [name],
    minimumMs: 4_000,
    async inject({ sidecars }) {
      sidecars[index]!.process.signal("SIGUSR2");
      return async () => undefined;
    },
  };
}

export const operatorFaults: readonly Fault[] = [
  ...[memoryFull, evicting, passwordRotated, diskFull],
  ...[reload, brokenReload, blocked(0), blocked(1)],
  ...(faketime() === undefined ? [] : [clockJumps, relayIsLate]),
].map((fault) => ({ ...fault, weight: 2 }));
