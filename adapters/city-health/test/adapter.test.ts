import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { jsonLogger } from "@hms-sync/client";
import { rowOf } from "@hms-sync/client/sql";
import { createTestBus } from "@hms-sync/client/testing";
import { writerOf } from "../src/adapter.js";
import { createCalendar } from "../src/calendar.js";
import { readMappings, type TableMapping } from "../src/mapping.js";
import { sampleEvent } from "../src/sample.js";
import { projectFile } from "../src/settings.js";
import { openTestDatabase, rowsIn, stored } from "./database.js";

for (const mapping of readMappings()) {
  const { topic, table, columns } = mapping;
  const sample = readFileSync(projectFile(`samples/${topic}.json`), "utf8").trim();
  const event = sampleEvent(topic);
  const row = stored(rowOf(columns, sample, event));

  test(`an event of ${topic} becomes one row of ${table}, and is not written again by a replay`, async () => {
    await withAdapter(mapping, async ({ bus, database }) => {
      await bus.publishText(topic, sample, event);
      await bus.idle();
      assert.deepEqual(await rowsIn(database, table), [row]);
      await database(table).delete(); // so that a second writing would show
      await bus.replay(topic, { since: "0" });
      await bus.idle();
      assert.equal(bus.acked(topic).length, 2);
      assert.deepEqual(await rowsIn(database, table), []);
    });
  });

  test(`an event of ${topic} comes again while the database cannot take it`, async () => {
    await withAdapter(mapping, async ({ bus, database }) => {
      await database.schema.dropTable(table);
      await bus.publishText(topic, sample, event);
      await bus.idle();
      assert.equal(bus.owed(topic).length, 1);
      await createCalendar(database);
      await bus.passTime("1s"); // the first backoff
      await bus.idle();
      assert.deepEqual(await rowsIn(database, table), [row]);
    });
  });

  const skip = !refused(columns, "{}") && "no field of the payload is required";
  test(`an event of ${topic} that fits no row is a dead letter with the reason`, { skip }, async () => {
    await withAdapter(mapping, async ({ bus, database }) => {
      await bus.publishText(topic, "{}", event);
      await bus.idle();
      assert.match(bus.deadLetters(topic)[0]?.reason ?? "", /^mapping: .*missing/);
      assert.deepEqual(await rowsIn(database, table), []);
    });
  });
}

type Running = {
  bus: ReturnType<typeof createTestBus>;
  database: Awaited<ReturnType<typeof openTestDatabase>>;
};

async function withAdapter(mapping: TableMapping, body: (running: Running) => Promise<void>): Promise<void> {
  const bus = createTestBus({ consumer: "city-health", topics: { [mapping.topic]: {} } });
  const database = await openTestDatabase();
  const log = jsonLogger();
  const client = await bus.connect({ logger: log });
  const done = client.handle(mapping.topic, writerOf(mapping, database, log, undefined));
  try {
    await body({ bus, database });
  } finally {
    await bus.close();
    await done;
    await database.destroy();
  }
}

function refused(columns: TableMapping["columns"], payload: string): boolean {
  try {
    rowOf(columns, payload, sampleEvent(""));
    return false;
  } catch {
    return true;
  }
}
