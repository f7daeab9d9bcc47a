import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chart } from "./chart.mjs";
import { judged } from "./goals.mjs";
import { page } from "./page.mjs";

/**
 * Writes bench.json into `directory`, and bench.svg and bench.md made from it. Parts that were not measured this time stay as
 * bench.json has them.
 */
export function writeDocuments(directory, { machine, fsync, parts }) {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, "bench.json");
  const earlier = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).parts : {};
  const all = Object.fromEntries(Object.entries({ ...earlier, ...parts }).sort());
  const document = { machine, fsync, goals: judged(all), parts: all };
  writeFileSync(file, `${JSON.stringify(document, undefined, 1)}\n`);
  for (const [name, text] of Object.entries(rendered(document))) writeFileSync(join(directory, name), text);
}

/** The page and the chart of a bench.json, by file name. */
export function rendered(document) {
  return { "bench.md": page(document), "bench.svg": chart(document) };
}
