import { spawnSync } from "node:child_process";
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { median } from "./figures.mjs";

/** Where the figures come from: machine, versions, and how long the disk under `directory` takes to keep 200 bytes. */
export function describeMachine(directory) {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGigabytes: Number((totalmem() / 2 ** 30).toFixed(1)),
    kernel: release(),
    node: process.version,
    redis: versionOf("redis-server", /v=(\S+)/),
    nats: versionOf("nats-server", /v(\d\S*)/),
    fdatasyncMs: Number(fdatasyncMs(directory).toFixed(2)),
    loadBefore: Number(loadavg()[0].toFixed(2)),
  };
}

function versionOf(command, pattern) {
  const { error, stdout, stderr } = spawnSync(command, ["--version"], { encoding: "utf8" });
  return error === undefined ? (pattern.exec(stdout + stderr)?.[1] ?? "unknown") : "not installed";
}

function fdatasyncMs(directory) {
  const folder = mkdtempSync(join(directory, "hms-sync-bench-"));
  const file = openSync(join(folder, "file"), "w");
  const times = Array.from({ length: 200 }, () => {
    writeSync(file, "x".repeat(200));
    const started = performance.now();
    fdatasyncSync(file);
    return performance.now() - started;
  });
  closeSync(file);
  rmSync(folder, { recursive: true });
  return median(times);
}
