import { type Bus, connect, HmsSyncClientError, jsonLogger } from "@hms-sync/client";
import { createOnceTable, whenReachable } from "@hms-sync/client/sql";
import type { Knex } from "knex";
import { writerOf } from "./adapter.js";
import { createCalendar } from "./calendar.js";
import { isServer, openDatabase } from "./database.js";
import { serveHealth } from "./health.js";
import { readMappings } from "./mapping.js";
import { moveSettings, openMoves } from "./moves.js";
import { keepSending } from "./sender.js";
import { setting } from "./settings.js";

const log = jsonLogger();

/** Writes the events of every mapped topic into the database and sends what is moved there, until SIGTERM or Ctrl-C. */
async function run(): Promise<void> {
  const database = openDatabase(setting("DATABASE_URL"));
  const settings = moveSettings(process.env);
  try {
    await whenReachable(() => prepare(database), { onAway });
    const bus = await connect({ logger: log }); // HMS_SYNC_URL, HMS_SYNC_TOKEN
    const health = await serveHealth(bus, process.env.HEALTH_PORT);
    try {
      await serve(bus, database, settings);
    } finally {
      await bus.close();
      await health?.close();
    }
  } finally {
    await database.destroy();
  }
}

async function prepare(database: Knex): Promise<void> {
  if (!isServer(database)) await createCalendar(database);
  await createOnceTable(database);
}

function onAway(code: string): void {
  log.warn("the database is away, it is waited for", { code });
}

async function serve(bus: Bus, database: Knex, settings: ReturnType<typeof moveSettings>): Promise<void> {
  const moves = await openMoves(database, settings);
  const end = new AbortController();
  const { pollMs } = settings;
  const sending = moves && keepSending({ bus, database, moves, pollMs, log, signal: end.signal });
  try {
    const mappings = readMappings();
    await Promise.all(
      mappings.map((mapping) => bus.handle(mapping.topic, writerOf(mapping, database, log, moves))),
    );
  } finally {
    end.abort();
    await sending;
  }
}

run().catch((error: unknown) => {
  const { code, name, message } = error as Error & { code?: string };
  // What a database says may hold a row, and stays out of the log.
  const detail = error instanceof HmsSyncClientError || name === "SettingError" ? message : undefined;
  log.error("city-health stops", { code: code ?? name, detail });
  process.exitCode = 1;
});
