import { describe, expect, test } from "vitest";
import { entry, type RegistryFiles, refusalOf } from "./write-registry.js";

const withField = (name: string) => ({
  type: "object",
  properties: { [name]: { type: "string" } },
  required: [name],
});
const v1 = { "schemas/t/v1.json": withField("by") };
const v2 = { "schemas/t/v2.json": withField("inspector") };
const v3 = { "schemas/t/v3.json": { ...withField("inspector"), description: "as before" } };
const casts = (text: string) => ({ "schemas/t/v2.casts.yaml": text });
const example = "examples:\n  - {v1: {by: x}, v2: {inspector: x}}\n";
const up = "up:\n  - rename: {from: /by, to: inspector}\n";
const both = casts(`${up}down:\n  - rename: {from: /inspector, to: by}\n${example}`);
const upOnly = casts(`${up}${example.replace("{v1", "{only: up, v1")}`);

const refusal = (schema: string, consumer: string, files: RegistryFiles) =>
  refusalOf({ "topics.yaml": entry("t", { schema, consumers: `[${consumer}]` }), ...files });

describe("a consumer that is pinned to a version", () => {
  test.each([
    ["the current one of one", "v1", "{name: a, version: v1}", v1],
    ["an older one, with casts down", "v2", "{name: a, version: v1}", { ...v1, ...v2, ...both }],
    ["the current one, with casts up", "v2", "{name: a, version: v2}", { ...v1, ...v2, ...upOnly }],
    [
      "an older one, with casts and a version that fits as it is",
      "v3",
      "{name: a, version: v1}",
      { ...v1, ...v2, ...v3, ...both },
    ],
    ["one that is current, when the older is no longer listed", "v2", "{name: a, version: v2}", v2],
    ["one beyond a version that is gone", "v3", "{name: a, version: v1}", { ...v1, ...v3, ...both }],
  ])("may be so to %s", async (_, schema, consumer, files) => {
    expect(await refusal(schema, consumer, files)).toBe("");
  });

  test.each([
    [
      "payloads of a newer version do not fit and nothing casts them",
      "v2",
      "{name: a, version: v1}",
      { ...v1, ...v2 },
      /^topics\.yaml:6:34: version "v1" of a in consumers of t cannot be given what is sent as v2: from v1 to v2 \/\w+ .*, and there is no schemas\/t\/v2\.casts\.yaml; write it with down: and the steps/,
    ],
    [
      "payloads of an older version do not fit and nothing casts them",
      "v2",
      "{name: a, version: v2}",
      { ...v1, ...v2 },
      /version "v2" of a in consumers of t cannot be given what is sent as v1: .* write it with up: and the steps/,
    ],
    [
      "the casts lack its direction",
      "v2",
      "{name: a, version: v1}",
      { ...v1, ...v2, ...upOnly },
      /cannot be given what is sent as v2: schemas\/t\/v2\.casts\.yaml has no steps for down; add down: to it, with \[\] when payloads stay as they are$/,
    ],
    [
      "the gap is behind a version with casts",
      "v3",
      "{name: a, version: v1}",
      { ...v1, ...v2, "schemas/t/v3.json": withField("officer"), ...both },
      /cannot be given what is sent as v3: from v2 to v3 .* there is no schemas\/t\/v3\.casts\.yaml/,
    ],
  ])("is refused when %s", async (_, schema, consumer, files, message) => {
    const refused = await refusal(schema, consumer, files);
    expect(refused).toMatch(message);
    expect(refused.split("\n")).toHaveLength(1);
  });

  test("may declare that payloads stay as they are", async () => {
    expect(await refusal("v2", "{name: a, version: v1}", { ...v1, ...v2, ...casts("down: []\n") })).toBe("");
  });

  test("is not told of casts that are broken themselves", async () => {
    const message = await refusal("v2", "{name: a, version: v1}", { ...v1, ...v2, ...casts("dwon: []\n") });
    expect(message).toMatch(/^schemas\/t\/v2\.casts\.yaml:1:1: /);
    expect(message).not.toContain("cannot be given");
  });
});

test("a consumer without a version is not judged: the bus keeps the one it joined with", async () => {
  expect(await refusal("v2", "a", { ...v1, ...v2 })).toBe("");
});
