import * as fc from "fast-check";

/** Schemas and payloads over so few names and values that one often takes the other. */
const names = ["a", "b", "I_1"] as const;
const name = fc.constantFrom(...names);
const scalar = fc.constantFrom<unknown>(null, true, false, 0, 1, 2, 3, 6, 1.5, "", "x", "xy", "xyz");
const small = fc.integer({ min: 0, max: 3 });

type Schema = Record<string, unknown> | boolean;

const scalarSchema: fc.Arbitrary<Schema> = fc.oneof(
  fc.constantFrom<Schema>({}, true, { type: "string" }, { type: "integer" }, { type: "number" }),
  fc.constantFrom<Schema>({ type: "boolean" }, { type: ["string", "null"] }, { type: ["integer", "string"] }),
  fc.uniqueArray(scalar, { minLength: 1, maxLength: 4 }).map((values) => ({ enum: values })),
  scalar.map((value) => ({ const: value })),
  fc.record({ minLength: small, maxLength: small }, { requiredKeys: [] }).map(typed("string")),
  fc.constantFrom<Schema>({ type: "string", pattern: "^x" }, { type: "string", pattern: "y$" }),
  fc
    .record(
      {
        minimum: small,
        maximum: small,
        exclusiveMinimum: small,
        exclusiveMaximum: small,
        multipleOf: fc.constantFrom(1, 2, 3, 6),
      },
      { requiredKeys: [] },
    )
    .chain((bounds) => fc.constantFrom(typed("number")(bounds), typed("integer")(bounds), bounds)),
);

function typed(type: string): (schema: object) => Schema {
  return (schema) => ({ type, ...schema });
}

/** A payload schema: an object with anything below. */
export const { schema: schemas } = fc.letrec<{ schema: Schema; any: Schema }>((tie) => {
  const members = fc.dictionary(name, tie("any"), { maxKeys: 3, noNullPrototype: true });
  const others = fc.option(fc.oneof(fc.constant<Schema>(false), tie("any")), { nil: undefined });
  const object = fc
    .record({
      properties: members,
      required: fc.uniqueArray(name, { maxLength: 2 }),
      additionalProperties: others,
      patternProperties: fc.option(
        tie("any").map((sub) => ({ "^I_": sub })),
        { nil: undefined, freq: 4 },
      ),
      propertyNames: fc.option(fc.constantFrom({ maxLength: 1 }, { pattern: "^[a-z]" }), {
        nil: undefined,
        freq: 6,
      }),
      dependentRequired: fc.option(fc.constant({ a: ["b"] }), { nil: undefined, freq: 5 }),
      minProperties: fc.option(small, { nil: undefined, freq: 5 }),
      maxProperties: fc.option(small, { nil: undefined, freq: 5 }),
    })
    .map(typed("object"))
    .map(withoutUndefined);
  const array = fc
    .record({
      items: fc.option(tie("any"), { nil: undefined }),
      prefixItems: fc.option(fc.array(tie("any"), { minLength: 1, maxLength: 2 }), { nil: undefined }),
      minItems: fc.option(small, { nil: undefined }),
      maxItems: fc.option(small, { nil: undefined }),
      uniqueItems: fc.option(fc.boolean(), { nil: undefined }),
      contains: fc.option(tie("any"), { nil: undefined, freq: 5 }),
      minContains: fc.option(small, { nil: undefined, freq: 5 }),
    })
    .map(typed("array"))
    .map(withoutUndefined)
    .map(withoutPrefixBesideContains);
  const alternatives = fc.array(tie("any"), { minLength: 1, maxLength: 3 });
  const combined = fc.oneof(
    alternatives.map((list) => ({ anyOf: list })),
    alternatives.map((list) => ({ oneOf: list })),
    alternatives.map((list) => ({ allOf: list })),
    tie("any").map((sub) => ({ not: sub })),
    fc.tuple(tie("any"), tie("any"), tie("any")).map(([test, yes, no]) => conditional(test, yes, no)),
    fc.tuple(object, alternatives).map(([base, list]) => ({ ...(base as object), anyOf: list })),
    fc
      .tuple(object, alternatives)
      .map(([base, list]) => ({ ...(base as object), unevaluatedProperties: false, allOf: list })),
  );
  return {
    any: fc.oneof({ maxDepth: 3, depthSize: "small" }, scalarSchema, object, array, combined),
    schema: fc.oneof(object, combined, tie("any")),
  };
});

function conditional(...schemas: [test: Schema, yes: Schema, no: Schema]): Schema {
  const keywords = ["if", "then", "else"];
  return Object.fromEntries(keywords.map((keyword, index) => [keyword, schemas[index]!]));
}

/** ajv 8 takes lists that are too short for `minContains` when `prefixItems` stands beside it. */
function withoutPrefixBesideContains(schema: Schema): Schema {
  if (typeof schema === "boolean" || schema.contains === undefined) return schema;
  const { prefixItems: _, ...rest } = schema;
  return rest;
}

function withoutUndefined(schema: Schema): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined));
}

export const { value: payloads } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    scalar,
    fc.dictionary(name, tie("value"), { maxKeys: 3, noNullPrototype: true }),
    fc.array(tie("value"), { maxLength: 3 }),
  ),
}));

/** A schema somewhat changed: what people do between two versions. */
export function changed(schema: Schema): fc.Arbitrary<Schema> {
  const places: ((replacement: Schema) => Schema)[] = [(replacement) => replacement];
  if (typeof schema === "object") for (const each of placesIn(schema)) places.push(each);
  const edits: fc.Arbitrary<Schema>[] = [
    fc.tuple(fc.constantFrom(...places), scalarSchema).map(([place, sub]) => place(sub)),
    schemas.chain((sub) => fc.constantFrom(...places).map((place) => place(sub))),
  ];
  if (typeof schema === "object" && Object.keys(schema).length > 0) {
    edits.push(
      fc.constantFrom(...Object.keys(schema)).map((keyword) => {
        const { [keyword]: _, ...rest } = schema;
        return rest;
      }),
      fc.constant<Schema>({ anyOf: [schema, { type: "null" }] }),
      fc.constant<Schema>({ allOf: [schema] }),
      scalarSchema.map((sub) => ({ anyOf: [sub, schema] })),
    );
  }
  return fc.oneof(...edits);
}

function placesIn(schema: Record<string, unknown>): ((replacement: Schema) => Schema)[] {
  return Object.entries(schema).flatMap(([keyword, value]) => {
    if (["properties", "patternProperties"].includes(keyword)) {
      return Object.keys(value as object).map((key) => (sub: Schema) => ({
        ...schema,
        [keyword]: { ...(value as object), [key]: sub },
      }));
    }
    if (["anyOf", "oneOf", "allOf", "prefixItems"].includes(keyword)) {
      return (value as Schema[]).map((_, index) => (sub: Schema) => ({
        ...schema,
        [keyword]: (value as Schema[]).with(index, sub),
      }));
    }
    if (["items", "not", "additionalProperties", "contains"].includes(keyword)) {
      return [(sub: Schema) => ({ ...schema, [keyword]: sub })];
    }
    return [];
  });
}
