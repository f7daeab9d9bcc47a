import { describe, expect, test } from "vitest";
import { breaking, classify, transitiveClass } from "../../../../src/registry/diff/compatibility.js";
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

test("transitive compatibility is what holds against each version", () => {
  const [full, backward, forward] = (["FULL", "BACKWARD", "FORWARD"] as const).map((one) => ({
    class: one,
    changes: [],
  }));
  expect(transitiveClass([full!, backward!])).toBe("BACKWARD");
  expect(transitiveClass([full!, forward!])).toBe("FORWARD");
  expect(transitiveClass([backward!, forward!])).toBe("BREAKING");
  expect(transitiveClass([])).toBe("FULL");
});

test("what breaks by chance only does not stand in the way of payloads, unless it is asked for", () => {
  const open = { type: "object", properties: {} };
  const change = classify(open, { type: "object", properties: { a: { type: "string" } } });
  expect(breaking(change, "up")).toEqual([]);
  expect(breaking(change, "up", true)).toMatchObject([{ path: "/a", breaks: "backward", lenient: true }]);
  expect(breaking(change, "down", true)).toEqual([]);
});

test("schemas that have no end are compared in finite time", () => {
  const endless = (kind: object) => ({
    type: "object",
    required: ["a"],
    properties: { a: { $ref: "#" }, k: kind },
  });
  const union = (...kinds: object[]) => ({
    type: "object",
    properties: { p: { oneOf: kinds.map((_, index) => ({ $ref: `#/$defs/${index}` })) } },
    $defs: Object.fromEntries(
      kinds.map((kind, index) => [
        index,
        { ...endless(kind), properties: { a: { $ref: `#/$defs/${index}` }, k: kind } },
      ]),
    ),
  });
  const [older, newer] = [union({}, { type: "string" }), union({ type: "string" }, {}, { type: "integer" })];
  expect(classify(older, newer).class).toBe("FORWARD"); // no payload fits, so the older one takes them all
  expect(classify(endless({}), endless({ type: "string" })).class).toBe("FORWARD");
});

test("schemas with very many alternatives are given up, which counts as breaking and is said", () => {
  const alternatives = Array.from({ length: 8 }, (_, index) => ({
    anyOf: [{ minimum: index }, { maximum: -index }, { multipleOf: index + 2 }],
  }));
  const wrap = (schema: object) => ({ type: "object", properties: { p: schema } });
  const change = classify(wrap({ allOf: alternatives }), wrap({ allOf: alternatives, minimum: 100 }));
  expect(change.class).toBe("FORWARD");
  expect(change.changes.map(({ what }) => what)).toContain(
    "the schemas are too intricate to be compared, which counts as breaking",
  );
});
