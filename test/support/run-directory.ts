import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processesWorkingIn, sendSignal } from "./process-table.js";

/**
 * Global setup of vitest: one temporary directory for the run. When the run ends, also by Ctrl-C or with a worker
 * that crashed, whatever still works in it is killed and the directory removed.
 */
export default function setup(): () => void {
  const directory = mkdtempSync(join(tmpdir(), "hms-sync-test-"));
  process.env.TMPDIR = directory;
  return () => {
    for (const { pid } of processesWorkingIn(directory)) sendSignal(pid, "SIGKILL");
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  };
}
