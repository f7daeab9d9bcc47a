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
import { ACK_WAIT_MS, Crew, type Lane } from "./crew.js";

/*
 * Real adapters on a real bus and real databases, killed and stopped at random. Printed: the seed and what came of it.
 * HMS_SYNC_CRASHES says how many of each there are; on a machine too slow for 50 the time ends it sooner.
 */
const count = Number(process.env.HMS_SYNC_CRASHES ?? 50);
const seed = Number(process.env.HMS_SYNC_SEED ?? Date.now() % 100_000);
const PHASE_MS = process.env.HMS_SYNC_CRASHES === undefined ? 25_000 : 1_200_000;
/** Fewer would show nothing. */
const LEAST = Math.min(count, 3);
/** Events in each topic at the start. */
const AHEAD = 16;

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

/** Writes events to the lanes' topics, one after the other, until told to end. */
class Feed {
  readonly accepted = new Map<string, number>();
  private writing: Promise<unknown> = Promise.resolve();
  private open = true;

  more(topic: string, count: number): void {
    for (let n = 0; n < count && this.open; n++) this.another(topic);
  }

  async end(): Promise<void> {
    this.open = false;
    await this.writing;
  }

  private another(topic: string): void {
    const n = (this.accepted.get(topic) ?? 0) + 1;
    this.accepted.set(topic, n);
    this.writing = this.writing.then(() => acceptEvent(admin, topic, n));
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
  await eventually(done, { timeoutMs: 120_000, everyMs: 100 });
}

async function rowsOf({ table, config }: Lane): Promise<{ rows: number; events: number }> {
  const db = databases.find(({ client }) => client.config.client === config.client)!;
  const events: string[] = await db(table).pluck("event");
  return { rows: events.length, events: new Set(events).size };
}

const say = (line: string) => process.stdout.write(`${line}\n`);

test("adapters killed between effect and commit and between commit and ack, and stopped past their lease and continued, at random, on PostgreSQL and on MariaDB: one row for each event with once", async () => {
  say(`HMS_SYNC_SEED=${seed} HMS_SYNC_CRASHES=${count}`);
  const feed = new Feed();
  const crew = new Crew({ ...bus, lanes, seed, onNeed: (topic, more) => feed.more(topic, more) });
  for (const { topic } of lanes) feed.more(topic, AHEAD);
  const tallies = lanes.map((lane) => ({ lane, tally: crew.tallies.get(lane.topic)! }));
  const began = performance.now();
  const seconds = () => `${((performance.now() - began) / 1_000).toFixed(1)} s`;
  try {
    const killed = () => tallies.every(({ tally }) => tally.crashes.committed >= count);
    await crew.crash("kill", killed, 2, AbortSignal.timeout(PHASE_MS));
    say(`killed after ${seconds()}`);
    await crew.end();
    const stopped = () => tallies.every(({ lane, tally }) => !lane.once || tally.crashes.stop >= count);
    await crew.crash("stop", stopped, 10, AbortSignal.timeout(PHASE_MS));
    say(`stopped after ${seconds()}`);
    crew.calm();
    await eventually(() => crew.allToldTheEnd, { timeoutMs: 60_000 });
    await feed.end();
    await crew.end();
    crew.start("none", 4); // does what is left
    await allAcked(feed);
  } finally {
    await feed.end();
    await crew.end();
  }
  for (const { lane, tally } of tallies) {
    const { crashes, refused, overtaken } = tally;
    const accepted = feed.accepted.get(lane.topic)!;
    const { rows, events } = await rowsOf(lane);
    say(
      `${lane.consumer}: killed between effect and commit ${crashes.written}, between commit and ack ${crashes.committed},` +
        ` stopped past the lease ${crashes.stop} (begun by another meanwhile ${overtaken}` +
        `${lane.once ? `, refused to commit ${refused}` : ""}); ${accepted} events, ${rows} rows, ${rows - events} duplicates`,
    );
    expect([lane.consumer, "events", events]).toEqual([lane.consumer, "events", accepted]);
    expect(Math.min(crashes.written, crashes.committed)).toBeGreaterThanOrEqual(LEAST);
    if (lane.once) {
      expect([lane.consumer, "rows", rows]).toEqual([lane.consumer, "rows", accepted]);
      expect(crashes.stop).toBeGreaterThanOrEqual(LEAST);
      expect([lane.consumer, "refused", refused]).toEqual([lane.consumer, "refused", crashes.stop]);
    } else expect(rows).toBeGreaterThan(events);
  }
  say(`all done after ${seconds()}`);
}, 3_600_000);
