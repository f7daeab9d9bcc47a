import { readFileSync } from "node:fs";
import { join } from "node:path";
import knex, { type Knex } from "knex";
import { createOnceTable } from "../../client/src/sql/index.js";
import { type BusFolder, busFolder } from "../support/bus.js";
import type { DatabaseServer } from "../support/database-server.js";
import { startPostgres } from "../support/postgres.js";
import { AdapterNode, type Lane } from "./adapter-node.js";
import { LaravelNode } from "./laravel-node.js";
import { LaravelProducer } from "./laravel-producer.js";
import { Monitor } from "./monitor.js";
import { OperationLog } from "./operation-log.js";
import { Probe } from "./probe.js";
import { Producer } from "./producer.js";
import type { Random } from "./random.js";
import type { Loss } from "./redis-losses.js";
import { RedisNode } from "./redis-node.js";
import { type Environment, SidecarNode } from "./sidecar-node.js";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.js";
import {
  NOTES,
  PROBE,
  STATUS,
  schema,
  TOPICS,
  topicsFile,
  type WorldOptionsOfTopics,
} from "./world-topics.js";

/** Harm to a world and how it is made good. */
export interface Fault {
  readonly name: string;
  /** Does harm; resolves with what heals it, which may be called at any time later and once only. */
  inject(world: World, random: Random): Promise<() => Promise<void>>;
  /** How often it is picked, as a whole number of times that of others; 1 unless given. */
  readonly weight?: number;
  /** How long it has to last to do its harm; 1 s unless given. */
  readonly minimumMs?: number;
  /**
   * Names of what it does harm to ("redis", "sidecar-1", "network of redis"): faults that touch the same never overlap. One
   * that does not say so is alone in its episode.
   */
  readonly touches?: readonly string[];
}

/** A Laravel application, and those who work with it. */
export interface Laravel {
  readonly node: LaravelNode;
  readonly users: LaravelProducer;
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
  /** Where the world was asked for one. */
  readonly laravel: Laravel | undefined;
  readonly probe: Probe;
  readonly monitor: Monitor;
  readonly log: OperationLog;
  /** What Redis forgot so far. */
  readonly losses: Loss[];
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
  /** Events a second that a Laravel application fires; no Laravel unless given. */
  readonly laravelPace?: number;
  /** Further environment of both sidecars. */
  readonly env?: Environment;
  /** Further arguments of redis-server. */
  readonly redisConfig?: readonly string[];
}

/** Which adapter process takes which topics; two of the ordered consumer compete. */
const cast: readonly [string, readonly Lane[]][] = [
  ["city-health-1", [lane(STATUS, "city-health", true), lane(NOTES, "city-health", true)]],
  ["city-health-2", [lane(STATUS, "city-health", true)]],
  ["ehr-clinic", [lane(STATUS, "ehr-clinic", true)]],
  ["treasury", [lane(NOTES, "treasury", false)]],
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
  const closers = new Closers();
  try {
    const installation = await startInstallation(options, closers);
    const clients = await startClients(installation, options, closers);
    return { ...installation, ...clients, close: () => closers.close() };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

type Clients = Pick<World, "adapters" | "producer" | "laravel" | "probe" | "monitor" | "log" | "losses">;
type Installation = Omit<World, keyof Clients | "close"> & { readonly config: Knex.Config };

async function startInstallation(options: WorldOptions, closers: Closers): Promise<Installation> {
  const { env = {}, redisConfig = [] } = options;
  const redis = closers.add(await RedisNode.create(redisConfig), (part) => part.close());
  const database = closers.add(await startPostgres(), (part) => part.stop());
  const redisProxy = closers.add(await startTcpProxy(redis.port), (part) => part.close());
  const schemas = Object.fromEntries(TOPICS.map((name) => [name, schema]));
  const folder = closers.add(await busFolder(topicsFile(options), TOPICS, schemas), (part) => part.remove());
  const sidecarEnv = {
    HMS_SYNC_REDIS_URL: `redis://127.0.0.1:${redisProxy.port}`,
    NODE_OPTIONS: `--require ${join(import.meta.dirname, "blockable.cjs")}`,
    ...env,
  };
  const sidecars = await Promise.all(
    ["sidecar-1", "sidecar-2"].map(async (name) =>
      closers.add(await SidecarNode.create(name, folder, sidecarEnv), (part) => part.close()),
    ),
  );
  await Promise.all(sidecars.map((sidecar) => sidecar.start()));
  const config = database.config(await database.freshDatabase());
  const db = closers.add(knex(config), (part) => part.destroy());
  await createTables(db);
  const gatewayProxies = sidecars.map(({ proxy }) => proxy);
  const token = await sidecars[0]!.token();
  return { folder, redis, redisProxy, sidecars, gatewayProxies, database, db, token, config };
}

async function startClients(at: Installation, options: WorldOptions, closers: Closers): Promise<Clients> {
  const { random, pace = 40 } = options;
  const { sidecars, token, config } = at;
  const gateways = sidecars.map(({ publicUrl }) => publicUrl);
  const adapters = cast.map(([name, each], index) => {
    const adapter = new AdapterNode(name, each, { url: gateways[index % gateways.length]!, token, config });
    return closers.add(adapter, (part) => part.kill9());
  });
  await Promise.all(adapters.map((adapter) => adapter.start()));
  const probe = closers.add(
    new Probe({ random: random.fork("probe"), gateways, token, topic: STATUS, consumer: PROBE }),
    (part) => part.stop(),
  );
  const key = await sidecars[0]!.call("POST", "/v1/keys", { system: "ehr-clinic" });
  const stranger = { token: key.body.token, foreignTopic: NOTES };
  const monitor = closers.add(new Monitor(sidecars, stranger, rssOf), (part) => part.stop());
  const log = new OperationLog();
  const load = { random: random.fork("producer"), log, topics: TOPICS, pace };
  const producer = closers.add(
    new Producer({ ...load, gateways, token, redisPort: at.redisProxy.port }),
    (part) => part.stop(),
  );
  const laravel = await startLaravel(at, options, log, closers);
  probe.start();
  monitor.start();
  if (pace > 0) producer.start();
  return { adapters, producer, laravel, probe, monitor, log, losses: [] };
}

async function startLaravel(
  { database, redisProxy }: Installation,
  { random, laravelPace: pace }: WorldOptions,
  log: OperationLog,
  closers: Closers,
): Promise<Laravel | undefined> {
  if (pace === undefined) return undefined;
  const url = `redis://127.0.0.1:${redisProxy.port}`;
  const node = closers.add(await LaravelNode.create(database, url), (part) => part.close());
  await node.start();
  const parts = { random: random.fork("laravel"), log, topics: TOPICS, process: node.producer, pace };
  const users = closers.add(new LaravelProducer(parts), (part) => part.stop());
  users.start();
  return { node, users };
}

/** What has to be ended, latest first. */
class Closers {
  private readonly closers: (() => unknown)[] = [];

  add<T>(part: T, end: (part: T) => unknown): T {
    this.closers.push(() => end(part));
    return part;
  }

  async close(): Promise<void> {
    for (const closer of this.closers.splice(0).reverse()) await closer();
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
