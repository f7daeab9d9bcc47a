import { mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { run } from "../support/process.js";

const script = resolve(import.meta.dirname, "../../scripts/setup.mjs");

/** A PATH with these programs of the machine and nothing else. */
function pathWith(...names: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "bin-"));
  for (const name of names) symlinkSync(name, join(folder, name.split("/").at(-1)!));
  return folder;
}

test("without redis-server and apt, set-up says in one line each what to install and exits 1", async () => {
  const { code, stdout } = await run(process.execPath, [script], { env: { PATH: pathWith() } });
  expect(code).toBe(1);
  expect(stdout.trim().split("\n")).toEqual([
    "install redis-server 7 or later (Debian, Ubuntu: apt-get install redis-server)",
    "install flock (Debian, Ubuntu: apt-get install util-linux)",
  ]);
});

test("without --php nothing of PHP is asked for, with it everything is", async () => {
  const { code, stdout } = await run(process.execPath, [script, "--php"], { env: { PATH: pathWith() } });
  expect(code).toBe(1);
  for (const name of ["PHP 8.2", "Composer 2", "extension redis", "extension pdo_sqlite"])
    expect(stdout).toContain(name);
  expect(stdout).not.toMatch(/MariaDB|nats/);
});

test("what the tests and the bench need is asked for with --tests and --bench", async () => {
  const asked = [script, "--tests", "--bench"];
  const { code, stdout } = await run(process.execPath, asked, { env: { PATH: pathWith() } });
  expect(code).toBe(1);
  for (const name of ["MariaDB", "git", "faketime", "nats-server"]) expect(stdout).toContain(name);
  expect(stdout).not.toContain("PHP");
});

test.runIf(process.getuid?.() === 0)(
  "a failed apt-get is shown with its last words and the log's path",
  async () => {
    const path = pathWith("/usr/bin/env", "/bin/sh");
    const fails = "#!/bin/sh\necho 'E: Unable to fetch some archives'\nexit 100\n";
    writeFileSync(join(path, "apt-get"), fails, { mode: 0o755 });
    const { code, stdout } = await run(process.execPath, [script], { env: { PATH: path } });
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /apt package lists failed: .*update .*\.cache\/logs\/apt-package-lists\.log.*\nE: Unable/,
    );
  },
);
