import { readFileSync } from "node:fs";
import { checkMapping, type Mapping } from "@hms-sync/client/sql";
import { load } from "js-yaml";
import { hasMessage } from "./messages.js";
import { projectFile, SettingError } from "./settings.js";

/** What becomes of one topic's events: an entry of mapping.yaml. Each adds a line to the table. */
export interface TableMapping {
  readonly topic: string;
  readonly table: string;
  readonly columns: Mapping;
}

/** Reads mapping.yaml and checks all of it. */
export function readMappings(): TableMapping[] {
  const entries = load(readFileSync(projectFile("mapping.yaml"), "utf8"));
  if (typeof entries !== "object" || entries === null) throw new SettingError("mapping.yaml holds no topics");
  return Object.entries(entries as object).map(([topic, entry]) => checked(topic, entry));
}

function checked(topic: string, entry: (Partial<TableMapping> & { key?: unknown }) | null): TableMapping {
  const { table, key, columns } = entry ?? {};
  const refuse = (what: string) => new SettingError(`mapping.yaml, ${topic}: ${what}`);
  if (!hasMessage(topic)) throw refuse("there is no HL7 message for it; write one in src/messages.ts");
  if (typeof table !== "string") throw refuse("table is missing; write the table's name");
  if (key !== undefined) throw refuse("key is not used: each event adds a line; remove it");
  if (typeof columns !== "object" || columns === null) throw refuse("columns are missing");
  try {
    checkMapping(columns);
  } catch (error) {
    throw refuse((error as Error).message);
  }
  return { topic, table, columns };
}
