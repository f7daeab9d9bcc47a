import { existsSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { mustRun, pack, unpack } from "../../test/support/packages.js";

const root = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "packed-"));
const tsc = join(root, "node_modules/typescript/bin/tsc");
let scaffold: string;

/** With the packages of the repository. test/e2e/newcomer.test.ts installs those of a project. */
beforeAll(async () => {
  scaffold = await unpack(await pack("create-hms-adapter", folder), join(folder, "scaffold"));
  symlinkSync(join(root, "node_modules"), join(scaffold, "node_modules"));
}, 120_000);

async function make(db: string): Promise<string> {
  const main = join(scaffold, "dist/create-hms-adapter/src/main.js");
  const args = ["city-health", "--db", db, "--dir", db, "--topics", join(root, "topics.yaml"), "--yes"];
  await mustRun(process.execPath, [main, ...args], folder);
  const project = join(folder, db);
  symlinkSync(join(root, "node_modules"), join(project, "node_modules"));
  return project;
}

describe("made from its tarball, in a folder outside the repository,", () => {
  test("a project for sqlite passes its test for each topic and shows what it would write", async () => {
    const project = await make("sqlite");
    const runs = (...args: string[]) => mustRun(process.execPath, args, project);
    await runs(tsc);
    expect(await runs("--test", "--test-reporter=tap", "dist/test/adapter.test.js")).toMatch(
      /^# pass 6\n# fail 0$/m,
    );
    const shown = await runs("dist/src/check.js");
    expect(shown).toContain("inspections.status -> INSPECTIONS_STATUS");
    expect(shown).toMatch(/INSPECTION_ID +1 +<- payload\.inspectionId +\(key\)/);
    expect(shown).toMatch(/Nothing was written\.\n$/);
    expect(existsSync(join(project, "data/legacy.sqlite"))).toBe(false);
  }, 120_000);

  test.each(["mssql", "oracle"])(
    "one for %s keeps to the types",
    async (db) => {
      await mustRun(process.execPath, [tsc, "--noEmit"], await make(db));
    },
    120_000,
  );
});
