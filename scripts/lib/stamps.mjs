import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { cache, root } from "./paths.mjs";

/** One hash over names and contents of files (missing ones count as missing) and over further values. */
export function hashOf(files, ...values) {
  const hash = createHash("sha256").update(JSON.stringify(values));
  for (const file of files) {
    hash.update(`\0${relative(root, file)}\0`);
    if (existsSync(file)) hash.update(readFileSync(file));
  }
  return hash.digest("hex");
}

/** Whether the step of that name was last done for exactly this hash. */
export function isDone(name, hash) {
  const file = stampFile(name);
  return existsSync(file) && readFileSync(file, "utf8") === hash;
}

export function markDone(name, hash) {
  const file = stampFile(name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, hash);
}

function stampFile(name) {
  return join(cache, "stamps", name.replaceAll(/[^a-z0-9.-]+/gi, "-"));
}
