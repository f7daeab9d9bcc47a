/** Writes what is made of the sources under docs/: the schema of topics.yaml for editors, and its reference page. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./lib/paths.mjs";
import { say } from "./lib/run.mjs";

const { referenceFiles } = await import(join(root, "dist", "registry", "reference", "files.js"));

for (const [file, text] of Object.entries(referenceFiles())) {
  writeFileSync(join(root, file), text);
  say(`wrote ${file}`);
}
