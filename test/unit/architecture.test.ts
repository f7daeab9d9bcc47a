import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../../src");
const stages = ["intake", "envelope", "ledger", "fanout", "gateway", "registry", "ops"];
/** What every stage may import besides itself. */
const shared = ["envelope", "redis", "errors.js"];
/** The only files that may know every stage: the composition root and the command line in front of it. */
const roots = ["sidecar.ts", "cli"];

const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  const relatives = [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map(([, path]) => path!);
  return relatives.map((path) => relative(root, resolve(dirname(join(root, file)), path)));
}

const top = (path: string) => path.split("/")[0]!;

test.each(files.filter((file) => stages.includes(top(file))))(
  "%s imports nothing but its own stage and what is shared",
  (file) => {
    const foreign = importsOf(file).filter((path) => ![top(file), ...shared].includes(top(path)));
    expect(foreign).toEqual([]);
  },
);

test("nothing but the composition root and the command line imports several stages", () => {
  const knowing = files.filter((file) => {
    const known = new Set(
      importsOf(file)
        .map(top)
        .filter((name) => stages.includes(name) && name !== "envelope" && name !== top(file)),
    );
    return known.size > 0 && !roots.includes(top(file));
  });
  expect(knowing).toEqual([]);
});

test("environment variables are read in one file", () => {
  const reading = files.filter((file) => readFileSync(join(root, file), "utf8").includes("process.env"));
  expect(reading).toEqual(["config.ts"]);
});

test("a BullMQ job is completed without fetching the next one", () => {
  // moveToCompleted fetches by default, and on a job of a Queue fails half-way.
  for (const file of files) {
    for (const [, argumentsText] of readFileSync(join(root, file), "utf8").matchAll(
      /\.moveToCompleted\(([^)]*)\)/g,
    )) {
      expect(argumentsText).toMatch(/, false$/);
    }
  }
});
