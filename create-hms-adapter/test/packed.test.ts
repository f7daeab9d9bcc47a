import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "packed-"));
/** One full install; the others get its packages. */
const installed = join(folder, "postgres");

/** Runs a program to its end and gives what it printed; a failure shows all of it. */
function run(command: string, args: readonly string[], cwd: string): string {
  const env = { ...process.env, NODE_OPTIONS: "", HMS_SYNC_CLIENT_PACKAGE: join(folder, "client.tgz") };
  try {
    return execFileSync(command, args, { cwd, env, encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(" ")} in ${cwd} failed:\n${stdout}${stderr}`);
  }
}

/** Packs a workspace from its build and gives the tarball another name. */
function pack(workspace: string, name: string): string {
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const [{ filename }] = JSON.parse(run("npm", args, join(root, workspace)));
  run("mv", [filename, name], folder);
  return join(folder, name);
}

beforeAll(() => {
  pack("client", "client.tgz");
  const tarball = pack("create-hms-adapter", "scaffold.tgz");
  const scaffold = join(folder, "scaffold");
  mkdirSync(scaffold);
  run("tar", ["xzf", tarball, "-C", scaffold], folder);
  symlinkSync(join(root, "node_modules"), join(scaffold, "node_modules"));
}, 120_000);

function make(db: string): string {
  const main = join(folder, "scaffold/package/dist/create-hms-adapter/src/main.js");
  const args = ["city-health", "--db", db, "--dir", db, "--topics", join(root, "topics.yaml"), "--yes"];
  run(process.execPath, [main, ...args], folder);
  return join(folder, db);
}

function checks(project: string, table: string): void {
  expect(run("npm", ["test"], project)).toMatch(/^# pass 6\n# fail 0$/m);
  const shown = run("npm", ["run", "check"], project);
  expect(shown).toContain(`inspections.status -> ${table}`);
  expect(shown).toMatch(/inspection_id +1 +<- payload\.inspectionId +\(key\)/i);
  expect(shown).toMatch(/Nothing was written\.\n$/);
  expect(existsSync(join(project, "data/legacy.sqlite"))).toBe(false);
}

describe("made from its tarball, in a folder outside the repository,", () => {
  test("a project for postgres installs, passes its test and shows what it would write", () => {
    make("postgres");
    run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline"], installed);
    checks(installed, "inspections_status");
  }, 400_000);

  test.each([
    ["mysql", "INSPECTIONS_STATUS"],
    ["sqlite", "INSPECTIONS_STATUS"],
  ])(
    "so does one for %s, with the same packages and its driver",
    (db, table) => {
      const project = make(db);
      if (db === "mysql")
        run(
          "npm",
          ["install", "--no-save", "--no-audit", "--no-fund", "--prefer-offline", "mysql2@3"],
          installed,
        );
      symlinkSync(join(installed, "node_modules"), join(project, "node_modules"));
      checks(project, table);
    },
    400_000,
  );

  test.each(["mssql", "oracle"])(
    "one for %s keeps to the types",
    (db) => {
      const project = make(db);
      symlinkSync(join(installed, "node_modules"), join(project, "node_modules"));
      run(process.execPath, ["node_modules/typescript/bin/tsc", "--noEmit"], project);
    },
    120_000,
  );
});
