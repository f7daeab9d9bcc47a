import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { marker } from "./bytes.js";

const folder = resolve(import.meta.dirname, "../fixtures/bad-input");
const corpus = readdirSync(folder).flatMap((file) => {
  const cases = JSON.parse(readFileSync(join(folder, file), "utf8")) as Record<string, unknown>[];
  return cases.map((each): Record<string, unknown> & { file: string } => ({ file, ...each }));
});

test("the corpus has at least 70 cases, of each way in", () => {
  expect(corpus.length).toBeGreaterThanOrEqual(70);
  const files = ["cli", "http", "laravel-pubsub", "laravel-stream", "protocol", "signatures", "topics"];
  expect(new Set(corpus.map(({ file }) => file))).toEqual(new Set(files.map((name) => `${name}.json`)));
});

test("docs/errors.md lists every code that the corpus expects", () => {
  const text = readFileSync(resolve(import.meta.dirname, "../../docs/errors.md"), "utf8");
  const listed = new Set(
    [...text.matchAll(/^\| .*$/gm)].flatMap(([row]) =>
      [...row.split("|")[1]!.matchAll(/`([a-z_0-9]+)`/g)].map(([, code]) => code),
    ),
  );
  const codes = corpus.flatMap(({ code, codes: several = [] }) => [code, ...(several as unknown[])]);
  const expected = new Set(codes.filter((code) => code !== undefined && code !== "closed"));
  expect([...expected].filter((code) => !listed.has(code as string))).toEqual([]);
  expect(expected.size).toBeGreaterThan(40);
});

test("every payload of the corpus that is long enough holds the marker that no log may show", () => {
  for (const { file, name, body, text, message, fields } of corpus) {
    const data = (fields as { data?: unknown } | undefined)?.data;
    for (const payload of file === "topics.json" ? [] : [body, text, message, data]) {
      if (typeof payload !== "string" || payload.length < 40) continue;
      expect([file, name, payload.includes(marker)]).toEqual([file, name, true]);
    }
  }
});
