import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { rowOf } from "@hms-sync/client/sql";
import { writerOf } from "../src/adapter.js";
import { readMappings, type TableMapping } from "../src/mapping.js";
import { sampleEvent } from "../src/sample.js";
import { projectFile } from "../src/settings.js";
import { startTestBus } from "./bus.js";
import { openTestDatabase } from "./database.js";

for (const mapping of readMappings()) {
  const { topic, table, columns } = mapping;
  const sample = readFileSync(projectFile(`samples/${topic}.json`), "utf8").trim();

  test(`an event of ${topic} becomes one row of ${table}, however often it comes`, async () => {
    await withAdapter(mapping, async ({ deliver, rows }) => {
      assert.deepEqual(await deliver(sample, "event-1"), { action: "ack" });
      assert.deepEqual(await deliver(sample, "event-1"), { action: "ack" });
      const row = rowOf(columns, sample, { ...sampleEvent(topic), id: "event-1" });
      const stored = Object.entries(row).map(([name, value]) => [
        name,
        value === true ? 1 : value === false ? 0 : value,
      ]);
      assert.deepEqual(await rows(), [Object.fromEntries(stored)]);
    });
  });

  const readsPayload = JSON.stringify(columns).includes('"payload.');
  test(`an event of ${topic} that fits no row becomes a dead letter with the reason`, {
    skip: !readsPayload,
  }, async () => {
    await withAdapter(mapping, async ({ deliver, rows }) => {
      const { action, reason } = await deliver("[]", "event-2");
      assert.equal(action, "term");
      assert.match(reason ?? "", /^mapping: /);
      assert.deepEqual(await rows(), []);
    });
  });
}

interface Running {
  deliver(payload: string, id: string): Promise<{ action: string; reason?: string }>;
  rows(): Promise<object[]>;
}

async function withAdapter(mapping: TableMapping, body: (running: Running) => Promise<void>): Promise<void> {
  const database = await openTestDatabase(mapping);
  const { bus, deliver, close } = await startTestBus();
  const done = bus.handle(mapping.topic, writerOf(mapping, database));
  try {
    await body({
      deliver: (payload, id) => deliver(mapping.topic, payload, id),
      rows: async () => (await database(mapping.table).select()).map((row) => ({ ...row })),
    });
  } finally {
    await close();
    await done;
    await database.destroy();
  }
}
