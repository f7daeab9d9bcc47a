import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
// @ts-expect-error: data of a script
import { mutations } from "../../scripts/mutations/list.mjs";
import { run } from "../support/process.js";

const root = resolve(import.meta.dirname, "../..");

test.each([
  [["--minutes", "x"], /--minutes=x is no number of minutes above 0/],
  [["--minutes", "0"], /above 0/],
  [["--seed=-1"], /--seed=-1 is no whole number/],
  [["--only", "redis("], /--only=redis\( is no regular expression/],
  [["--bogus"], /--bogus/],
  [["20"], /20/],
])("npm run chaos -- %j: exit code 2, the value and the usage", async (args, said) => {
  const { code, stderr } = await run(process.execPath, [join(root, "scripts/chaos.mjs"), ...args]);
  expect(code).toBe(2);
  expect(stderr).toMatch(said);
  expect(stderr).toContain("usage: npm run chaos");
});

test("a mutation that does not exist is refused with those that do", async () => {
  const { code, stderr } = await run(process.execPath, [join(root, "scripts/mutations/run.mjs"), "none"]);
  expect(code).toBe(2);
  expect(stderr).toContain("settle-without-generation");
});

interface Mutation {
  readonly name: string;
  readonly edits: readonly { readonly file: string; readonly find: string }[];
  readonly test: { readonly file: string };
}

test.each((mutations as Mutation[]).map((mutation) => [mutation.name, mutation] as const))(
  "mutation %s finds what it replaces, once, in the sources as they are",
  (_name, { edits, test }) => {
    for (const { file, find } of edits)
      expect(readFileSync(join(root, file), "utf8").split(find)).toHaveLength(2);
    expect(() => readFileSync(join(root, test.file))).not.toThrow();
  },
);
