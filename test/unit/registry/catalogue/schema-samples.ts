import fc from "fast-check";

/** A schema and a value of it. */
export interface Sample {
  readonly schema: Record<string, unknown>;
  readonly value: unknown;
}

/** Names that languages know as keywords, names that are none, names that differ in case. */
const memberName = fc.constantFrom(
  "a",
  "A",
  "class",
  "this",
  "two words",
  "1st",
  "é",
  "_x",
  "constructor",
  "value",
);

const scalar: fc.Arbitrary<Sample> = fc.oneof(
  fc.string({ maxLength: 8 }).map((value) => ({ schema: { type: "string" }, value })),
  fc.integer().map((value) => ({ schema: { type: "integer" }, value })),
  fc
    .constantFrom(0.5, 2, -1e-7)
    .map((value) => ({ schema: { type: "number", description: "*/ \\ ' $x" }, value })),
  fc.boolean().map((value) => ({ schema: { type: "boolean" }, value })),
  fc.constant({ schema: { type: "string", format: "date-time" }, value: "2024-04-23T15:02:11Z" }),
  fc
    .constantFrom("x", "y'\\", "class")
    .map((value) => ({ schema: { enum: ["x", "y'\\", "class", "X"] }, value })),
  fc.constantFrom(1, -1, null).map((value) => ({ schema: { enum: [1, -1, null] }, value })),
  fc.constantFrom(true, "mixed", 3).map((value) => ({ schema: { enum: [true, "mixed", 3] }, value })),
  fc.constant({ schema: {}, value: { what: ["ever"] } }),
);

/** Schemas of objects as people write them, each with a value that it should take; ajv has the last word. */
export const objectSample: fc.Arbitrary<Sample> = fc.letrec<{ any: Sample; object: Sample }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, depthIdentifier: "schema" },
    scalar,
    optional(tie("any")),
    list(tie("any")),
    tuple(tie("any")),
    map(tie("any")),
    alternatives(tie("any")),
    tie("object"),
  ),
  object: fc.oneof(
    { weight: 4, arbitrary: members(tie("any")) },
    { weight: 1, arbitrary: joined(tie("any")) },
  ),
})).object;

function optional(inner: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> {
  return fc.tuple(inner, fc.boolean()).map(([{ schema, value }, absent]) => ({
    schema: { anyOf: [schema, { type: "null" }] },
    value: absent ? null : value,
  }));
}

function list(inner: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> {
  return fc.tuple(inner, fc.nat(2)).map(([{ schema, value }, count]) => ({
    schema: { type: "array", items: schema },
    value: Array.from({ length: count }, () => value),
  }));
}

function tuple(inner: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> {
  return fc.tuple(inner, inner, fc.nat(2), fc.boolean()).map(([first, second, count, closed]) => ({
    schema: {
      type: "array",
      prefixItems: [first.schema, second.schema],
      minItems: Math.min(count, 1),
      ...(closed ? { items: false } : {}),
    },
    value: [first.value, second.value].slice(0, count),
  }));
}

function map(inner: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> {
  return inner.map(({ schema, value }) => ({
    schema: { type: "object", additionalProperties: schema },
    value: { k: value, "l m": value },
  }));
}

function alternatives(inner: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> {
  return fc.tuple(inner, inner, fc.boolean()).map(([one, other, first]) => ({
    schema: { anyOf: [one.schema, other.schema] },
    value: first ? one.value : other.value,
  }));
}

function members(inner: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> {
  const member = fc.record({
    name: memberName,
    sample: inner,
    required: fc.boolean(),
    present: fc.boolean(),
  });
  return fc.uniqueArray(member, { selector: ({ name }) => name, maxLength: 4 }).map((all) => ({
    schema: {
      type: "object",
      properties: Object.fromEntries(all.map(({ name, sample }) => [name, sample.schema])),
      required: all.filter(({ required }) => required).map(({ name }) => name),
    },
    value: Object.fromEntries(
      all.flatMap(({ name, sample, required, present }) =>
        required || present ? [[name, sample.value]] : [],
      ),
    ),
  }));
}

/** Two objects brought together by allOf and a $ref. */
function joined(inner: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> {
  return fc.tuple(members(inner), members(inner)).map(([one, other]) => ({
    schema: { type: "object", allOf: [one.schema, other.schema] },
    value: { ...(one.value as object), ...(other.value as object) },
  }));
}
