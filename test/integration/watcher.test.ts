import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RegistryWatcher } from "../../src/registry/watcher.js";
import { eventually } from "../support/eventually.js";

let folder: string;
let changes: number;
let watcher: RegistryWatcher;
const warnings: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hms-sync-watch-"));
  writeFileSync(join(folder, "topics.yaml"), "a: 1\n");
  mkdirSync(join(folder, "schemas", "a"), { recursive: true });
  changes = 0;
  warnings.length = 0;
});
afterEach(() => {
  watcher.close();
  rmSync(folder, { recursive: true, force: true });
});

function watching(file = join(folder, "topics.yaml")): void {
  watcher = new RegistryWatcher(file, () => changes++, { warn: (message) => void warnings.push(message) });
  watcher.start();
}

test("a file written in place, one moved over it and a schema below are told, each after a quiet moment", async () => {
  watching();
  writeFileSync(join(folder, "topics.yaml"), "a: 2\n");
  await eventually(() => changes === 1);
  writeFileSync(join(folder, "next"), "a: 3\n");
  renameSync(join(folder, "next"), join(folder, "topics.yaml"));
  await eventually(() => changes === 2);
  writeFileSync(join(folder, "schemas", "a", "v2.json"), "{}");
  await eventually(() => changes === 3);
});

test("a schemas folder that comes later is watched too", async () => {
  rmSync(join(folder, "schemas"), { recursive: true });
  watching();
  mkdirSync(join(folder, "schemas"));
  await eventually(() => changes === 1);
  mkdirSync(join(folder, "schemas", "a"));
  await eventually(() => changes === 2);
  expect(warnings).toEqual([]);
});

test("mounted configuration, replaced by a link as Kubernetes does it, is told", async () => {
  const mount = join(folder, "mount");
  for (const version of ["v1", "v2"]) {
    mkdirSync(join(mount, version), { recursive: true });
    writeFileSync(join(mount, version, "topics.yaml"), `a: ${version}\n`);
  }
  symlinkSync("v1", join(mount, "..data"));
  symlinkSync("..data/topics.yaml", join(mount, "topics.yaml"));
  watching(join(mount, "topics.yaml"));
  symlinkSync("v2", join(mount, "..next"));
  renameSync(join(mount, "..next"), join(mount, "..data"));
  await eventually(() => changes === 1);
});

test("a folder that cannot be watched is said with the remedy", () => {
  watching(join(folder, "absent", "topics.yaml"));
  expect(warnings).toEqual(["topics.yaml cannot be watched for changes; send SIGHUP after a change"]);
});
