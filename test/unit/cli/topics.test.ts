import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../../src/config.js";
import { entry, writeRegistry } from "../registry/write-registry.js";
import { cliRun } from "./fake-cli.js";

const described = { type: "object", properties: { n: { type: "integer" } } };
const schemas = { "schemas/t/v1.json": described, "schemas/t/v2.json": described };
const v1 = entry("t", { consumers: "[a]" });
const v2 = entry("t", { schema: "v2", consumers: "[a, b]" });

/** A git repository whose HEAD has `text`, in a folder below its root. */
function repository(text: string): string {
  const path = writeRegistry({ "topics.yaml": text, ...schemas });
  const git = (...args: string[]) => execFileSync("git", args, { cwd: dirname(path), stdio: "pipe" });
  git("init", "-q");
  git("add", "-A");
  git("-c", "user.name=x", "-c", "user.email=x@x.test", "commit", "-q", "-m", "x");
  return path;
}

const topics = (path: string, ...argv: string[]) =>
  cliRun(["topics", ...argv], undefined, { config: () => readConfig({ HMS_SYNC_CONFIG: path }, "/nowhere") });

describe("topics validate --fix", () => {
  test("takes the versions from HEAD, says what it wrote, and then has nothing to write", async () => {
    const path = repository(v1);
    writeFileSync(path, v2);
    const run = await topics(path, "validate", path, "--fix");
    expect(run.stdout).toContain(
      "wrote version: v1 for a of t, which it had\nwrote version: v2 for b of t, the current one: it is new\n\n",
    );
    expect(readFileSync(path, "utf8")).toContain(
      "consumers: [{ name: a, version: v1 }, { name: b, version: v2 }]",
    );
    const again = await topics(path, "validate", path, "--fix");
    expect(again.stdout).toContain("every consumer states its version; nothing was written");
  });

  test("takes them from another file, and tells them as JSON", async () => {
    const path = writeRegistry({ "topics.yaml": v2, ...schemas });
    const other = writeRegistry({ "topics.yaml": v1, ...schemas });
    const run = await topics(path, "validate", path, "--fix", "--against", other, "--json");
    expect(JSON.parse(run.stdout)).toMatchObject({
      valid: true,
      fixed: [
        { topic: "t", consumer: "a", version: 1 },
        { topic: "t", consumer: "b", version: 2 },
      ],
    });
  });

  test("without a commit writes the current version", async () => {
    const path = writeRegistry({ "topics.yaml": v2, ...schemas });
    const run = await topics(path, "validate", path, "--fix");
    expect(run.stdout).toContain("wrote version: v2 for a of t, the current one: it is new");
  });

  test("takes what git has below schemas/, not what stands there now", async () => {
    const path = repository(v1);
    rmSync(join(dirname(path), "schemas/t/v1.json"));
    writeFileSync(path, v2);
    const run = await topics(path, "validate", path, "--fix");
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('version "v1" of a in consumers of t has no file schemas/t/v1.json');
  });

  test.each([
    [["--against", "HEAD"], "add --fix, or call hms-sync topics diff"],
    [
      ["--fix", "--against", "no-such"],
      '--against "no-such" is neither a file nor a git commit with topics.yaml (',
    ],
    [["--fix", "--against=--output=x"], '--against "--output=x" is neither a file nor a git commit'],
  ])("%j is a mistake of usage", async (options, message) => {
    const path = repository(v1);
    const run = await topics(path, "validate", path, ...options);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(message);
  });

  test("a commit whose file is not valid is named", async () => {
    const path = repository(v1.replace("exactly_once", "once"));
    writeFileSync(path, v2);
    const run = await topics(path, "validate", path, "--fix");
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(
      'what "HEAD" names is not valid; compare with a file or commit that is:\ntopics.yaml:2:8: qos',
    );
  });
});

describe("topics ls", () => {
  const lines = {
    schema: "v2",
    key: "/n",
    producers: "[hms-api, {name: old, version: v1}]",
    consumers: "[a, {name: b, version: v1, order: key, max_in_flight: 9, filter: {n: {$gt: 1}}}]",
  };
  const path = () => writeRegistry({ "topics.yaml": entry("t", lines), ...schemas });

  test("shows versions, key, order and filters", async () => {
    expect((await topics(path(), "ls")).stdout).toBe(
      [
        "TOPIC  QOS           VERSIONS  RETENTION  KEY  PRODUCERS          CONSUMERS",
        "t      exactly_once  v2 (v1)   7d         /n   hms-api, old (v1)  a, b (v1)",
        "",
        "CONSUMER  TOPIC  VERSION  ORDER  IN FLIGHT  START  FILTER",
        'b         t      v1       key    9          -      {"n":{"$gt":1}}',
        "",
      ].join("\n"),
    );
  });

  test("--json tells them to programs", async () => {
    const [topic] = JSON.parse((await topics(path(), "ls", "--json")).stdout).topics;
    expect(topic).toMatchObject({
      version: 2,
      versions: [1, 2],
      key: "/n",
      producer_versions: { old: 1 },
      consumers: ["a", "b"],
      subscriptions: [
        { name: "a", order: "none" },
        { name: "b", version: 1, order: "key", max_in_flight: 9, filter: { n: { $gt: 1 } } },
      ],
    });
    expect(topic.subscriptions[0]).not.toHaveProperty("version");
  });
});
