import { spawnSync } from "node:child_process";
import { resolve } from "node:path";

/**
 * Global setup of vitest: `dist` is what the sources say, for tests that start real processes from it. A type error
 * is printed and does not stop the run; `npm run types` is the check that fails on it.
 */
export default function setup(): void {
  const script = resolve(import.meta.dirname, "../../scripts/build.mjs");
  spawnSync(process.execPath, [script], { stdio: "inherit" });
}
