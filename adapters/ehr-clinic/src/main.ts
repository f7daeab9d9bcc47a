import { connect, type Handler, HmsSyncClientError, jsonLogger } from "@hms-sync/client";
import { createOnceTable, whenReachable } from "@hms-sync/client/sql";
import { writerOf } from "./adapter.js";
import { openDatabase } from "./database.js";
import { openFileDrop } from "./file-drop.js";
import { serveHealth } from "./health.js";
import { readMappings, type TableMapping } from "./mapping.js";
import { createRegisters } from "./register.js";
import { hl7Charset, hl7Directory, setting } from "./settings.js";

const log = jsonLogger();

/** Enters the events of every mapped topic into the register and drops their HL7 files, until SIGTERM or Ctrl-C. */
async function run(): Promise<void> {
  const mappings = readMappings();
  const charset = hl7Charset();
  const database = openDatabase(setting("DATABASE_URL"));
  try {
    await whenReachable(() => createOnceTable(database), { onAway });
    await createRegisters(database);
    const clinic = { database, drop: await openFileDrop(hl7Directory()), charset, log };
    await serve((mapping) => writerOf(mapping, clinic), mappings);
  } finally {
    await database.destroy();
  }
}

async function serve(
  writer: (mapping: TableMapping) => Handler,
  mappings: readonly TableMapping[],
): Promise<void> {
  const bus = await connect({ logger: log }); // HMS_SYNC_URL, HMS_SYNC_TOKEN
  const health = await serveHealth(bus, process.env.HEALTH_PORT);
  try {
    await Promise.all(mappings.map((mapping) => bus.handle(mapping.topic, writer(mapping))));
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
  log.error("ehr-clinic stops", { code: code ?? name, detail });
  process.exitCode = 1;
});
