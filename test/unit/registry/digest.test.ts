import { describe, expect, test } from "vitest";
import { entry, openSchema, registryOf } from "./write-registry.js";

describe("the digest", () => {
  const base = {
    "topics.yaml": entry("t", { consumers: "[a, b]", key: "/n" }) + entry("u"),
    "schemas/t/v1.json": { type: "object", properties: { n: { type: "integer" }, m: { type: "integer" } } },
    "schemas/u/v1.json": openSchema,
  };
  /** The file with the consumer b or the producer of `t` written otherwise. */
  const withConsumer = (b: string, producer = "hms-api") => ({
    "topics.yaml": entry("t", { consumers: `[a, ${b}]`, key: "/n", producers: `[${producer}]` }) + entry("u"),
  });
  const digestOf = async (changes: Record<string, string | object>) =>
    (await registryOf({ ...base, ...changes })).digest;

  test.each([
    [
      "comments and layout",
      {
        "topics.yaml": `# hello\n${entry("t", { consumers: "\n    - a\n    - b", key: "/n" })}\n\n${entry("u")}`,
      },
    ],
    [
      "the order of topics and consumers",
      { "topics.yaml": entry("u") + entry("t", { consumers: "[b, a]", key: "/n" }) },
    ],
    [
      "a default written out",
      {
        "topics.yaml":
          entry("t", { consumers: "[a, {name: b, run: 500, order: none}]", key: "/n" }) + entry("u"),
      },
    ],
    ["the layout of a schema", { "schemas/u/v1.json": '{\n  "type": "object"\n}' }],
    ["a producer's long form that states nothing", withConsumer("b", "{name: hms-api}")],
    ["a file that nothing refers to", { "schemas/t/v2.json": openSchema }],
  ])("stays with %s", async (_, changes) => {
    expect(await digestOf(changes)).toBe(await digestOf({}));
  });

  test.each([
    [
      "retention",
      { "topics.yaml": entry("t", { consumers: "[a, b]", key: "/n", retention: "8d" }) + entry("u") },
    ],
    ["a consumer's option", withConsumer("{name: b, run: 499}")],
    ["a consumer's version", withConsumer("{name: b, version: v1}")],
    ["a consumer's order", withConsumer("{name: b, order: key}")],
    ["a consumer's max_in_flight", withConsumer("{name: b, max_in_flight: 5}")],
    ["a consumer's filter", withConsumer("{name: b, filter: {n: 1}}")],
    ["a producer's version", withConsumer("b", "{name: hms-api, version: v1}")],
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

  test("is the same for a filter in whatever order its conditions are written, and another for other conditions", async () => {
    const filtered = (filter: string) => digestOf(withConsumer(`{name: b, filter: ${filter}}`));
    const digest = await filtered("{n: {$gt: 1, $lt: 5}, m: 2}");
    expect(await filtered("{m: 2, n: {$lt: 5, $gt: 1}}")).toBe(digest);
    expect(await filtered("{m: 2, n: {$lt: 1, $gt: 5}}")).not.toBe(digest);
    expect(await filtered("{m: '2', n: {$lt: 5, $gt: 1}}")).not.toBe(digest);
  });

  test("does not change with the limits of a system: how fast it may post governs no event", async () => {
    const limited = { "topics.yaml": `$systems: {a: {rate: 5/s, body_limit: 1KiB}}\n${base["topics.yaml"]}` };
    expect(await digestOf(limited)).toBe(await digestOf({}));
  });

  test("changes with a file that a schema refers to", async () => {
    const refers = { "schemas/u/v1.json": { $ref: "../common.json" } };
    const one = await digestOf({ ...refers, "schemas/common.json": { type: "object" } });
    const two = await digestOf({ ...refers, "schemas/common.json": { type: "object", maxProperties: 3 } });
    expect(one).not.toBe(two);
  });
});
