import { describe, expect, test } from "vitest";
import { entry, oneTopic, refusalOf } from "./write-registry.js";

const refusal = (schema: string | object, more: Record<string, string | object> = {}) =>
  refusalOf({ "topics.yaml": entry("t"), "schemas/t/v1.json": schema, ...more });
const property = (schema: object) => ({ type: "object", properties: { a: schema } });
const file = "schemas/t/v1.json";

describe("a schema that cannot be used is refused at boot with its file", () => {
  test.each([
    [
      "not JSON",
      "{",
      `${file}:1:2: is not JSON: it ends where a name in double quotes or "}" must be; correct it`,
    ],
    ["an array", "[]", `${file}:1:1: is not a JSON object`],
    [
      "the same member twice",
      '{"type":"object","type":"object"}',
      `${file}:1:18: has the member "type" twice in one object; keep one`,
    ],
    [
      "nested too deep",
      `${'{"not":'.repeat(100)}{}${"}".repeat(100)}`,
      `${file}:1:449: nests deeper than 64 levels; flatten it`,
    ],
    [
      "a type that is none",
      { type: "objekt" },
      `${file}:1:9: is no JSON Schema that can be used: #/type must be equal to one of the allowed values: ["array",`,
    ],
    [
      "an unknown keyword",
      { type: "object", requierd: ["a"] },
      `${file}:1:29: is no JSON Schema that can be used: strict mode: unknown keyword: "requierd" (did you mean required?); correct it`,
    ],
    ["an unknown format", property({ type: "string", format: "datetime" }), 'unknown format "datetime"'],
    [
      "a broken pattern",
      property({ type: "string", pattern: "(" }),
      `${file}:1:63: is no JSON Schema that can be used: Invalid regular expression`,
    ],
    [
      "another dialect",
      { $schema: "http://json-schema.org/draft-07/schema#" },
      `${file}:1:12: $schema "http://json-schema.org/draft-07/schema#" is not taken; write https://json-schema.org/draft/2020-12/schema`,
    ],
    ["$id", { $id: "https://x.test/a" }, `${file}:1:8: $id at # is not taken; refer to files by their path`],
    ["$async", { $async: true, type: "object" }, `${file}:1:11: $async at # is not taken`],
    [
      "a remote $ref",
      property({ $ref: "https://x.test/a.json" }),
      `${file}:1:44: $ref "https://x.test/a.json" at #/properties/a is not a relative path; copy the schema into schemas/`,
    ],
    [
      "a $ref by absolute path",
      property({ $ref: "/etc/passwd" }),
      `${file}:1:44: $ref "/etc/passwd" at #/properties/a is not a relative path`,
    ],
    [
      "a $ref out of schemas/",
      property({ $ref: "../../package.json" }),
      `${file}:1:44: $ref "../../package.json" at #/properties/a leads out of schemas/`,
    ],
    ["a $ref to a missing file", property({ $ref: "b.json" }), "schemas/t/b.json: is missing; create "],
    [
      "a $ref to a missing definition",
      property({ $ref: "#/$defs/b" }),
      `${file}:1:44: $ref at #/properties/a leads to no schema ("#/$defs/b"); correct its path`,
    ],
    [
      "a $ref to an anchor",
      property({ $ref: "#b" }),
      `${file}:1:44: $ref "#b" at #/properties/a has no JSON Pointer after #`,
    ],
    [
      "a $ref to what every object has",
      property({ $ref: "#/__proto__" }),
      `${file}:1:44: $ref at #/properties/a leads to no schema ("#/__proto__"); correct its path`,
    ],
    [
      "a $ref with a stray percent sign",
      property({ $ref: "#/%" }),
      `${file}:1:44: $ref "#/%" at #/properties/a has no JSON Pointer after #`,
    ],
    ["a $ref that is no string", property({ $ref: 5 }), `$ref "5" at #/properties/a is not a relative path`],
    [
      "a $ref to itself",
      property({ $ref: "#/properties/a" }),
      "leads back to itself; let it lead to another schema",
    ],
    [
      "a $ref to itself by way of anyOf",
      {
        $defs: { x: { anyOf: [{ type: "null" }, { $ref: "#/$defs/x" }] } },
        type: "object",
        properties: { a: { $ref: "#/$defs/x" } },
      },
      "leads back to itself",
    ],
    [
      "a default of another type",
      property({ type: "string", default: 1 }),
      `${file}:1:63: the default "1" at #/properties/a does not fit its own schema: it must be string; correct it`,
    ],
    [
      "a default behind a $ref of another type",
      { ...property({ $ref: "#/$defs/s", default: 1 }), $defs: { s: { type: "string" } } },
      "does not fit its own schema: it must be string",
    ],
    [
      "a default in an alternative",
      property({ anyOf: [{ type: "string", default: "x" }, { type: "number" }] }),
      `${file}:1:73: the default at #/properties/a/anyOf/0 would never be filled in; move it`,
    ],
    [
      "a default in a list's items",
      property({ type: "array", items: { type: "string", default: "x" } }),
      "would never be filled in",
    ],
  ])("%s", async (_, schema, message) => {
    expect(await refusal(schema)).toContain(message);
  });

  test("a problem in a file that is referred to names that file", async () => {
    const message = await refusal(property({ $ref: "b.json" }), { "schemas/t/b.json": "{" });
    expect(message).toContain("schemas/t/b.json:1:2: is not JSON: it ends where");
  });
});

