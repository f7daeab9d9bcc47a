import assert from "node:assert/strict";
import { mkdtempSync, readFileSync } from "node:fs";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Logger } from "@hms-sync/client";
import { rowOf } from "@hms-sync/client/sql";
import { createTestBus } from "@hms-sync/client/testing";
import type { Knex } from "knex";
import { writerOf } from "../src/adapter.js";
import { openFileDrop } from "../src/file-drop.js";
import { readMappings, type TableMapping } from "../src/mapping.js";
import { hl7File } from "../src/messages.js";
import { createRegisters, lineOf } from "../src/register.js";
import { sampleEvent } from "../src/sample.js";
import { projectFile } from "../src/settings.js";
import { openTestDatabase } from "./database.js";

for (const mapping of readMappings()) {
  const { topic, table, columns } = mapping;
  const sample = readFileSync(projectFile(`samples/${topic}.json`), "utf8").trim();
  const event = sampleEvent(topic);
  const line = lineOf(rowOf(columns, sample, event));
  const file = hl7File(line, event, "UNICODE UTF-8");
  const one = { lines: [line], files: [{ name: file.name, content: file.content.toString() }] };
  const none = { lines: [], files: [] };

  test(`an event of ${topic} becomes one line and one file, and is not written again by a replay`, async () => {
    await withAdapter(mapping, async ({ bus, database, folder, written }) => {
      await bus.publishText(topic, sample, event);
      await bus.idle();
      assert.deepEqual(await written(), one);
      await database(table).delete(); // so that a second writing would show
      await rm(join(folder, file.name));
      await bus.replay(topic, { since: "0" });
      await bus.idle();
      assert.equal(bus.acked(topic).length, 2);
      assert.deepEqual(await written(), none);
    });
  });

  test(`a replay of ${topic} with redo adds a line, and a file of another name`, async () => {
    await withAdapter(mapping, async ({ bus, written }) => {
      await bus.publishText(topic, sample, event);
      await bus.idle();
      await bus.replay(topic, { since: "0", redo: true });
      await bus.idle();
      const { lines, files } = await written();
      assert.deepEqual(lines, [line, line]);
      assert.equal(new Set(files.map(({ name }) => name)).size, 2);
    });
  });

  test(`an event of ${topic} comes again while the register cannot take it, and leaves no file until then`, async () => {
    await withAdapter(mapping, async ({ bus, database, folder, written }) => {
      await database.schema.dropTable(table);
      await bus.publishText(topic, sample, event);
      await bus.idle();
      assert.equal(bus.owed(topic).length, 1);
      assert.deepEqual(await readdir(folder), []);
      await createRegisters(database);
      await bus.passTime("1s"); // the first backoff
      await bus.idle();
      assert.deepEqual(await written(), one);
    });
  });

  test(`an event of ${topic} waits while the folder is away`, async () => {
    await withAdapter(mapping, async ({ bus, folder, written, warned }) => {
      await rename(folder, `${folder}-away`);
      await bus.publishText(topic, sample, event);
      assert.deepEqual(await warned, { topic, id: event.id, code: "ENOENT" });
      await rename(`${folder}-away`, folder);
      await bus.idle();
      assert.deepEqual(await written(), one);
    });
  });

  test(`an event of ${topic} that fits no line is a dead letter with the reason`, async () => {
    await withAdapter(mapping, async ({ bus, written }) => {
      await bus.publishText(topic, "{}", event);
      await bus.idle();
      assert.match(bus.deadLetters(topic)[0]?.reason ?? "", /^mapping: .*missing/);
      assert.deepEqual(await written(), none);
    });
  });

  test(`an event of ${topic} whose file cannot be encoded leaves no line`, async () => {
    await withAdapter(mapping, async ({ bus, written }) => {
      await bus.publishText(topic, sample, { ...event, id: "\ud800" });
      await bus.idle();
      assert.equal(bus.deadLetters(topic)[0]?.reason, "hl7: half of a surrogate pair in the event");
      assert.deepEqual(await written(), none);
    });
  });
}

interface Running {
  readonly bus: ReturnType<typeof createTestBus>;
  readonly database: Knex;
  readonly folder: string;
  /** What is in the register and in the folder, without the times of entry and the lines' numbers. */
  written(): Promise<{ lines: object[]; files: { name: string; content: string }[] }>;
  /** The fields of the adapter's first warning. */
  readonly warned: Promise<object>;
}

async function withAdapter(mapping: TableMapping, body: (running: Running) => Promise<void>): Promise<void> {
  const parent = mkdtempSync(join(tmpdir(), "ehr-clinic-"));
  const folder = join(parent, "hl7");
  const bus = createTestBus({ consumer: "ehr-clinic", topics: { [mapping.topic]: {} } });
  const database = await openTestDatabase();
  const { log, warned } = recordingLog();
  const clinic = { database, drop: await openFileDrop(folder), charset: "UNICODE UTF-8", log } as const;
  const client = await bus.connect({ logger: log });
  const done = client.handle(mapping.topic, writerOf(mapping, clinic));
  const written = async () => ({
    lines: await linesOf(database, mapping),
    files: await filesIn(folder),
  });
  try {
    await body({ bus, database, folder, written, warned });
  } finally {
    await bus.close();
    await done;
    await database.destroy();
    await rm(parent, { recursive: true });
  }
}

async function linesOf(database: Knex, { table, columns }: TableMapping): Promise<object[]> {
  return await database(table)
    .select(...Object.keys(columns))
    .orderBy("line_id");
}

async function filesIn(folder: string): Promise<{ name: string; content: string }[]> {
  const names = (await readdir(folder)).sort();
  return await Promise.all(
    names.map(async (name) => ({ name, content: await readFile(join(folder, name), "utf8") })),
  );
}

function recordingLog(): { log: Logger; warned: Promise<object> } {
  let warn: (fields: object) => void = () => undefined;
  const warned = new Promise<object>((resolve) => {
    warn = resolve;
  });
  return {
    log: { info: () => undefined, warn: (_msg, fields = {}) => warn(fields), error: () => undefined },
    warned,
  };
}
