import { describe, expect, test } from "vitest";
import { entry, openSchema, registryOf } from "./write-registry.js";

describe("the digest", () => {
  const base = {
    "topics.yaml": entry("t", { consumers: "[a, b]" }) + entry("u"),
    "schemas/t/v1.json": openSchema,
    "schemas/u/v1.json": openSchema,
  };
  const digestOf = async (changes: Record<string, string | object>) =>
    (await registryOf({ ...base, ...changes })).digest;

  test.each([
    [
      "comments and layout",
      { "topics.yaml": `# hello\n${entry("t", { consumers: "\n    - a\n    - b" })}\n\n${entry("u")}` },
    ],
    [
      "the order of topics and consumers",
      { "topics.yaml": entry("u") + entry("t", { consumers: "[b, a]" }) },
    ],
    [
      "a default written out",
      { "topics.yaml": entry("t", { consumers: "[a, {name: b, run: 500}]" }) + entry("u") },
    ],
    ["the layout of a schema", { "schemas/t/v1.json": '{\n  "type": "object"\n}' }],
    ["a file that nothing refers to", { "schemas/t/v2.json": openSchema }],
  ])("stays with %s", async (_, changes) => {
    expect(await digestOf(changes)).toBe(await digestOf({}));
  });

  test.each([
    ["retention", { "topics.yaml": entry("t", { consumers: "[a, b]", retention: "8d" }) + entry("u") }],
    [
      "a consumer's option",
      { "topics.yaml": entry("t", { consumers: "[a, {name: b, run: 499}]" }) + entry("u") },
    ],
    ["a time zone", { "topics.yaml": `$systems: {a: {timezone: Europe/Rome}}\n${base["topics.yaml"]}` }],
    ["a schema", { "schemas/u/v1.json": { type: "object", required: ["a"], properties: { a: true } } }],
    [
      "the order of properties, which places defaults",
      { "schemas/u/v1.json": { type: "object", properties: { b: true, a: true } } },
    ],
  ])("changes with %s", async (what, changes) => {
    const before = what.startsWith("the order")
      ? await digestOf({ "schemas/u/v1.json": { type: "object", properties: { a: true, b: true } } })
      : await digestOf({});
    expect(await digestOf(changes)).not.toBe(before);
  });

  test("does not change with the limits of a system: how fast it may post governs no event", async () => {
    const limited = { "topics.yaml": `$systems: {a: {rate: 5/s, body_limit: 1KiB}}\n${base["topics.yaml"]}` };
    expect(await digestOf(limited)).toBe(await digestOf({}));
  });

  test("changes with a file that a schema refers to", async () => {
    const refers = { "schemas/t/v1.json": { $ref: "../common.json" } };
    const one = await digestOf({ ...refers, "schemas/common.json": { type: "object" } });
    const two = await digestOf({ ...refers, "schemas/common.json": { type: "object", maxProperties: 3 } });
    expect(one).not.toBe(two);
  });
});
