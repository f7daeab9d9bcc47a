import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
/** How an error with a code is made: the class itself, and the short forms of the envelope stage and the gateway. */
const made = /(?:HmsSyncError|invalid|refused|unauthorized|tooMany)\(\s*"([a-z0-9_]+)"|code: "([a-z0-9_]+)"/g;

/** Notices of `topics diff` have codes of their own, in docs/governance.md: they are no errors. */
const notices = join("registry", "diff");

function codesInSource(): string[] {
  const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !file.startsWith(notices),
  );
  const codes = files.flatMap((file) => {
    const text = readFileSync(join(root, "src", file), "utf8");
    return [...text.matchAll(made)].map((match) => match[1] ?? match[2]!);
  });
  return [...new Set(codes)].sort();
}

function codesInDocs(): string[] {
  const text = readFileSync(join(root, "docs/errors.md"), "utf8");
  const rows = text.split("\n").filter((line) => line.startsWith("| `"));
  const codes = rows.flatMap((row) =>
    [...row.split("|")[1]!.matchAll(/`([a-z0-9_]+)`/g)].map(([, code]) => code!),
  );
  expect(codes).toEqual([...new Set(codes)]);
  return codes.sort();
}

test("docs/errors.md lists every code there is, once, and no other", () => {
  expect(codesInDocs()).toEqual(codesInSource());
});
