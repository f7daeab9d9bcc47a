import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const packages = ["client", "create-hms-adapter", "php-driver"];
const adapters = readdirSync(join(root, "adapters"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => join("adapters", name));
const documents = readdirSync(join(root, "docs"), { recursive: true })
  .map((name) => join("docs", String(name)))
  .filter((name) => name.endsWith(".md"));
const pages = [
  "README.md",
  ...documents,
  ...[...packages, ...adapters].map((folder) => join(folder, "README.md")),
];

test.each(pages)("what %s links to is there", (page) => {
  const text = readFileSync(join(root, page), "utf8").replaceAll(/^```.*?^```/gms, "");
  const targets = [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, target]) => target!);
  expect(targets.filter((target) => !isThere(page, target))).toEqual([]);
});

function isThere(page: string, target: string): boolean {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? join(root, page) : join(root, dirname(page), path);
  if (!existsSync(file)) return false;
  return anchor === undefined || statSync(file).isDirectory() || anchorsOf(file).includes(anchor);
}

/** Anchors as GitHub makes them of headings. */
function anchorsOf(file: string): string[] {
  const headings = readFileSync(file, "utf8").matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
