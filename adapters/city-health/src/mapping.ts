import { readFileSync } from "node:fs";
import { checkMapping, type Mapping } from "@hms-sync/client/sql";
import { load } from "js-yaml";
import { projectFile, SettingError } from "./settings.js";

/** What becomes of one topic's events: an entry of mapping.yaml. */
export interface TableMapping {
  readonly topic: string;
  readonly table: string;
  /** Columns by which a row is found again. */
  readonly key: readonly string[];
  readonly columns: Mapping;
}

/** Reads mapping.yaml and checks all of it. */
export function readMappings(): TableMapping[] {
  const entries = load(readFileSync(projectFile("mapping.yaml"), "utf8"));
  if (typeof entries !== "object" || entries === null) throw new SettingError("mapping.yaml holds no topics");
  return Object.entries(entries as object).map(([topic, entry]) => checked(topic, entry));
}

function checked(topic: string, entry: Partial<TableMapping> | null): TableMapping {
  const { table, key, columns } = entry ?? {};
  const refuse = (what: string) => new SettingError(`mapping.yaml, ${topic}: ${what}`);
  if (typeof table !== "string") throw refuse("table is missing; write the table's name");
  if (!Array.isArray(key) || key.length === 0)
    throw refuse("key is missing; write columns, like key: [PAY_NO]");
  if (typeof columns !== "object" || columns === null) throw refuse("columns are missing");
  const unknown = key.find((column) => !Object.hasOwn(columns, column));
  if (unknown !== undefined) throw refuse(`key ${unknown} is none of its columns`);
  try {
    checkMapping(columns);
  } catch (error) {
    throw refuse((error as Error).message);
  }
  return { topic, table, key, columns };
}
