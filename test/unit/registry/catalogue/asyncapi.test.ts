import { Parser } from "@asyncapi/parser";
import { Ajv } from "ajv";
import ajvFormats from "ajv-formats";
import fc from "fast-check";
import { load } from "js-yaml";
import { describe, expect, test } from "vitest";
import { asYaml, asyncApiOf } from "../../../../src/registry/catalogue/asyncapi.js";
import { Draft07 } from "../../../../src/registry/catalogue/draft07.js";
import { loadRegistry } from "../../../../src/registry/load.js";
import { oneTopic } from "../write-registry.js";
import { catalogue } from "./fixture.js";
import { objectSample } from "./schema-samples.js";

const url = "https://bus.example/hms/";
const refuses = (severity: number) => severity === 0;

/** What AsyncAPI's own parser has against a document. */
async function errorsOf(text: string): Promise<string[]> {
  const { diagnostics } = await new Parser().parse(text);
  return diagnostics
    .filter((one) => refuses(one.severity))
    .map(({ message, path }) => `${path.join("/")}: ${message}`);
}

describe("AsyncAPI's official parser takes the document", () => {
  test("of a registry with about everything, in YAML and in JSON", async () => {
    const document = asyncApiOf(await catalogue(), url);
    expect(await errorsOf(asYaml(document))).toEqual([]);
    expect(await errorsOf(JSON.stringify(document))).toEqual([]);
    expect(load(asYaml(document))).toEqual(JSON.parse(JSON.stringify(document)));
  });

  test("of this project's own topics.yaml", async () => {
    const registry = await loadRegistry(new URL("../../../../topics.yaml", import.meta.url).pathname);
    expect(await errorsOf(asYaml(asyncApiOf(registry, url)))).toEqual([]);
  });

  test("and none in which a message or a schema is missing", async () => {
    const text = asYaml(asyncApiOf(await catalogue(), url));
    for (const lost of ["    permits.issued.v1.payload:", "    permits.issued.v1.person:"]) {
      expect(await errorsOf(text.replace(lost, "    elsewhere:"))).not.toEqual([]);
    }
  });
});

test("each system is told what it sends and gets, a pinned consumer in its version alone", async () => {
  const { document } = await new Parser().parse(asYaml(asyncApiOf(await catalogue(), url)));
  const told = document!
    .operations()
    .all()
    .map((operation) => [
      operation.id(),
      operation.action(),
      operation.channels()[0]!.address(),
      operation
        .messages()
        .all()
        .map((message) => message.name()),
    ]);
  const both = ["permits.issued.v1", "permits.issued.v2"];
  expect(told).toContainEqual([
    "hms-api:publishes:permits.issued",
    "receive",
    "/v1/topics/permits.issued/events",
    both,
  ]);
  expect(told).toContainEqual([
    "ehr-clinic:consumes:permits.issued",
    "send",
    "/v1/topics/permits.issued/pull",
    both,
  ]);
  expect(told).toContainEqual([
    "city-health:consumes:permits.issued",
    "send",
    "/v1/topics/permits.issued/pull",
    ["permits.issued.v1"],
  ]);
  expect(document!.servers().all()[0]!.url()).toBe("https://bus.example/hms");
});

test("nothing stands beside a $ref, where draft-07 would not read it", async () => {
  const noted = { $ref: "#/$defs/n", description: "Noted.", $defs: { n: { type: "integer" } } };
  const registry = await oneTopic({
    type: "object",
    properties: { a: noted, b: { $ref: "#/properties/a/$defs/n" } },
    $defs: noted.$defs,
  });
  const { components } = JSON.parse(JSON.stringify(asyncApiOf(registry, url)));
  const { a, b } = components.schemas["t.v1"].properties;
  expect(a).toEqual({ allOf: [{ $ref: "#/components/schemas/t.v1.n" }, { description: "Noted." }] });
  expect(b).toEqual({ $ref: "#/components/schemas/t.v1.n_2" });
});

describe("a schema in draft-07", () => {
  const takes = (schema: object, value: unknown) => {
    const ajv = new Ajv({ strict: false, ownProperties: true }); // as the bus has it
    ajvFormats.default(ajv);
    const definitions: Record<string, unknown> = {};
    const names = new Map<unknown, string>();
    const draft: Draft07 = new Draft07(schema as never, (target) => {
      const known = names.get(target);
      if (known !== undefined) return `#/definitions/${known}`;
      const name = `d${names.size}`;
      names.set(target, name);
      definitions[name] = draft.of(target);
      return `#/definitions/${name}`;
    });
    return ajv.validate({ allOf: [draft.of(schema as never)], definitions }, value);
  };

  test("takes every payload that the schema takes", async () => {
    for (const { schema, value } of fc.sample(objectSample, { numRuns: 50, seed: 3 })) {
      const { validate } = (await oneTopic(schema)).topics.get("t")!.schemas.get(1)!;
      if (validate(value).length === 0) expect(takes(schema, value)).toBe(true);
    }
  });

  const tuple = { type: "array", prefixItems: [{ type: "integer" }], items: false };
  const dependent = {
    dependentRequired: { a: ["b"] },
    dependentSchemas: { a: { required: ["c"] }, d: { required: ["e"] } },
  };
  const closed = { type: "object", properties: { a: {} }, unevaluatedProperties: false };
  test.each<[string, object, unknown, boolean]>([
    ["prefixItems", tuple, [1], true],
    ["prefixItems", tuple, ["x"], false],
    ["items after prefixItems", tuple, [1, 2], false],
    ["dependentRequired", dependent, { a: 1, c: 1 }, false],
    ["dependentSchemas of the same name", dependent, { a: 1, b: 1 }, false],
    ["both kept", dependent, { a: 1, b: 1, c: 1 }, true],
    ["dependentSchemas", dependent, { d: 1 }, false],
    ["minContains 0", { type: "array", contains: { const: 1 }, minContains: 0 }, [], true],
    [
      "what stands beside $ref",
      { $ref: "#/$defs/n", minimum: 3, $defs: { n: { type: "integer" } } },
      2,
      false,
    ],
    [
      "a $ref into a tuple",
      { type: "object", properties: { t: tuple, u: { $ref: "#/properties/t/prefixItems/0" } } },
      { u: "x" },
      false,
    ],
    ["not, where all can be said", { not: { const: 1 } }, 1, false],
    ["not around what cannot be said", { not: closed }, { a: 1, b: 2 }, true],
    ["oneOf of what cannot be said", { oneOf: [closed, { required: ["b"] }] }, { b: 1 }, true],
    [
      "if around what cannot be said",
      JSON.parse(`{"if":${JSON.stringify(closed)},"then":false}`),
      { b: 1 },
      true,
    ],
    ["oneOf beside anyOf", { anyOf: [{ type: "object" }], oneOf: [closed, { type: "null" }] }, "x", false],
  ])("%s", (_what, schema, value, expected) => {
    expect(takes(schema, value)).toBe(expected);
  });
});
