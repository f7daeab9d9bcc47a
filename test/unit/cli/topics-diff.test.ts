import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../../src/config.js";
import { HmsSyncError } from "../../../src/errors.js";
import { entry, writeRegistry } from "../registry/write-registry.js";
import { type Answer, cliRun } from "./fake-cli.js";

const v1 = { type: "object", properties: { by: { type: "string" } }, required: ["by"] };
const v2 = { type: "object", properties: { inspector: { type: "string" } }, required: ["inspector"] };

/** A git repository whose HEAD has topic t with consumer a; what `change` gives is in the folder only. */
function repository(change: Record<string, string | object>): string {
  const path = writeRegistry({ "topics.yaml": entry("t", { consumers: "[a]" }), "schemas/t/v1.json": v1 });
  const git = (...args: string[]) => execFileSync("git", args, { cwd: dirname(path), stdio: "pipe" });
  git("init", "-q");
  git("add", "-A");
  git("-c", "user.name=x", "-c", "user.email=x@x.test", "commit", "-q", "-m", "x");
  for (const [name, content] of Object.entries(change)) {
    writeFileSync(join(dirname(path), name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return path;
}

const newVersion = { "topics.yaml": entry("t", { schema: "v2", consumers: "[a]" }), "schemas/t/v2.json": v2 };
const newConsumer = { "topics.yaml": entry("t", { consumers: "[a, b]" }) };
const otherQos = { "topics.yaml": entry("t", { qos: "at_least_once", consumers: "[a]" }) };

const status = (owed: number) => ({
  registry: { digest: "x" },
  topics: { t: { kept: 12, consumers: { a: { owed, open: 0, version: 1, cursor: "1-0" } } } },
  leaving: [{ topic: "t", consumer: "b", owed: 4 }],
});
const nowhere: Answer = () => {
  throw new HmsSyncError("bus_unreachable", "no bus answers", { status: 503 });
};

const diff = (path: string, answer: Answer, ...argv: string[]) =>
  cliRun(["topics", "diff", ...argv], answer, {
    config: () => readConfig({ HMS_SYNC_CONFIG: path }, "/nowhere"),
  });

describe("topics diff", () => {
  test("of a file that is as it was committed says so, with exit code 0", async () => {
    const run = await diff(repository({}), nowhere, "--offline");
    expect([run.code, run.stderr]).toEqual([0, ""]);
    expect(run.stdout).toMatch(/topics\.yaml against HEAD: no difference\n$/);
    expect(run.calls).toEqual([]);
  });

  test("shows what breaks, at which place, for whom and what to do, with exit code 1", async () => {
    const run = await diff(repository(newVersion), nowhere, "--offline");
    expect(run.code).toBe(1);
    expect(run.stdout).toContain("1 problem, not to be merged");
    expect(run.stdout).toContain(
      "BREAKS\n  t: a (v1) cannot be given events of v2: /by is no longer required\n    to do: write steps for down in schemas/t/v2.casts.yaml ([] when payloads are to pass as they are)\n",
    );
    expect(run.stdout).toContain("SCHEMAS\n  t v1 to v2: BREAKING; casts: none; given to a v1\n");
    expect(run.stdout).toContain("    /inspector becomes required (breaks backward)\n");
    expect(run.stdout).toContain("  t: BREAKING against every listed version\n");
  });

  test("says the same as JSON", async () => {
    const run = await diff(repository(newVersion), nowhere, "--offline", "--json");
    expect(run.code).toBe(1);
    expect(JSON.parse(run.stdout)).toMatchObject({
      ok: false,
      against: "HEAD",
      bus: false,
      breaks: [{ code: "version_unreachable", topic: "t", systems: ["a"] }],
      warnings: [],
      changes: [{ code: "version_current" }],
      schemas: [{ from: 1, to: 2, class: "BREAKING", transitive: "BREAKING" }],
    });
  });

  test("compares with another file", async () => {
    const other = writeRegistry({ "topics.yaml": entry("t"), "schemas/t/v1.json": v1 });
    const run = await diff(repository({}), nowhere, "--offline", "--against", other);
    expect(run.stdout).toContain("city-health is no longer a consumer");
  });

  test("asks the bus what is owed", async () => {
    const answer: Answer = ({ path }) => (path === "/v1/status" ? { ...status(3), leaving: [] } : undefined);
    const run = await diff(repository(otherQos), answer);
    expect(run.code).toBe(1);
    expect(run.stdout).toContain("t: QoS is at_least_once instead of exactly_once under what is owed: a 3\n");
    expect(run.stderr).toContain("the bus runs by another registry than that of HEAD");
    const settled = await diff(repository(otherQos), () => ({ ...status(0), leaving: [] }));
    expect([settled.code, settled.stdout]).toEqual([0, expect.stringContaining("nothing is owed")]);
  });

  test("says what a newcomer is sent, and what one that has left before is owed still", async () => {
    const joined = await diff(repository(newConsumer), () => status(0));
    expect(joined.stdout).toContain(
      "t: b is a new consumer, given v1: it has joined before and is owed 4 events",
    );
    const fresh = await diff(repository(newConsumer), () => ({ ...status(0), leaving: [] }));
    expect(fresh.stdout).toContain("it is sent the 12 events in the window, oldest first");
  });

  test("goes on without a bus and says so, but not with one that refuses", async () => {
    const run = await diff(repository(newConsumer), nowhere);
    expect([run.code, run.stderr]).toEqual([0, expect.stringContaining("no bus is reached")]);
    const refused = await diff(repository(newConsumer), () => {
      throw new HmsSyncError("unauthorized", "no such token", { status: 401 });
    });
    expect([refused.code, refused.stdout]).toEqual([1, ""]);
  });

  test("of a file that is not valid fails with its problems", async () => {
    const run = await diff(repository({ "topics.yaml": "t: {qos: twice}" }), nowhere, "--offline");
    expect([run.code, run.stdout]).toEqual([1, ""]);
    expect(run.stderr).toContain("topics.yaml:1:10: ");
  });
});
