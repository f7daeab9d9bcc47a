import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkFilter, compileFilter, type Filter, filterFields } from "../../../src/envelope/filter.js";

function matches(filter: Filter, payload: unknown): boolean {
  expect(checkFilter(filter)).toEqual([]);
  return compileFilter(filter)(payload);
}

describe("a filter matches", () => {
  test.each<[string, Filter, unknown]>([
    ["a value", { a: "x" }, { a: "x" }],
    ["null", { a: null }, { a: null }],
    ["every field", { a: 1, b: true }, { a: 1, b: true }],
    ["a path", { "/address/zip": { $startsWith: "606" } }, { address: { zip: "60601" } }],
    ["an element", { "/l/1": 2 }, { l: [1, 2] }],
    ["a name that begins with a dollar", { "/$in": 1 }, { $in: 1 }],
    ["a name with a slash, which is no path", { "a/b": 1 }, { "a/b": 1 }],
    ["one of several", { a: { $in: ["x", 1, null] } }, { a: null }],
    ["a range", { n: { $gt: 1, $lte: 2 } }, { n: 2 }],
    ["a range of text", { t: { $gte: "2024-05" } }, { t: "2024-05-01T00:00:00Z" }],
    ["text by code units", { t: { $lt: "a" } }, { t: "Z" }],
    ["numbers by value", { n: 1 }, { n: 1.0 }],
    ["another value", { a: { $ne: "x" } }, { a: 1 }],
    ["an absent field that is not the value", { a: { $ne: "x" } }, {}],
    ["an absent field that must be", { a: { $exists: false } }, {}],
    ["null as a field that is there", { a: { $exists: true } }, { a: null }],
    ["not", { $not: { a: 1 } }, {}],
    ["and", { $and: [{ a: 1 }, { b: 2 }] }, { a: 1, b: 2 }],
    ["or", { $or: [{ a: 1 }, { b: 2 }] }, { b: 2 }],
    ["members named like JavaScript's own", JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":1}')],
  ])("%s", (_what, filter, payload) => {
    expect(matches(filter, payload)).toBe(true);
  });
});

describe("a filter does not match", () => {
  test.each<[string, Filter, unknown]>([
    ["text that looks like the number", { n: 1 }, { n: "1" }],
    ["text against a number's range", { n: { $lt: 5 } }, { n: "1" }],
    ["true against a range", { n: { $gt: 0 } }, { n: true }],
    ["an absent field in a range", { n: { $lt: 5 } }, {}],
    ["an absent field for null", { a: null }, {}],
    ["an absent field among values", { a: { $in: [null] } }, {}],
    ["a number for a beginning", { a: { $startsWith: "1" } }, { a: 12 }],
    ["an object for a value", { a: "x" }, { a: { x: 1 } }],
    ["one field of two", { a: 1, b: 2 }, { a: 1 }],
    ["a list's length as a field", { "/l/length": 1 }, { l: [1] }],
    ["an inherited member", { constructor: { $exists: true } }, {}],
    ["a text's length as a field", { "/t/length": 1 }, { t: "x" }],
    ["a path through null", { "/a/b": 1 }, { a: null }],
    [
      "an integer beyond 2^53 next to the greatest exact one",
      { n: Number.MAX_SAFE_INTEGER },
      JSON.parse('{"n":9007199254740993}'),
    ],
    ["a payload that is no object", { a: 1 }, 5],
  ])("%s", (_what, filter, payload) => {
    expect(matches(filter, payload)).toBe(false);
  });
});

describe("what is wrong in a filter is told with its path and the remedy", () => {
  const deep = (levels: number): unknown => (levels === 0 ? { a: 1 } : { $not: deep(levels - 1) });
  test.each<[string, unknown, string[], string]>([
    ["no filter", "x", [], '"x" is no filter; write fields'],
    ["a list", [{ a: 1 }], [], "is no filter"],
    ["nothing", {}, [], "the filter has no condition"],
    ["a value that is a list", { a: ["x"] }, ["a"], "write {$in: [...]}"],
    ["an empty field", { a: {} }, ["a"], "the field has no condition"],
    [
      "a misspelled operator",
      { a: { $equals: 1 } },
      ["a", "$equals"],
      '"$equals" is no operator; known are $eq, $ne',
    ],
    [
      "an object as value",
      { address: { zip: "1" } },
      ["address", "zip"],
      'a field inside an object is written "/outer/inner"',
    ],
    [
      "not inside a field",
      { a: { $not: { $eq: 1 } } },
      ["a", "$not"],
      "write {$not: {field: …}} around the field",
    ],
    ["an operator without a field", { $gt: 1 }, ["$gt"], "write the field first"],
    ["an unknown operator without a field", { $nor: [] }, ["$nor"], '"$nor" is no operator'],
    ["a path that is none", { "/a~2": 1 }, ["/a~2"], "is no JSON Pointer"],
    ["and of no list", { $and: { a: 1 } }, ["$and"], "is no list of filters"],
    ["or of nothing", { $or: [] }, ["$or"], "is no list of filters"],
    [
      "a problem inside",
      { $or: [{ a: 1 }, { b: { $gt: true } }] },
      ["$or", "1", "b", "$gt"],
      "$gt true is not a number or a text",
    ],
    ["in of no list", { a: { $in: "x" } }, ["a", "$in"], '$in "x" is not a list of values'],
    ["in of lists", { a: { $in: [[1]] } }, ["a", "$in"], "a list of single values"],
    ["in of too many", { a: { $in: Array(1001).fill(1) } }, ["a", "$in"], "is not at most 1000 values long"],
    ["exists of a text", { a: { $exists: "yes" } }, ["a", "$exists"], '$exists "yes" is not true or false'],
    [
      "a beginning that is a number",
      { a: { $startsWith: 606 } },
      ["a", "$startsWith"],
      "$startsWith 606 is not a text",
    ],
    ["an integer that is rounded", { a: 2 ** 53 }, ["a"], "integers are compared up to 9007199254740991"],
    ["infinity", { a: { $lt: Number.POSITIVE_INFINITY } }, ["a", "$lt"], "is not a number of JSON"],
    ["too deep", deep(8), Array(8).fill("$not"), "nests deeper than 8 levels"],
    [
      "too many conditions",
      { $and: Array(101).fill({ a: 1 }) },
      [],
      "has 101 conditions, and 100 are the most",
    ],
  ])("%s", (_what, filter, path, message) => {
    const problems = checkFilter(filter);
    expect(problems.map((problem) => problem.path)).toContainEqual(path);
    expect(problems.map((problem) => problem.message).join("\n")).toContain(message);
  });

  test("what is just within the limits is taken", () => {
    expect(checkFilter(deep(7))).toEqual([]);
    expect(checkFilter({ $and: Array(100).fill({ a: 1 }) })).toEqual([]);
    expect(checkFilter({ a: { $in: Array(1000).fill(1) } })).toEqual([]);
  });
});

test("the fields of a filter are named with where they stand", () => {
  const filter = { a: 1, "/b/c": { $gt: 1 }, $not: { d: 1 }, $or: [{ e: 1 }, { $and: [{ f: 1 }] }] };
  expect(filterFields(filter)).toEqual([
    { path: ["a"], field: ["a"] },
    { path: ["/b/c"], field: ["b", "c"] },
    { path: ["$not", "d"], field: ["d"] },
    { path: ["$or", "0", "e"], field: ["e"] },
    { path: ["$or", "1", "$and", "0", "f"], field: ["f"] },
  ]);
});

const anything = fc.anything({ withBigInt: false, maxDepth: 3 });
const mostly = (good: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 30, arbitrary: good }, { weight: 1, arbitrary: anything });
const scalar = fc.constantFrom<unknown>("x", "", 1, 0, -0, null, true, 1e300);
const ordered = fc.constantFrom<unknown>("x", "", 1, 0);
const operators = fc.record(
  {
    ...{ $eq: mostly(scalar), $ne: mostly(scalar), $in: mostly(fc.array(scalar, { minLength: 1 })) },
    ...{ $gt: mostly(ordered), $gte: mostly(ordered), $lt: mostly(ordered), $lte: mostly(ordered) },
    ...{ $exists: mostly(fc.boolean()), $startsWith: mostly(fc.constantFrom("x", "")) },
  },
  { requiredKeys: [] },
);
const { filter } = fc.letrec<{ filter: unknown }>((tie) => {
  const field = fc.constantFrom("a", "b", "/a", "/b", "/a/0", "/a/b", "__proto__", "/__proto__", "$x", "/~");
  const list = fc.array(tie("filter"), { minLength: 1, maxLength: 2 });
  const inner = fc.record({ $and: list, $or: list, $not: tie("filter") }, { requiredKeys: [] });
  const fields = fc.dictionary(field, mostly(fc.oneof(scalar, operators)), { minKeys: 1, maxKeys: 2 });
  return {
    filter: fc.oneof(
      { maxDepth: 3 },
      fields,
      fc.tuple(fields, inner).map(([a, b]) => ({ ...a, ...b })),
    ),
  };
});

const payloads = fc.oneof(
  fc.dictionary(
    fc.constantFrom("a", "b", "__proto__"),
    fc.oneof(scalar, fc.array(scalar), fc.dictionary(fc.constant("b"), scalar)),
  ),
  fc.jsonValue({ maxDepth: 4 }),
);

test("whatever stands in topics.yaml, it is refused or a filter that judges any payload, and its negation the opposite", () => {
  let taken = 0;
  fc.assert(
    fc.property(mostly(filter), payloads, (written, payload) => {
      if (checkFilter(written).length > 0) return;
      taken++;
      filterFields(written as Filter);
      const result = compileFilter(written as Filter)(payload);
      expect(typeof result).toBe("boolean");
      expect(compileFilter({ $not: written })(payload)).toBe(!result);
      expect(compileFilter({ $and: [written, { $not: written }] })(payload)).toBe(false);
      expect(compileFilter({ $or: [written, { $not: written }] })(payload)).toBe(true);
    }),
    { numRuns: 3_000 },
  );
  expect(taken).toBeGreaterThan(300);
});
