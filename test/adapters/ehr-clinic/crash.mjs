/*
 * Loaded before the adapter ehr-clinic (NODE_OPTIONS=--import=…): it kills its process at the point that CRASH_AT names,
 * the first time it gets there. The adapter itself knows nothing of it.
 */
import fs from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { resolve } from "node:path";

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
  if (String(path).endsWith(".hl7.tmp") && point === "half-written") {
    handle.writeFile = (content) => {
      fs.writeSync(handle.fd, content, 0, content.length >> 1);
      dieAt("half-written");
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
