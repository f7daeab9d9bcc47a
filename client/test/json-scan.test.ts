import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memberSpan, stringMember } from "../src/json-scan.js";

const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
const name = fc.string({ unit: fc.constantFrom(..."abcé🙂{}[]:, ") });

/** JSON text of an object with space wherever it may stand, its members, and where their values stand. */
const objectText = fc
  .tuple(
    fc.uniqueArray(fc.tuple(name, fc.json()), { selector: ([member]) => member, maxLength: 8 }),
    fc.array(space, { minLength: 50, maxLength: 50 }),
  )
  .map(([members, spaces]) => {
    let next = 0;
    const gap = () => spaces[next++ % spaces.length]!;
    const written = members.map(
      ([member, value]) => `${gap()}${JSON.stringify(member)}${gap()}:${gap()}${value}${gap()}`,
    );
    return { text: `${gap()}{${written.length === 0 ? gap() : written.join(",")}}${gap()}`, members };
  });

describe("memberSpan", () => {
  test("finds the very text of each member, whatever stands around it", () => {
    fc.assert(
      fc.property(objectText, ({ text, members }) => {
        JSON.parse(text); // the generator makes JSON
        for (const [member, value] of members) {
          const span = memberSpan(text, member)!;
          expect(text.slice(span.start, span.end)).toBe(value.trim());
        }
        expect(memberSpan(text, "no such member")).toBeUndefined();
      }),
    );
  });

  test.each([
    ['{"payload":12345678901234567890,"id":"x"}', "12345678901234567890"],
    ['{"payload":{"s":"\\u00e9\\/","e":{},"a":[]}}', '{"s":"\\u00e9\\/","e":{},"a":[]}'],
    ['{"a":"\\\\\\"payload\\":1","payload":"}\\\\"}', '"}\\\\"'],
    ['{"p\\u0061yload":1.0}', "1.0"],
    ['{ "payload" : [ "]" , { } ] }', '[ "]" , { } ]'],
  ])("takes the payload out of %s as it stands", (text, expected) => {
    const span = memberSpan(text, "payload")!;
    expect(text.slice(span.start, span.end)).toBe(expected);
  });

  test("needs no stack for nesting", () => {
    const deep = "[".repeat(200_000) + "]".repeat(200_000);
    expect(memberSpan(`{"a":${deep},"payload":1}`, "payload")).toEqual({ start: 400_016, end: 400_017 });
  });

  test.each([
    "",
    "[]",
    "null",
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":"',
    '{"a":{"b":1}',
    '{"a" 1}',
    "{a:1}",
    '{"a":,"b":1}',
  ])("refuses %s with a typed error", (text) => {
    expect(() => memberSpan(text, "payload")).toThrow(
      expect.objectContaining({ code: "malformed_response" }),
    );
  });

  test("any text either has the member, or has not, or is refused with a typed error", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]":,\\ \n1ab') }), (text) => {
        try {
          memberSpan(`{${text}`, "a");
        } catch (error) {
          expect(error).toMatchObject({ code: "malformed_response" });
        }
      }),
    );
  });
});

test("stringMember gives strings unescaped and nothing else", () => {
  const text = '{"id":"a\\u0062","n":1,"plain":"x y"}';
  expect([stringMember(text, "id"), stringMember(text, "plain")]).toEqual(["ab", "x y"]);
  expect([stringMember(text, "n"), stringMember(text, "none")]).toEqual([undefined, undefined]);
});
