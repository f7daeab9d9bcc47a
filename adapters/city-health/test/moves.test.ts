import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonLogger } from "@hms-sync/client";
import { createTestBus } from "@hms-sync/client/testing";
import { openMoves } from "../src/moves.js";
import { unsent } from "../src/outbox.js";
import { keepSending } from "../src/sender.js";
import { digitsOf } from "../src/times.js";
import { openTestDatabase } from "./database.js";

const topic = "inspections.rescheduled";

test("what is moved in the calendar is published once, in order", async () => {
  const bus = createTestBus({ consumer: "city-health", topics: { [topic]: {} } });
  const database = await openTestDatabase();
  const client = await bus.connect({ logger: jsonLogger() });
  const moves = (await openMoves(database, { source: "watermark", pollMs: 1, overlapMs: 60_000 }))!;
  const move = async (INSP_NO: number, APPT_TS: string) => {
    const now = digitsOf(Date.now());
    await database("INSP_APPT")
      .insert({ INSP_NO, APPT_TS, CHG_TS: now, UPD_TS: now })
      .onConflict("INSP_NO")
      .merge();
  };
  const end = new AbortController();
  const published: unknown[] = [];
  const publisher = {
    publish: async (to: string, payload: unknown, options: object = {}) => {
      const stored = await client.publish(to, payload, options);
      published.push(payload);
      if (published.length === 3) end.abort();
      return stored;
    },
  };
  try {
    await move(7, "20240502143000");
    await move(8, "20240503143000");
    await moves.look(true);
    await move(7, "20240504143000");
    const log = jsonLogger();
    await keepSending({ bus: publisher, database, moves, pollMs: 1, log, signal: end.signal });
    assert.deepEqual(published, [
      { inspectionId: 7, scheduledFor: "2024-05-02T14:30:00Z" },
      { inspectionId: 8, scheduledFor: "2024-05-03T14:30:00Z" },
      { inspectionId: 7, scheduledFor: "2024-05-04T14:30:00Z" },
    ]);
    assert.deepEqual(await unsent(database, 10), []);
  } finally {
    await bus.close();
    await database.destroy();
  }
});
