import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import * as fc from "fast-check";
import { load } from "js-yaml";
import { describe, expect, test } from "vitest";
import { checkFilter } from "../../../src/envelope/filter.js";
import { durationPattern, parseDuration } from "../../../src/registry/duration.js";
import { parseSize, sizePattern } from "../../../src/registry/limits.js";
import { editorSchema } from "../../../src/registry/reference/editor-schema.js";
import { referenceFiles } from "../../../src/registry/reference/files.js";
import { combinations, operators } from "../../../src/registry/reference/filter-schema.js";
import { entry, openSchema, refusalOf } from "./write-registry.js";

const root = join(import.meta.dirname, "../../..");
const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allowUnionTypes: true });
const fitsEditor = ajv.compile(editorSchema());

test.each(Object.entries(referenceFiles()))("%s is up to date (npm run docs)", (file, text) => {
  expect(readFileSync(join(root, file), "utf8")).toBe(text);
});

test("topics.yaml tells editors its schema", () => {
  const [first] = readFileSync(join(root, "topics.yaml"), "utf8").split("\n");
  expect(first).toBe("# yaml-language-server: $schema=docs/topics.schema.json");
});

describe("the schema for editors", () => {
  const schema = { type: "object", properties: { n: { type: "integer" } } };
  const files = { "schemas/t/v1.json": schema, "schemas/t/v2.json": schema };

  test("takes the topics.yaml of this repository", () => {
    expect(fitsEditor(load(readFileSync(join(root, "topics.yaml"), "utf8")))).toBe(true);
  });

  test("holds no keyword of our own", () => {
    const text = JSON.stringify(editorSchema());
    for (const keyword of ["expected", "duration", "size"]) expect(text).not.toContain(`"${keyword}":`);
  });

  test.each([
    [
      "every option",
      {
        schema: "v2",
        key: "/n",
        laravel: "{event: 'App\\Done'}",
        producers: "[a, {name: b, version: v1}]",
        consumers:
          "[c, {name: d, version: v1, start: now, ack_wait: 1m 30s, max_deliver: 3, backoff: [500ms], max_in_flight: 7, run: 8, order: key, filter: {n: {$gt: 1}}}]",
      },
    ],
    [
      "combined filters",
      {
        consumers: "[{name: a, filter: {$or: [{n: 1}, {$not: {'/n': {$exists: true}}}], n: {$in: [1, 2]}}}]",
      },
    ],
  ])("takes what the bus takes: %s", async (_, lines) => {
    const text = `$defaults: {ack_wait: 10s}\n$systems: {hms-api: {timezone: UTC, rate: 50/s, body_limit: 1KiB}}\n${entry("t", { ...lines, producers: `[hms-api, ${(lines as Record<string, string>).producers?.slice(1) ?? "x]"}` })}`;
    expect(await refusalOf({ "topics.yaml": text, ...files })).toBe("");
    fitsEditor(load(text));
    expect(fitsEditor.errors ?? []).toEqual([]);
  });

  test.each([
    ["a misspelled key", { qso: "exactly_once" }],
    ["a QoS that is none", { qos: "once" }],
    ["a duration without a unit", { retention: "7" }],
    ["a duration in text", { retention: "'7 days'" }],
    ["a consumer without a name", { consumers: "[{run: 5}]" }],
    ["a run of 501", { consumers: "[{name: a, run: 501}]" }],
    ["a version that is a number", { consumers: "[{name: a, version: 1}]" }],
    ["an operator that is none", { consumers: "[{name: a, filter: {n: {$equals: 1}}}]" }],
    ["an empty filter", { consumers: "[{name: a, filter: {}}]" }],
    ["an operator without a field", { consumers: "[{name: a, filter: {$eq: 1}}]" }],
  ])("refuses what the bus refuses: %s", async (_, lines) => {
    const text = entry("t", lines as Record<string, string>);
    expect(await refusalOf({ "topics.yaml": text, "schemas/t/v1.json": openSchema })).not.toBe("");
    expect(fitsEditor(load(text))).toBe(false);
  });

  test("knows the operators that a filter may have", () => {
    const operands = { $in: [1], $exists: true, $startsWith: "x" };
    for (const name of Object.keys(operators)) {
      expect(checkFilter({ n: { [name]: (operands as Record<string, unknown>)[name] ?? 1 } })).toEqual([]);
    }
    const [problem] = checkFilter({ n: { $none: 1 } });
    expect(problem!.message).toContain(`known are ${Object.keys(operators).join(", ")};`);
    expect(Object.keys(combinations)).toEqual(["$and", "$or", "$not"]);
  });
});

describe("a pattern in it takes what is parsed", () => {
  const unit = fc.constantFrom(
    ..."0123456789",
    "d",
    "h",
    "m",
    "s",
    "ms",
    " ",
    "B",
    "KiB",
    "MiB",
    "x",
    "-",
    "\n",
  );
  const text = fc.array(unit, { maxLength: 8 }).map((units) => units.join(""));
  test.each([
    ["duration", durationPattern, parseDuration],
    ["size", sizePattern, parseSize],
  ])("%s", (_, pattern, parse) => {
    const form = new RegExp(pattern, "u");
    fc.assert(
      fc.property(text, (value) => {
        expect(form.test(value)).toBe(parse(value) !== undefined);
      }),
      { numRuns: 5_000 },
    );
  });
});
