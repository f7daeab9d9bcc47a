import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { loadRegistry } from "../../../src/registry/load.js";
import type { Registry } from "../../../src/registry/registry.js";

/** Files of a registry by their path: topics.yaml and what is under schemas/; objects are written as JSON. */
export type RegistryFiles = Record<string, string | object>;

export const openSchema = { type: "object" };

/** A complete entry of one topic, with the given lines changed or added. */
export function entry(topic: string, lines: Record<string, string> = {}): string {
  const all = {
    qos: "exactly_once",
    retention: "7d",
    schema: "v1",
    producers: "[hms-api]",
    consumers: "[city-health]",
    ...lines,
  };
  return `${topic}:\n${Object.entries(all)
    .map(([key, value]) => `  ${key}: ${value}\n`)
    .join("")}`;
}

/** Writes the files to a directory of their own and answers the path of topics.yaml. */
export function writeRegistry(files: RegistryFiles): string {
  const directory = mkdtempSync(join(tmpdir(), "registry-"));
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  }
  return join(directory, "topics.yaml");
}

export async function registryOf(files: RegistryFiles): Promise<Registry> {
  return loadRegistry(writeRegistry(files));
}

/** A registry with the one topic `t` and its schema. */
export async function oneTopic(schema: object, lines: Record<string, string> = {}): Promise<Registry> {
  return registryOf({ "topics.yaml": entry("t", lines), "schemas/t/v1.json": schema });
}

/** The message with which the files are refused; empty when they are taken. */
export async function refusalOf(files: RegistryFiles): Promise<string> {
  try {
    await registryOf(files);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}
