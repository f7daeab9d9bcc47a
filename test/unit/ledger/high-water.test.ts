import { expect, test } from "vitest";
import { HighWater } from "../../../src/ledger/high-water.js";

test("a ledger that grows, or answers what was known when the call began, lost nothing", () => {
  const marks = new HighWater();
  expect(marks.compare("t", "0-0", "5-0")).toBeUndefined();
  // Two calls under way at once may be answered in any order.
  expect(marks.compare("t", "5-0", "7-1")).toBeUndefined();
  expect(marks.compare("t", "5-0", "6-0")).toBeUndefined();
  expect(marks.at("t")).toBe("7-1");
});

test("a ledger that ends before what it had confirmed lost it, which is told once", () => {
  const marks = new HighWater();
  marks.compare("t", "0-0", "7-1");
  expect(marks.compare("t", "7-1", "7-0")).toEqual({ topic: "t", known: "7-1", end: "7-0" });
  expect(marks.compare("t", "7-1", "7-0")).toBeUndefined(); // begun before it was told
  expect(marks.compare("t", "7-0", "7-0")).toBeUndefined();
  expect(marks.compare("t", "7-0", "0-0")).toMatchObject({ end: "0-0" });
  expect(marks.compare("u", "0-0", "0-0")).toBeUndefined();
});
