import knex, { type Knex } from "knex";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOnceTable } from "../../../client/src/sql/index.js";
import { type BusFolder, busFolder, type RunningBus, startBus } from "../../support/bus.js";
import type { DatabaseServer } from "../../support/database-server.js";
import { eventually } from "../../support/eventually.js";
import { startPostgres } from "../../support/postgres.js";
import { AdapterNode } from "../adapter-node.js";
import { callBus } from "../sidecar-node.js";
import { isLong } from "./alone.js";

// An adapter with `once` that dies at the same event again and again: kill -9, in a process of its own each time.
const lives = 5;
const victim = "e3";
const consumer = "city-health";
const quick = [
  { topic: "before-few", point: "before", maxDeliver: 3 },
  { topic: "committed-many", point: "committed", maxDeliver: 20 },
] as const;
const others = [
  { topic: "before-many", point: "before", maxDeliver: 20 },
  { topic: "committed-few", point: "committed", maxDeliver: 3 },
] as const;
const cases = isLong ? [...quick, ...others] : quick;

let folder: BusFolder;
let bus: RunningBus;
let database: DatabaseServer;
let config: Knex.Config;
let db: Knex;

beforeAll(async () => {
  const registry = cases.map(({ topic, maxDeliver }) => {
    const options = `ack_wait: 1s, backoff: [10ms], max_deliver: ${maxDeliver}`;
    return `${topic}: {qos: exactly_once, retention: 7d, schema: v1, producers: [hms-api], consumers: [{name: ${consumer}, ${options}}]}\n`;
  });
  folder = await busFolder(
    registry.join(""),
    cases.map(({ topic }) => topic),
  );
  [bus, database] = await Promise.all([startBus(folder), startPostgres()]);
  config = database.config(await database.freshDatabase());
  db = knex(config);
  await createOnceTable(db);
  await db.schema.createTable("effects", (table) => {
    for (const text of ["consumer", "topic", "event", "body"]) table.text(text);
    table.integer("attempt");
    table.boolean("replayed");
  });
}, 60_000);
afterAll(async () => {
  await db?.destroy();
  await database?.stop();
  await bus?.process.kill("SIGTERM");
  folder?.remove();
}, 60_000);

async function publish(topic: string): Promise<void> {
  for (let n = 1; n <= 5; n++) {
    const call = { token: bus.token, body: { n }, headers: { "idempotency-key": `e${n}` } };
    expect((await callBus(`${bus.url}/v1/topics/${topic}/events`, "POST", call)).status).toBe(202);
  }
}

const delivery = async (topic: string) =>
  (await bus.call("GET", "/v1/status")).body.topics[topic].consumers[consumer];

/** Lives and deaths of an adapter until nothing is owed; resolves to the attempts at the victim that it was told of. */
async function dieAgainAndAgain(topic: string, point: "before" | "committed"): Promise<unknown[]> {
  const lane = { topic, consumer, once: true };
  const adapter = new AdapterNode(topic, [lane], { url: bus.url, token: bus.token, config });
  try {
    for (let life = 1; life <= lives; life++) {
      await adapter.start({ dieAt: { point, event: victim } });
      await eventually(() => !adapter.process.isRunning, { timeoutMs: 30_000 });
      expect(adapter.process.ends.at(-1)).toMatchObject({ signal: "SIGKILL", expected: false });
    }
    await adapter.start();
    await eventually(async () => (await delivery(topic)).owed === 0, { timeoutMs: 30_000, everyMs: 50 });
  } finally {
    await adapter.kill9();
  }
  return adapter.steps
    .filter(({ word, id }) => word === "begin" && id === victim)
    .map((step) => step.attempt);
}

test.concurrent.each(cases)(
  "an adapter killed five times at one event ($point), with max_deliver $maxDeliver: no effect twice, the neighbours pass, and it ends as documented",
  async ({ topic, point, maxDeliver }) => {
    await publish(topic);
    const attempts = await dieAgainAndAgain(topic, point);
    // Its run is handed out twice as a whole, then it alone: those count towards max_deliver.
    const dies = lives - 2 >= maxDeliver;
    expect(attempts).toEqual([1, 2, 3, 4, 5, ...(dies ? [] : [6])]);
    expect(await delivery(topic)).toMatchObject({ owed: 0, acked: dies ? 4 : 5, dead: dies ? 1 : 0 });
    const effects: { event: string }[] = await db("effects").where({ topic }).orderBy("event");
    const took = dies && point === "before" ? ["e1", "e2", "e4", "e5"] : ["e1", "e2", "e3", "e4", "e5"];
    expect(effects.map(({ event }) => event)).toEqual(took);
    const { body } = await bus.call("GET", `/v1/dead-letters?topic=${topic}&consumer=${consumer}`);
    expect(body.dead_letters).toMatchObject(
      dies ? [{ attempts: maxDeliver, reason: "no answer within ack_wait" }] : [],
    );
  },
  120_000,
);
