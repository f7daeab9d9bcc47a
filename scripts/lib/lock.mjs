import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { cache } from "./paths.mjs";

/** Runs `work` while no other process runs work under the same name. A holder that died is passed over. */
export async function withLock(name, work) {
  mkdirSync(cache, { recursive: true });
  const file = join(cache, `${name}.lock`);
  for (let waiting = false; !take(file); waiting = true) {
    if (!waiting)
      process.stdout.write(
        `waiting for another ${name} in this checkout (remove ${file} if there is none)\n`,
      );
    await delay(100);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function take(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    if (holderIsDead(file)) rmSync(file, { force: true });
    return false;
  }
}

function holderIsDead(file) {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    if (pid === 0) return false; // just made, not written yet
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH"; // ENOENT: given back meanwhile; EPERM: lives, as another user
  }
}
