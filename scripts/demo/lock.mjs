import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "./problem.mjs";
import { shown } from "./processes.mjs";

/** Makes the folder one demo's; the function it gives ends that. One that was killed is passed over. */
export function occupy(folder) {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "demo.pid");
  const holder = livingHolder(file);
  if (holder !== undefined) {
    throw new Problem(
      `a demo already runs on ${shown(folder)} (process ${holder}); ` +
        `stop it with Ctrl-C, or give this one a folder of its own: npm run demo -- --state=DIR`,
    );
  }
  writeFileSync(file, String(process.pid));
  return () => rmSync(file, { force: true });
}

function livingHolder(file) {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ESRCH") return undefined;
    throw error;
  }
}
