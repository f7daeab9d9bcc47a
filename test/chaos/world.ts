import { readFileSync } from "node:fs";
import knex, { type Knex } from "knex";
import { createOnceTable } from "../../client/src/sql/index.js";
import { type BusFolder, busFolder } from "../support/bus.js";
import type { DatabaseServer } from "../support/database-server.js";
import { startPostgres } from "../support/postgres.js";
import { AdapterNode, type Lane } from "./adapter-node.js";
import { Monitor } from "./monitor.js";
import { OperationLog } from "./operation-log.js";
import { Probe } from "./probe.js";
import { Producer } from "./producer.js";
import type { Random } from "./random.js";
import { RedisNode } from "./redis-node.js";
import { type Environment, SidecarNode } from "./sidecar-node.js";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.js";
import { PROBE, STATUS, schema, TOPICS, topicsFile, type WorldOptionsOfTopics } from "./world-topics.js";

/** Harm to a world and how it is made good. */
export interface Fault {
  readonly name: string;
  /** Does harm; resolves with what heals it, which may be called at any time later and once only. */
  inject(world: World, random: Random): Promise<() => Promise<void>>;
  /** How long it has to last to do its harm; 1 s unless given. */
  readonly minimumMs?: number;
  /**
   * Names of what it does harm to ("redis", "sidecar-1", "network of redis"): faults that touch the same never overlap. One
   * that does not say so is alone in its episode.
   */
  readonly touches?: readonly string[];
  /** Redis forgets what it acknowledged: whoever published has to refill (`producer.refill`). Never mixed at random. */
  readonly losesAcknowledgedWrites?: boolean;
}

/** A whole installation of real processes, and clients that never rest. */
export interface World {
  readonly folder: BusFolder;
  readonly redis: RedisNode;
  /** Between both sidecars (and the producer's XADD) and Redis. */
  readonly redisProxy: TcpProxy;
  readonly sidecars: readonly SidecarNode[];
  /** In front of each sidecar; all callers but the monitor go through them. */
  readonly gatewayProxies: readonly TcpProxy[];
  readonly adapters: readonly AdapterNode[];
  readonly producer: Producer;
  readonly probe: Probe;
  readonly monitor: Monitor;
  readonly log: OperationLog;
  readonly database: DatabaseServer;
  readonly db: Knex;
  /** Development token: admin's. */
  readonly token: string;
  /** Ends all that it started and removes its data. */
  close(): Promise<void>;
}

export interface WorldOptions extends WorldOptionsOfTopics {
  readonly random: Random;
  /** Events published in a second; 40 unless given, 0 for none. */
  readonly pace?: number;
  /** Further environment of both sidecars. */
  readonly env?: Environment;
  /** Further arguments of redis-server. */
  readonly redisConfig?: readonly string[];
}

/** Which adapter process takes which topics; two of the ordered consumer compete. */
const cast: readonly [string, readonly Lane[]][] = [
  ["city-health-1", [lane(STATUS, "city-health", true), lane(TOPICS[1]!, "city-health", true)]],
  ["city-health-2", [lane(STATUS, "city-health", true)]],
  ["ehr-clinic", [lane(STATUS, "ehr-clinic", true)]],
  ["treasury", [lane(TOPICS[1]!, "treasury", false)]],
];

function lane(topic: string, consumer: string, once: boolean): Lane {
  return { topic, consumer, once };
}

/** Lanes of all adapters, each once. */
export const lanes: readonly Lane[] = [
  ...new Map(
    cast.flatMap(([, each]) => each).map((each) => [`${each.consumer} ${each.topic}`, each]),
  ).values(),
];

/** Starts everything; resolves when the sidecars are ready and all clients are at work. `close()` it in the end. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const { random, pace = 40, env = {}, redisConfig = [] } = options;
  const closers: (() => unknown)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    return { ...(await assemble(options, closers)), close };
  } catch (error) {
    await close();
    throw error;
  }

  async function assemble(_: WorldOptions, onClose: (() => unknown)[]): Promise<Omit<World, "close">> {
    const closing = <T>(part: T, end: (part: T) => unknown): T => {
      onClose.push(() => end(part));
      return part;
    };
    const [redis, database] = await Promise.all([RedisNode.create(redisConfig), startPostgres()]);
    closing(redis, (part) => part.close());
    closing(database, (part) => part.stop());
    const redisProxy = closing(await startTcpProxy(redis.port), (part) => part.close());
    const folder = closing(
      await busFolder(topicsFile(options), TOPICS, Object.fromEntries(TOPICS.map((name) => [name, schema]))),
      (part) => part.remove(),
    );
    const sidecarEnv = { HMS_SYNC_REDIS_URL: `redis://127.0.0.1:${redisProxy.port}`, ...env };
    const sidecars: SidecarNode[] = [];
    for (const name of ["sidecar-1", "sidecar-2"])
      sidecars.push(closing(await SidecarNode.create(name, folder, sidecarEnv), (part) => part.close()));
    await Promise.all(sidecars.map((sidecar) => sidecar.start()));
    const token = await sidecars[0]!.token();
    const config = database.config(await database.freshDatabase());
    const db = closing(knex(config), (part) => part.destroy());
    await createTables(db);

    const gateways = sidecars.map(({ publicUrl }) => publicUrl);
    const log = new OperationLog();
    const adapters = cast.map(
      ([name, each], index) =>
        new AdapterNode(name, each, { url: gateways[index % gateways.length]!, token, config }),
    );
    for (const adapter of adapters) {
      closing(adapter, (part) => part.kill9());
      await adapter.start();
    }
    const probe = closing(
      new Probe({ random: random.fork("probe"), gateways, token, topic: STATUS, consumer: PROBE }),
      (part) => part.stop(),
    );
    const stranger = await sidecars[0]!.call("POST", "/v1/keys", { system: "ehr-clinic" });
    const monitor = closing(
      new Monitor(sidecars, { token: stranger.body.token, foreignTopic: TOPICS[1]! }, rssOf),
      (part) => part.stop(),
    );
    const producer = closing(
      new Producer({
        random: random.fork("producer"),
        ...{ log, topics: TOPICS, gateways, token, redisPort: redisProxy.port, pace },
      }),
      (part) => part.stop(),
    );
    probe.start();
    monitor.start();
    if (pace > 0) producer.start();
    const gatewayProxies = sidecars.map(({ proxy }) => proxy);
    const parts = { folder, redis, redisProxy, sidecars, gatewayProxies, adapters, producer, probe, monitor };
    return { ...parts, log, database, db, token };
  }
}

async function createTables(db: Knex): Promise<void> {
  await createOnceTable(db);
  await db.schema.createTable("effects", (table) => {
    table.bigIncrements("seq");
    table.text("consumer");
    table.text("topic");
    table.text("event");
    table.text("body");
    table.integer("attempt");
    table.boolean("replayed");
  });
}

/** Resident memory of a process in kB, undefined when it is gone. Linux only. */
function rssOf(pid: number): number | undefined {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return undefined; // between two lives
  }
}
