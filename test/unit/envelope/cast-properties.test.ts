import * as fc from "fast-check";
import { expect, test } from "vitest";
import { CastFailure, type CastStep, compileCasts } from "../../../src/envelope/cast.js";
import { sharedElements } from "../../../src/envelope/cast-steps.js";
import { JsonText } from "../../../src/envelope/json-text.js";

const pointer = (path: readonly string[]) =>
  path.map((token) => `/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
const odd = fc.constantFrom("a", "b", "c", "__proto__", "", "a/b~", "0", "1", "é", "constructor");
const token = fc.oneof({ weight: 5, arbitrary: odd }, { weight: 1, arbitrary: fc.constant("*") });
const path = fc.tuple(fc.array(token, { maxLength: 2 }), odd).map(([way, name]) => [...way, name]);
const scalar = fc.constantFrom<unknown>(1, "x", true, null, "é\u2028", 1e21);

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(odd, tie("value"), { maxKeys: 4 }),
  ),
}));

const disjoint = (a: string, b: string) => !`${a}/`.startsWith(`${b}/`) && !`${b}/`.startsWith(`${a}/`);
const step: fc.Arbitrary<CastStep> = fc.oneof(
  fc.record({ from: path.map(pointer), to: odd.filter((name) => name !== "") }).map((rename) => ({ rename })),
  fc
    .tuple(path, path)
    .filter(([from, to]) => disjoint(pointer(from), pointer(to)) && sharedElements(from, to) !== undefined)
    .map(([from, to]) => ({ move: { from: pointer(from), to: pointer(to) } })),
  fc.record({ path: path.map(pointer), value }).map((set) => ({ set })),
  fc.record({ path: path.map(pointer), value }).map((filled) => ({ default: filled })),
  path.map((dropped) => ({ drop: pointer(dropped) })),
  fc
    .record({
      path: path.map(pointer),
      values: fc.dictionary(fc.constantFrom("1", "x", "true", "null"), value, { minKeys: 1 }),
      otherwise: fc.oneof(fc.constantFrom("keep" as const, "fail" as const), fc.record({ value })),
    })
    .map((map) => ({ map })),
);

/** What `act` gives, or the failure; whatever else is thrown fails the test. */
function outcome<T>(act: () => T): T | CastFailure {
  try {
    return act();
  } catch (error) {
    if (error instanceof CastFailure) return error;
    throw error;
  }
}

test("whatever the payload and the steps, there is JSON or a CastFailure", () => {
  let cast = 0;
  fc.assert(
    fc.property(value, fc.array(step, { minLength: 1, maxLength: 6 }), fc.nat(2), (payload, up, indent) => {
      const result = outcome(() => compileCasts({ up }, "f").up(JSON.stringify(payload, null, indent)));
      if (result instanceof CastFailure) return;
      cast++;
      JSON.parse(result);
      JsonText.scan(result); // no member comes twice
    }),
    { numRuns: 3_000 },
  );
  expect(cast).toBeGreaterThan(1_000);
});

test("whatever any JSON text, renaming and dropping what it has not leaves its value", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 20 }), (text) => {
      const up: CastStep[] = [{ drop: "/no/such" }, { rename: { from: "/*/no such", to: "x" } }];
      expect(JSON.parse(compileCasts({ up }, "f").up(text))).toEqual(JSON.parse(text));
    }),
  );
});

test("a payload nested as deep as any parser goes is cast without recursion", () => {
  const deep = `${'{"a":['.repeat(50_000)}${"]}".repeat(50_000)}`;
  expect(compileCasts({ up: [{ rename: { from: "/a", to: "b" } }] }, "f").up(deep)).toBe(
    deep.replace("a", "b"),
  );
});

const names = ["a", "b", "c", "d"];
const spelled = fc.constantFrom(
  ...[
    "9007199254740993",
    "1.0",
    "-0",
    "1e3",
    "{}",
    "[]",
    "{ }",
    '{"x" : 1,\t"y":[ 1 ]}',
    '"\\u00e9\\/"',
    '"\u2028"',
    '"{,}"',
  ],
);

test("the text of untouched members stays byte for byte", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }),
      fc.array(spelled, { minLength: 4, maxLength: 4 }),
      fc.array(step, { minLength: 1, maxLength: 4 }),
      fc.constantFrom("", " ", "\t"),
      (untouched, texts, steps, space) => {
        const members = untouched.map((name, at) => `"keep ${name}"${space}:${space}${texts[at]}`);
        const payload = `{${space}${[...members, '"a":{"b":1}', '"b":[{"a":2}]'].join(`${space},${space}`)}${space}}`;
        const result = outcome(() => compileCasts({ up: steps }, "f").up(payload));
        if (result instanceof CastFailure) return;
        for (const member of members) expect(result).toContain(member);
      },
    ),
    { numRuns: 1_000 },
  );
});

test("renames and moves, undone in reverse, give the payload again", () => {
  const target = fc.constantFrom("x", "y", "z");
  const turns = fc.uniqueArray(
    fc.record({ from: fc.constantFrom(...names), to: target, inside: fc.boolean() }),
    { selector: ({ from }) => from, minLength: 1 },
  );
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names, "e"), value), turns, (payload, chosen) => {
      const renamed = chosen.filter(({ to }, at) => chosen.findIndex((other) => other.to === to) === at);
      const up = renamed.map(
        ({ from, to, inside }): CastStep =>
          inside
            ? { move: { from: `/${from}`, to: `/new/${to}/${from}` } }
            : { rename: { from: `/${from}`, to } },
      );
      const down = renamed
        .toReversed()
        .map(
          ({ from, to, inside }): CastStep =>
            inside
              ? { move: { from: `/new/${to}/${from}`, to: `/${from}` } }
              : { rename: { from: `/${to}`, to: from } },
        );
      const casts = compileCasts({ up, down }, "f");
      const there = casts.up(JSON.stringify(payload));
      for (const { from } of renamed) expect(Object.hasOwn(JSON.parse(there), from)).toBe(false);
      expect(JSON.parse(casts.down(there))).toEqual(JSON.parse(JSON.stringify(payload)));
    }),
    { numRuns: 1_000 },
  );
});
