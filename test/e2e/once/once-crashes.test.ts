import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import knex, { type Knex } from "knex";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOnceTable } from "../../../client/src/sql/index.js";
import { acceptEvent, type BusFolder, busFolder, type RunningBus, startBus } from "../../support/bus.js";
import type { DatabaseServer } from "../../support/database-server.js";
import { eventually } from "../../support/eventually.js";
import { startMariaDb } from "../../support/mariadb.js";
import { startPostgres } from "../../support/postgres.js";
import { startRedis, type TestRedis } from "../../support/redis.js";
import { ACK_WAIT_MS, Crew, type Lane, type Tally } from "./crew.js";

// Real adapters on a real bus and real databases, killed and stopped at random. Printed: the seed and what came of it.
const count = Number(process.env.HMS_SYNC_CRASHES ?? 50);
const seed = Number(process.env.HMS_SYNC_SEED ?? Date.now() % 100_000);
/** Events owed at a time to each consumer. */
const AHEAD = 24;

const names = ["postgres-once", "postgres-plain", "mariadb-once", "mariadb-plain"] as const;
const topics = names.map(
  (name) =>
    `${name}.events:\n  qos: exactly_once\n  retention: 7d\n  schema: v1\n  producers: [hms-api]\n` +
    `  consumers:\n    - { name: ${name}, ack_wait: ${ACK_WAIT_MS}ms, backoff: [1s], max_deliver: 1000, run: 1 }\n`,
);

let redis: TestRedis;
let admin: Redis;
let folder: BusFolder;
let bus: RunningBus;
let servers: DatabaseServer[] = [];
let lanes: Lane[] = [];
const databases: Knex[] = [];

beforeAll(async () => {
  [redis, ...servers] = await Promise.all([startRedis(), startPostgres(), startMariaDb()]);
  admin = new Redis(redis.url);
  folder = await busFolder(
    topics.join("\n"),
    names.map((name) => `${name}.events`),
  );
  bus = await startBus(folder, { HMS_SYNC_REDIS_URL: redis.url });
  const configs = await Promise.all(
    servers.map(async (server) => server.config(await server.freshDatabase())),
  );
  lanes = names.map((name) => ({
    topic: `${name}.events`,
    consumer: name,
    table: name.replace("-", "_"),
    once: name.endsWith("-once"),
    config: configs[name.startsWith("postgres") ? 0 : 1]!,
  }));
  for (const config of configs) {
    const db = knex(config);
    databases.push(db);
    await createOnceTable(db);
    for (const { table } of lanes.filter((lane) => lane.config === config)) {
      await db.schema.createTable(table, (columns) => columns.string("event"));
    }
  }
}, 120_000);

afterAll(async () => {
  await Promise.all(databases.map((db) => db.destroy()));
  await bus?.process.kill("SIGTERM");
  admin?.disconnect();
  await Promise.all([redis, ...servers].map((server) => server?.stop()));
  folder?.remove();
});

/** Keeps every lane in work: so many events are owed to it at any time. */
class Feed {
  readonly accepted = new Map<string, number>();
  private open = true;
  private readonly feeding = this.feed();

  async end(): Promise<void> {
    this.open = false;
    await this.feeding;
  }

  private async feed(): Promise<void> {
    while (this.open) {
      const { body } = await bus.call("GET", "/v1/status");
      for (const { topic, consumer } of lanes)
        await this.topUp(topic, body.topics[topic].consumers[consumer]);
      await delay(50);
    }
  }

  private async topUp(topic: string, { owed, acked }: { owed: number; acked: number }): Promise<void> {
    const accepted = this.accepted.get(topic) ?? 0;
    const wanted = owed + acked < accepted ? accepted : acked + AHEAD; // else some are on their way to the ledger
    for (let n = accepted + 1; n <= wanted; n++) {
      await acceptEvent(admin, topic, n);
      this.accepted.set(topic, n);
    }
  }
}

/** Waits until the bus has an ack for every event. */
async function allAcked(feed: Feed): Promise<void> {
  const done = async () => {
    const { body } = await bus.call("GET", "/v1/status");
    return lanes.every(({ topic, consumer }) => {
      const { owed, acked } = body.topics[topic].consumers[consumer];
      return owed === 0 && acked === feed.accepted.get(topic);
    });
  };
  await eventually(done, { timeoutMs: 90_000, everyMs: 100 });
}

function allRefused({ crashes, stale }: Tally): boolean {
  return stale === crashes.stop;
}

async function rowsOf({ table, config }: Lane): Promise<{ rows: number; events: number }> {
  const db = databases.find(({ client }) => client.config.client === config.client)!;
  const events: string[] = await db(table).pluck("event");
  return { rows: events.length, events: new Set(events).size };
}

test(`adapters killed between effect and commit and between commit and ack, and stopped past their lease and continued, ${count} times each, on PostgreSQL and on MariaDB: one row for each event with once`, async () => {
  process.stdout.write(`HMS_SYNC_SEED=${seed} HMS_SYNC_CRASHES=${count}\n`);
  const feed = new Feed();
  const crew = new Crew({ ...bus, lanes, seed });
  const began = performance.now();
  const seconds = () => `${((performance.now() - began) / 1_000).toFixed(1)} s`;
  try {
    await crew.crash("kill", lanes, count, 2);
    process.stdout.write(`killed ${count} times after ${seconds()}\n`);
    await crew.end();
    crew.start("none", 8); // takes over what others are stopped over
    const withOnce = lanes.filter((lane) => lane.once);
    await crew.crash("stop", withOnce, count, 7);
    process.stdout.write(`stopped ${count} times after ${seconds()}\n`);
    // Whoever was stopped goes on when another has its events, and is not allowed to commit.
    await eventually(() => withOnce.every(({ topic }) => allRefused(crew.tallies.get(topic)!)), {
      timeoutMs: 60_000,
    }).catch((cause) => {
      throw new Error(`not all were refused: ${JSON.stringify([...crew.tallies])}`, { cause });
    });
    await feed.end();
    await crew.end();
    crew.start("none", 4);
    await allAcked(feed);
  } finally {
    await feed.end();
    await crew.end();
  }
  for (const lane of lanes) {
    const { crashes, stale } = crew.tallies.get(lane.topic)!;
    const accepted = feed.accepted.get(lane.topic)!;
    const { rows, events } = await rowsOf(lane);
    process.stdout.write(
      `${lane.consumer}: killed between effect and commit ${crashes.written}, between commit and ack ${crashes.committed},` +
        ` stopped past the lease ${crashes.stop}${lane.once ? ` (then refused to commit: ${stale})` : ""}; ${accepted} events, ${rows} rows,` +
        ` ${rows - events} duplicates\n`,
    );
    expect([lane.consumer, events]).toEqual([lane.consumer, accepted]);
    expect(Math.min(crashes.written, crashes.committed)).toBeGreaterThanOrEqual(count);
    if (lane.once) expect(crashes.stop).toBeGreaterThanOrEqual(count);
    if (lane.once) expect([lane.consumer, rows]).toEqual([lane.consumer, accepted]);
    else expect(rows).toBeGreaterThan(events);
  }
  process.stdout.write(`all done after ${seconds()}\n`);
}, 900_000);
