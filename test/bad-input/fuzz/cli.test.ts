import fc from "fast-check";
import { expect, test } from "vitest";
import { HmsSyncError } from "../../../src/errors.js";
import { cliRun } from "../../unit/cli/fake-cli.js";
import { fuzz, fuzzTimeout, spoiled } from "./fuzz.js";

/** Without `start`, which would start a bus; `topics` reads files and is fuzzed as such. */
const lines = [
  ["publish", "t", "{}", "--id", "a", "--type=b", "--schema-version", "2", "--json"],
  ["rejects", "--limit", "10"],
  ["status", "--json"],
  ["dead", "redrive", "1-1", "--topic", "t", "--consumer", "c"],
  ["dead", "--limit=5", "--topic", "t"],
  ["keys", "create", "hms-api", "--json"],
  ["keys", "revoke", "id"],
  ["replay", "t", "--consumer", "c", "--since", "10m", "--until", "1m", "--redo", "--dry-run"],
  ["replay", "t", "--consumer", "c", "--cancel"],
  ["retire", "c", "--topic", "t", "--no-archive", "--yes"],
];

const refused = new HmsSyncError("some_code", "value, place; remedy", { status: 422 });

test("a command line: done, failed or called wrongly, with one line that says so and no fault of ours", {
  timeout: fuzzTimeout,
}, async () => {
  const word = fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom(...lines.flat(), "--help", "--", "-", "--no-json", "-1", "=") },
    { weight: 1, arbitrary: spoiled("--since=10m", "--limit=5", "t", "publish") },
  );
  const edits = fc.array(fc.tuple(fc.nat(8), fc.nat(2), fc.array(word, { maxLength: 2 })), { maxLength: 2 });
  await fuzz(fc.tuple(fc.constantFrom(...lines), edits), async ([line, changes]) => {
    const argv = [...line];
    for (const [at, gone, put] of changes) argv.splice(at, gone, ...put);
    if (argv.some((each) => ["start", "subscribe", "topics"].includes(each))) return;
    const answer = () => {
      throw refused;
    };
    const { code, stdout, stderr } = await cliRun(argv, answer);
    expect([0, 1, 2]).toContain(code);
    expect(stderr).not.toMatch(/TypeError|RangeError|SyntaxError|\n\s+at /);
    if (code !== 0) expect(stderr.length).toBeGreaterThan(10);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what steers a terminal
    expect(stdout + stderr).not.toMatch(/\x1b/);
  });
});
