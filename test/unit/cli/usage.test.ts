import { describe, expect, test } from "vitest";
import { readConfig } from "../../../src/config.js";
import { HmsSyncError } from "../../../src/errors.js";
import { cliRun } from "./fake-cli.js";

describe("a command line that cannot work exits 2 and says why on standard error only", () => {
  test.each([
    [[], /Usage: hms-sync/],
    [["nonsense"], /unknown command 'nonsense'/],
    [["topics"], /Usage: hms-sync topics/],
    [["status", "--nonsense"], /unknown option '--nonsense'/],
    [["status", "extra"], /too many arguments/],
    [["publish", "t"], /missing required argument 'json'/],
    [["publish", "t", "{}", "--id", "two words"], /two words.*printable ASCII/],
    [["publish", "t", "{}", "--type", "é"], /printable ASCII/],
    [["subscribe", "t", "--since=yesterday"], /since is "yesterday"; send a duration/],
    [["rejects", "--limit", "0"], /from 1 to 10000/],
    [["dead", "--limit", "1e3"], /from 1 to 10000/],
    [["dead", "redrive", "1-1", "--topic", "t"], /--consumer <name>' not specified/],
    [["dead", "redrive", "--topic", "t", "--consumer", "c"], /which dead letters\?.*--all/],
    [["dead", "redrive", "1-1", "--all", "--topic", "t", "--consumer", "c"], /1-1 and --all contradict/],
    [["keys", "create"], /missing required argument 'name'/],
    [["keys", "revoke"], /missing required argument 'id'/],
  ])("hms-sync %j", async (argv, said) => {
    const { code, stdout, stderr, calls } = await cliRun(argv);
    expect({ code, stdout, calls }).toEqual({ code: 2, stdout: "", calls: [] });
    expect(stderr).toMatch(said);
  });

  test("an environment that cannot be used", async () => {
    const config = () => readConfig({ HMS_SYNC_PORT: "many" });
    const { code, stderr } = await cliRun(["start"], () => ({}), { config });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'error: HMS_SYNC_PORT: "many" is not in range; write a whole number from 0 to 65535\n',
    });
  });
});

const verbs = ["start", "publish", "subscribe", "status", "rejects", "dead"].map((verb) => [verb]);
const nested = ["topics validate", "topics ls", "keys create", "keys list", "keys revoke", "dead redrive"];

describe.each([...verbs, ...nested.map((verb) => verb.split(" "))])("hms-sync %s %s", (...words) => {
  const verb = words.filter((word) => typeof word === "string");

  test("has help with an example and --json, and asking for it is no failure", async () => {
    const { code, stdout, stderr } = await cliRun([...verb, "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(new RegExp(`Examples?: (HMS_SYNC_PORT=9000 )?hms-sync ${verb.join(" ")}`));
    expect(stdout).toContain("--json");
  });
});

describe("what the bus refuses", () => {
  const refused = (status: number, details = {}) =>
    new HmsSyncError("some_code", "value, place; remedy\nsecond line", { status, details });

  test.each([
    [400, 2],
    [401, 1],
    [404, 1],
    [422, 1],
    [503, 1],
  ])("with %d exits %d, and the detail is all that is printed", async (status, expected) => {
    const answer = () => {
      throw refused(status);
    };
    const { code, stdout, stderr } = await cliRun(["status"], answer);
    expect({ code, stdout, stderr }).toEqual({
      code: expected,
      stdout: "",
      stderr: "error: value, place; remedy\nsecond line\n",
    });
  });

  test("comes as JSON on standard error with --json", async () => {
    const answer = () => {
      throw refused(422, { errors: [{ path: "/a", message: "must be integer" }], status: 422 });
    };
    const { stderr } = await cliRun(["publish", "t", "{}", "--json"], answer);
    expect(JSON.parse(stderr)).toEqual({
      code: "some_code",
      detail: "value, place; remedy\nsecond line",
      errors: [{ path: "/a", message: "must be integer" }],
      status: 422,
    });
  });

  test("names the violations that its detail leaves out, each once, and steers no terminal", async () => {
    const errors = [
      { path: "/a", message: "must be integer" },
      { path: "", message: "must have b\u001b[2J" },
    ];
    const answer = () => {
      throw new HmsSyncError("schema_violation", "does not fit: /a must be integer; and 1 more", {
        status: 422,
        details: { errors },
      });
    };
    const { stderr } = await cliRun(["publish", "t", "{}"], answer);
    expect(stderr).toBe(
      "error: does not fit: /a must be integer; and 1 more\n  the payload must have b\\x1b[2J\n",
    );
  });
});

test("a fault of ours is shown with its place", async () => {
  const answer = () => {
    throw new TypeError("surprise");
  };
  const { code, stderr } = await cliRun(["status"], answer);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: TypeError: surprise\n\s+at /);
});
