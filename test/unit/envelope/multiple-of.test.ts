import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isMultipleOf } from "../../../src/envelope/multiple-of.js";
import { oneTopic } from "../registry/write-registry.js";
import { errorOf, normalize } from "./catalogue.js";

describe("a number is a multiple of another in its decimals", () => {
  test.each([
    [19.99, 0.01],
    [0.07, 0.01],
    [4.35, 0.01],
    [64.07, 0.01],
    [1e21, 0.01],
    [1e-7, 1e-7],
    [3e-7, 1e-8],
    [-19.99, 0.01],
    [0, 0.01],
    [7.5, 2.5],
    [9007199254740992, 1],
  ])("%d of %d", (value, divisor) => {
    expect(isMultipleOf(value, divisor)).toBe(true);
  });

  test.each([
    [19.991, 0.01],
    [0.005, 0.01],
    [1e-8, 1e-7],
    [7, 2.5],
    [5, 2],
    [Number("1e400"), 1],
    [999999999.999, 0.01],
  ])("and %d is none of %d", (value, divisor) => {
    expect(isMultipleOf(value, divisor)).toBe(false);
  });

  test("whatever number of cents is written with a point, and none with half a cent more", () => {
    fc.assert(
      fc.property(fc.integer({ min: -(10 ** 12), max: 10 ** 12 }), (cents) => {
        const text = `${cents < 0 ? "-" : ""}${Math.trunc(Math.abs(cents) / 100)}.${String(Math.abs(cents) % 100).padStart(2, "0")}`;
        expect(isMultipleOf(Number(text), 0.01)).toBe(true);
        expect(isMultipleOf(Number(`${text}5`), 0.01)).toBe(false);
      }),
    );
  });
});

test("a payload's amount of cents passes its schema, and half a cent is refused with its path", async () => {
  const registry = await oneTopic({
    type: "object",
    properties: { amount: { type: "number", multipleOf: 0.01 } },
  });
  expect(normalize(registry, '{"amount":19.99}').version).toBe(1);
  const { details } = errorOf(() => normalize(registry, '{"amount":19.995}'));
  expect(details.errors).toEqual([{ path: "/amount", message: "must be multiple of 0.01" }]);
});

test("a step that is none is refused with the schema", async () => {
  await expect(
    oneTopic({ type: "object", properties: { n: { type: "number", multipleOf: 0 } } }),
  ).rejects.toThrow(/multipleOf/);
});
