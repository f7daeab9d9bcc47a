import { describe, expect, test } from "vitest";
import { entry, refusalOf } from "./write-registry.js";

const v1 = {
  type: "object",
  properties: {
    status: { type: "string" },
    address: { type: "object", properties: { zip: { type: "string" } } },
    extra: { type: "object", additionalProperties: { type: "integer" } },
    tags: { type: "array", items: { type: "string" } },
  },
};
const v2 = { type: "object", properties: { newStatus: { type: "string" } } };

const refusal = (filter: string, version = "v1") =>
  refusalOf({
    "topics.yaml": entry("t", {
      schema: "v2",
      consumers: `[{name: a, version: ${version}, filter: ${filter}}]`,
    }),
    "schemas/t/v1.json": v1,
    "schemas/t/v2.json": v2,
    "schemas/t/v2.casts.yaml": "up: []\ndown: []\n",
  });

describe("a consumer's filter", () => {
  test.each([
    ["a field", "{status: Completed}"],
    ["a path", '{"/address/zip": {$startsWith: "606"}}'],
    ["a member that additionalProperties describes", '{"/extra/n": 1}'],
    ["an element of a list", '{"/tags/0": x}'],
    ["operators in each other", "{$or: [{status: {$in: [a, b]}}, {$not: {status: {$exists: true}}}]}"],
  ])("may ask for %s", async (_, filter) => {
    expect(await refusal(filter)).toBe("");
  });

  test.each([
    [
      "a field that is misspelled",
      "{staus: x}",
      'topics.yaml:6:54: the filter of a asks for "/staus", which schemas/t/v1.json does not describe (did you mean status?); write the path of a property',
    ],
    [
      "a path that leads nowhere",
      '{"/address/zop": x}',
      'the filter of a asks for "/address/zop", which schemas/t/v1.json',
    ],
    [
      "a field of another version",
      "{newStatus: x}",
      'asks for "/newStatus", which schemas/t/v1.json does not describe',
    ],
    ["a field deep inside", "{$or: [{status: x}, {$not: {stat: x}}]}", 'asks for "/stat", which'],
    ["an operator that is none", "{status: {$equals: x}}", 'in the filter of a, "$equals" is no operator'],
    ["an operand of another kind", "{status: {$in: x}}", 'in the filter of a, $in "x" is not'],
    ["nothing", "{}", 'topics.yaml:6:38: consumers[1].filter of t "{}" is not a filter'],
  ])("that asks for %s is refused with its place", async (_, filter, message) => {
    expect(await refusal(filter)).toContain(message);
  });

  test("is checked by the version its consumer is given", async () => {
    expect(await refusal("{newStatus: x}", "v2")).toBe("");
    expect(await refusal("{status: x}", "v2")).toContain(
      '"/status", which schemas/t/v2.json does not describe',
    );
  });
});
