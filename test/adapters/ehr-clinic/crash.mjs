/*
 * Loaded before the adapter ehr-clinic (NODE_OPTIONS=--import=…): it kills its process at the point that CRASH_AT names,
 * the first time it gets there; at "never" it writes files in two halves, like a slow disk. The adapter itself knows
 * nothing of it.
 */
import fs from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const point = process.env.CRASH_AT;
const adapter = resolve(import.meta.dirname, "../../../adapters/ehr-clinic/package.json");
const Database = createRequire(adapter)("better-sqlite3");
const { open, rename } = fs.promises;
const { exec } = Database.prototype;

function dieAt(here) {
  if (here === point) process.kill(process.pid, "SIGKILL");
}

fs.promises.open = async (path, flags) => {
  const handle = await open(path, flags);
  if (flags === "w") {
    handle.writeFile = async (content) => {
      const half = content.length >> 1;
      fs.writeSync(handle.fd, content, 0, half);
      dieAt("half-written");
      await delay(20);
      fs.writeSync(handle.fd, content, half);
    };
  }
  return handle;
};

fs.promises.rename = async (from, to) => {
  dieAt("written");
  await rename(from, to);
  dieAt("renamed");
};

Database.prototype.exec = function (sql) {
  if (sql === "COMMIT") dieAt("uncommitted");
  const result = exec.call(this, sql);
  if (sql === "COMMIT") dieAt("committed");
  return result;
};

syncBuiltinESMExports();