describe("a schema may", () => {
  const violationsOf = async (
    schema: object,
    payload: string,
    more: Record<string, string | object> = {},
  ) => {
    const { registryOf } = await import("./write-registry.js");
    const registry = await registryOf({ "topics.yaml": entry("t"), "schemas/t/v1.json": schema, ...more });
    return registry.topics.get("t")!.schemas.get(1)!.validate(JSON.parse(payload));
  };

  test("refer to files inside schemas/, which refer to others and back", async () => {
    const more = {
      "schemas/common/a.json": {
        type: "object",
        properties: { b: { $ref: "deep/b.json#/$defs/b" }, t: { $ref: "../t/v1.json" } },
      },
      "schemas/common/deep/b.json": { $defs: { b: { $ref: "#/$defs/c" }, c: { type: "integer" } } },
    };
    const schema = property({ $ref: "../common/a.json" });
    expect(await violationsOf(schema, '{"a":{"b":1,"t":{"a":{"b":2}}}}', more)).toEqual([]);
    expect(await violationsOf(schema, '{"a":{"b":1,"t":{"a":{"b":"x"}}}}', more)).toEqual([
      { path: "/a/t/a/b", message: "must be integer" },
    ]);
  });

  test("hold $ref and default as data in const, enum and examples", async () => {
    const schema = property({
      const: { $ref: "https://x.test", default: 1 },
      examples: [{ $ref: "nowhere" }],
    });
    expect(await violationsOf(schema, '{"a":{"$ref":"https://x.test","default":1}}')).toEqual([]);
  });

  test("be recursive", async () => {
    const schema = { type: "object", properties: { child: { $ref: "#" }, n: { type: "integer" } } };
    expect(await violationsOf(schema, '{"child":{"child":{"n":"x"}}}')).toHaveLength(1);
  });

  test("describe members named like those of every object", async () => {
    const schema = {
      type: "object",
      properties: { constructor: { type: "string" } },
      required: ["toString"],
    };
    expect(await violationsOf(schema, "{}")).toEqual([
      { path: "", message: "must have required property 'toString'" },
    ]);
    expect(await violationsOf(schema, '{"toString":1,"constructor":1}')).toEqual([
      { path: "/constructor", message: "must be string" },
    ]);
  });
});

describe("violations", () => {
  test("are all listed for an ordinary payload, with what the message alone leaves out", async () => {
    const registry = await oneTopic({
      type: "object",
      properties: { a: { type: "integer" }, b: { type: "string", enum: ["x", "y"] } },
      required: ["c"],
      additionalProperties: false,
    });
    const { validate } = registry.topics.get("t")!.schemas.get(1)!;
    expect(validate({ a: "1", b: "z", d: 1 })).toEqual([
      { path: "", message: "must have required property 'c'" },
      { path: "", message: 'must NOT have additional properties: "d"' },
      { path: "/a", message: "must be integer" },
      { path: "/b", message: 'must be equal to one of the allowed values: ["x","y"]' },
    ]);
  });

  test("of a very large payload are the first only, so that a flood of them costs nothing", async () => {
    const registry = await oneTopic(property({ type: "array", items: { type: "integer" } }));
    const { validate } = registry.topics.get("t")!.schemas.get(1)!;
    expect(validate({ a: Array(100_000).fill("x") })).toEqual([{ path: "/a/0", message: "must be integer" }]);
    expect(validate({ a: Array(1_000).fill("x") })).toHaveLength(100);
  });
});
