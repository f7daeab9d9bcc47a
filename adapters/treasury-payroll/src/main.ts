import { connect, HmsSyncClientError, jsonLogger } from "@hms-sync/client";
import { createOnceTable, whenReachable } from "@hms-sync/client/sql";
import type { Knex } from "knex";
import { writerOf } from "./adapter.js";
import { openDatabase } from "./database.js";
import { serveHealth } from "./health.js";
import { readMappings, type TableMapping } from "./mapping.js";
import { setting } from "./settings.js";

const log = jsonLogger();

/** Writes the events of every mapped topic into the database, until SIGTERM or Ctrl-C. */
async function run(): Promise<void> {
  const mappings = readMappings();
  const database = openDatabase(setting("DATABASE_URL"));
  try {
    await whenReachable(() => createOnceTable(database), { onAway });
    await serve(mappings, database);
  } finally {
    await database.destroy();
  }
}

async function serve(mappings: readonly TableMapping[], database: Knex): Promise<void> {
  const bus = await connect({ logger: log }); // HMS_SYNC_URL, HMS_SYNC_TOKEN
  const health = await serveHealth(bus, process.env.HEALTH_PORT);
  try {
    const handled = mappings.map((mapping) => bus.handle(mapping.topic, writerOf(mapping, database, log)));
    await Promise.all(handled);
  } finally {
    await bus.close();
    await health?.close();
  }
}

function onAway(code: string): void {
  log.warn("the database is away, it is waited for", { code });
}

run().catch((error: unknown) => {
  const { code, name, message } = error as Error & { code?: string };
  // What a database says may hold a row, and stays out of the log.
  const detail = error instanceof HmsSyncClientError || name === "SettingError" ? message : undefined;
  log.error("treasury-payroll stops", { code: code ?? name, detail });
  process.exitCode = 1;
});
