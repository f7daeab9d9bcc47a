import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { load } from "js-yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../support/process.js";

const root = resolve(import.meta.dirname, "../../..");
const read = (name: string) => readFileSync(join(root, "docs/ci", name), "utf8");
const folder = mkdtempSync(join(tmpdir(), "hms-sync-ci-"));
const repository = join(folder, "repository");
const git = (...args: string[]) => execFileSync("git", args, { cwd: repository, encoding: "utf8" }).trim();

/** The commands with which a file calls hms-sync, and the environment CI would give them. */
const files = {
  "github-workflow.yml": () => {
    const { jobs } = load(read("github-workflow.yml")) as { jobs: { diff: { steps: { run?: string }[] } } };
    return jobs.diff.steps.flatMap(({ run }) => run ?? []);
  },
  "gitlab-ci.yml": () => (load(read("gitlab-ci.yml")) as { topics: { script: string[] } }).topics.script,
};

beforeAll(() => {
  mkdirSync(repository);
  cpSync(join(root, "topics.yaml"), join(repository, "topics.yaml"));
  cpSync(join(root, "schemas"), join(repository, "schemas"), { recursive: true });
  git("init", "-q");
  git("add", "-A");
  git("-c", "user.name=x", "-c", "user.email=x@x.test", "commit", "-q", "-m", "x");
  git("update-ref", "refs/remotes/origin/main", "HEAD");
  const npx = join(folder, "npx");
  writeFileSync(
    npx,
    `#!/bin/sh\nshift\nexec "${process.execPath}" "${join(root, "dist/cli/main.js")}" "$@"\n`,
  );
  chmodSync(npx, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the commands one after the other, as CI does: up to the first that fails. */
async function runAll(commands: readonly string[]): Promise<{ code: number | null; output: string }> {
  const env = {
    PATH: `${folder}:${process.env.PATH}`,
    BASE: "origin/main",
    CI_MERGE_REQUEST_DIFF_BASE_SHA: git("rev-parse", "origin/main"),
    GITHUB_STEP_SUMMARY: join(folder, "summary"),
  };
  let output = "";
  for (const command of commands) {
    const done = await run("bash", ["-eo", "pipefail", "-c", command], { cwd: repository, env });
    output += done.stdout + done.stderr;
    if (done.code !== 0) return { code: done.code, output };
  }
  return { code: 0, output };
}

describe.each(Object.entries(files))("docs/ci/%s", (_, commandsOf) => {
  const commands = commandsOf();
  const calls = commands.filter((command) => command.startsWith("npx hms-sync "));

  test("installs, checks and compares", () => {
    expect(commands[0]).toBe("npm run setup");
    expect(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts.setup).toBeDefined();
    expect(calls.map((call) => call.split(" ")[3])).toEqual(expect.arrayContaining(["validate", "diff"]));
  });

  test("passes a new consumer and fails on a new QoS", { timeout: 240_000 }, async () => {
    const file = join(repository, "topics.yaml");
    const committed = readFileSync(file, "utf8");
    writeFileSync(
      file,
      committed.replace("[city-health, ehr-clinic]", "[city-health, ehr-clinic, treasury]"),
    );
    const joined = await runAll(calls);
    expect(joined.output).toContain("treasury is a new consumer");
    expect(joined.code).toBe(0);
    writeFileSync(file, committed.replace("exactly_once", "at_least_once"));
    const changed = await runAll(calls);
    expect(changed.output).toContain("QoS is at_least_once instead of exactly_once");
    expect(changed.code).toBe(1);
    writeFileSync(file, committed);
  });
});

test("docs/ci/CODEOWNERS names paths that are there, and owners for each", () => {
  const lines = read("CODEOWNERS")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  for (const line of lines) {
    const [path, ...owners] = line.split(/\s+/);
    expect(owners.length > 0 && owners.every((owner) => /^@[\w-]+\/[\w-]+$/.test(owner)), line).toBe(true);
    if (path !== "/.github/") expect(existsSync(join(root, path!)), line).toBe(true);
  }
});
