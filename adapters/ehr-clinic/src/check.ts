import { readFileSync } from "node:fs";
import { rowOf } from "@hms-sync/client/sql";
import { openDatabase } from "./database.js";
import { readMappings, type TableMapping } from "./mapping.js";
import { hl7File, hl7Text } from "./messages.js";
import { lineOf } from "./register.js";
import { sampleEvent } from "./sample.js";
import { hl7Charset, projectFile } from "./settings.js";

/** Shows what the samples (or the payload in the file that was named) would write. Nothing is written or connected. */
const [given, only] = process.argv.slice(2);
const database = openDatabase(process.env.DATABASE_URL || "data/register.sqlite");

function show({ topic, table, columns }: TableMapping): void {
  const file = given ?? projectFile(`samples/${topic}.json`);
  const payload = readFileSync(file, "utf8").trim();
  const charset = hl7Charset();
  const event = sampleEvent(topic);
  const line = lineOf(rowOf(columns, payload, event));
  const width = Math.max(...Object.keys(line).map((name) => name.length));
  print(`${topic} -> ${table}`);
  for (const [name, value] of Object.entries(line)) {
    const column = columns[name]!;
    const from = typeof column === "string" ? column : (column.from ?? "constant");
    print(`  ${name.padEnd(width)}  ${JSON.stringify(value)}  <- ${from}`);
  }
  print(`  ${database(table).insert(line).toSQL().sql}`);
  print(`  ${hl7File(line, event, charset).name}`);
  for (const segment of hl7Text(line, event, charset).trimEnd().split("\r")) print(`    ${segment}`);
  print("");
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
