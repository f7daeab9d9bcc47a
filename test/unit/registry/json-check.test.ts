import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonFault } from "../../../src/registry/json-check.js";

describe("the first fault of a JSON text", () => {
  test.each([
    ['{"a": 1,}', 8, 'is not JSON: "}" stands where a name in double quotes must be; correct it'],
    ['{"a":}', 5, 'is not JSON: "}" stands where a value must be; correct it'],
    ['{"a":tru}', 5, 'is not JSON: "tru" stands where a value must be; correct it'],
    ['{"a" 1}', 5, 'is not JSON: "1" stands where ":" must be; correct it'],
    [
      '{"a":1 "b":2}',
      7,
      'is not JSON: ""b"" stands where a comma or the closing bracket must be; correct it',
    ],
    ["{'a':1}", 1, `is not JSON: "'" stands where a name in double quotes or "}" must be; correct it`],
    ["[1,]", 3, 'is not JSON: "]" stands where a value must be; correct it'],
    ['{"a":[1}', 7, 'is not JSON: "}" stands where a comma or the closing bracket must be; correct it'],
    ["{}}", 2, 'is not JSON: "}" stands where the end of the file must be; correct it'],
    ["{}\n// done", 3, 'is not JSON: "/" stands where the end of the file must be; correct it'],
    ["", 0, "is not JSON: it ends where a value must be; correct it"],
    ['{"a":"x', 5, 'is not JSON: ""x" stands where a value must be; correct it'],
    ['{"a":01}', 5, 'is not JSON: "01" stands where a value must be; correct it'],
    ['{"a":1,"\\u0061":2}', 7, 'has the member "a" twice in one object; keep one'],
    [`${"[".repeat(65)}`, 64, "nests deeper than 64 levels; flatten it"],
  ])("%s", (text, offset, what) => {
    const fault = jsonFault(text);
    expect(fault?.offset).toBe(offset);
    expect(fault?.what.replaceAll('\\"', '"')).toBe(what);
  });

  test("there is one exactly where JSON.parse refuses, whatever is done to a text", () => {
    const parses = (text: string) => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    };
    const piece = fc.constantFrom(
      ...'{}[],:"\\u0a- \n.e+',
      "1",
      "-0",
      "1e5",
      "true",
      "null",
      '"x"',
      "\u0001",
      "é",
    );
    const edited = fc
      .tuple(fc.json({ maxDepth: 3 }), fc.nat(200), fc.nat(2), piece)
      .map(([text, at, length, inserted]) => text.slice(0, at) + inserted + text.slice(at + length));
    fc.assert(
      fc.property(
        fc.oneof(
          edited,
          fc.json(),
          fc.array(piece).map((pieces) => pieces.join("")),
        ),
        (text) => {
          const fault = jsonFault(text);
          if (fault?.what.startsWith("has the member")) return;
          expect(fault === undefined).toBe(parses(text));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
