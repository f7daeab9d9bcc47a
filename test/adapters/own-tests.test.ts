import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { run } from "../support/process.js";

const adapters = resolve(import.meta.dirname, "../../adapters");
const names = readdirSync(adapters, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test("all three adapters are here", () => {
  expect(names).toEqual(expect.arrayContaining(["city-health", "ehr-clinic", "treasury-payroll"]));
});

/** From its build: `npm test` would compile into the folder that others start it from. */
test.each(names)(
  "the own tests of %s pass",
  async (name) => {
    const cwd = join(adapters, name);
    const files = readdirSync(join(cwd, "dist/test")).filter((file) => file.endsWith(".test.js"));
    const args = ["--test", "--test-reporter=tap", ...files.map((file) => join("dist/test", file))];
    const { code, stdout, stderr } = await run(process.execPath, args, {
      cwd,
      env: { NODE_OPTIONS: "", NODE_TEST_CONTEXT: undefined, DATABASE_URL: undefined },
    });
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/^# pass [1-9]\d*$/m);
  },
  120_000,
);
