import * as fc from "fast-check";
import { expect, test } from "vitest";
import { CastFailure } from "../../../src/envelope/cast.js";
import { HmsSyncError } from "../../../src/errors.js";
import { readCasts } from "../../../src/registry/casts/read-casts.js";
import { Problems } from "../../../src/registry/problems.js";
import type { TopicSchema } from "../../../src/registry/types.js";
import { entry, registryOf } from "./write-registry.js";

const schema = {
  type: "object",
  properties: { a: {}, b: { type: "array", items: {} }, c: { type: "object" } },
};
const valid = `up:
  - rename: {from: /a, to: b}
  - move: {from: /b/*/x, to: /b/*/y/z}
  - set: {path: /c/x, value: 1}
  - default: {path: /c, value: {x: [1, null]}}
  - map: {path: /a, values: {x: y, 1: 2}, otherwise: {value: z}}
down:
  - drop: /c
examples:
  - {v1: {}, v2: {c: {x: 1}}}
`;

const inserted = fc.oneof(
  fc.constantFrom(
    "\n",
    "  ",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "!!js ",
    "---\n",
    "\t",
    "'",
    '"',
    "#",
    "~",
  ),
  fc.constantFrom(
    "/a",
    "/",
    "*",
    "null",
    "-1",
    ".nan",
    "1e400",
    "up",
    "only: up",
    "set",
    "__proto__: ",
    "fail",
    "keep",
  ),
  fc.string({ unit: "binary", maxLength: 3 }),
);
const text = fc
  .array(fc.tuple(fc.nat(valid.length), fc.nat(8), inserted), { maxLength: 3 })
  .map((edits) =>
    edits.reduce(
      (edited, [at, length, piece]) => edited.slice(0, at) + piece + edited.slice(at + length),
      valid,
    ),
  );
const payload = fc.dictionary(fc.constantFrom("a", "b", "c", "x"), fc.jsonValue({ maxDepth: 3 }));

test("whatever is done to a casts file, it is refused or gives casts that take any payload", async () => {
  const files = { "topics.yaml": entry("t"), "schemas/t/v1.json": schema };
  const known = (await registryOf(files)).topics.get("t")!.schemas.get(1)!;
  const side = fc.constantFrom<TopicSchema | undefined>(known, undefined);
  let taken = 0;
  fc.assert(
    fc.property(text, payload, side, side, (edited, given, older, newer) => {
      const problems = new Problems();
      const casts = readCasts({ file: "v2.casts.yaml", text: edited, version: 2, older, newer }, problems);
      try {
        problems.throwIfAny();
      } catch (error) {
        if (!(error instanceof HmsSyncError)) throw error;
        expect(error.message).toMatch(/^v2\.casts\.yaml:\d+:\d+: ./);
        return;
      }
      taken++;
      for (const direction of ["up", "down"] as const) {
        try {
          JSON.parse(casts![direction](JSON.stringify(given)));
        } catch (error) {
          if (!(error instanceof CastFailure)) throw error;
        }
      }
    }),
    { numRuns: 2_000 },
  );
  expect(taken).toBeGreaterThan(100);
});
