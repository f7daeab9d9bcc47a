import { describe, expect, test } from "vitest";
import { classify } from "../../../../src/registry/diff/compatibility.js";
import type { CompatibilityClass } from "../../../../src/registry/diff/types.js";
import table from "../../../fixtures/schema-changes.json" with { type: "json" };

interface Row {
  readonly change: string;
  readonly class: CompatibilityClass;
  readonly older: object;
  readonly newer: object;
  /** By place, what breaks. */
  readonly changes: Readonly<Record<string, string>>;
  readonly confluentBackward: boolean;
  readonly deviation?: string;
}

const rows = table.changes as unknown as Row[];
const mirrored = { FULL: "FULL", BACKWARD: "FORWARD", FORWARD: "BACKWARD", BREAKING: "BREAKING" } as const;

test("the table has at least 40 changes, each once", () => {
  expect(rows.length).toBeGreaterThanOrEqual(40);
  expect(new Set(rows.map(({ change }) => change)).size).toBe(rows.length);
});

describe.each(rows)("$change", ({ class: expected, older, newer, changes, confluentBackward, deviation }) => {
  test(`is ${expected}, with what breaks at which place`, () => {
    const found = classify(older, newer);
    const told: Record<string, string> = {};
    for (const { path, breaks } of found.changes) {
      told[path] = told[path] === undefined || told[path] === breaks ? breaks : "both";
    }
    expect({ class: found.class, changes: told }).toEqual({ class: expected, changes });
    expect(found.changes.every(({ what }) => /^\S.*\S$/.test(what) && !what.includes("undefined"))).toBe(
      true,
    );
  });

  test("is the mirror image the other way round", () => {
    expect(classify(newer, older).class).toBe(mirrored[expected]);
  });

  test("agrees with Confluent's BACKWARD, or the table says why not", () => {
    const backward = expected === "FULL" || expected === "BACKWARD";
    expect(backward !== confluentBackward).toBe(deviation !== undefined);
  });
});
