import { readFileSync } from "node:fs";
import { rowOf, upsertStatement } from "@hms-sync/client/sql";
import { openDatabase } from "./database.js";
import { readMappings, type TableMapping } from "./mapping.js";
import { sampleEvent } from "./sample.js";
import { projectFile } from "./settings.js";

/** Shows what the samples (or the payload in the file that was named) would write. Nothing is written or connected. */
const [given, only] = process.argv.slice(2);
const database = openDatabase(process.env.DATABASE_URL || "mysql://adapter:password@localhost:3306/legacy");

function show({ topic, table, key, columns }: TableMapping): void {
  const file = given ?? projectFile(`samples/${topic}.json`);
  const payload = readFileSync(file, "utf8").trim();
  const row = rowOf(columns, payload, sampleEvent(topic));
  const width = Math.max(...Object.keys(row).map((name) => name.length));
  print(`${topic} -> ${table}`);
  for (const [name, value] of Object.entries(row)) {
    const column = columns[name]!;
    const from = typeof column === "string" ? column : (column.from ?? "constant");
    const isKey = key.includes(name) ? "  (key)" : "";
    print(`  ${name.padEnd(width)}  ${JSON.stringify(value)}  <- ${from}${isKey}`);
  }
  const { sql, bindings } = upsertStatement(database, table, row, key);
  print(`  ${database.raw(sql, bindings).toSQL().sql}\n`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  const mappings = readMappings().filter(({ topic }) => only === undefined || topic === only);
  if (mappings.length === 0) throw new Error(`mapping.yaml has no topic ${only}`);
  if (given !== undefined && mappings.length > 1) throw new Error("name the topic behind the file");
  for (const mapping of mappings) show(mapping);
  print("Nothing was written.");
} catch (error) {
  print(`check failed: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  await database.destroy();
}
