import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type JsonNode, JsonText, parseJson } from "../../../src/envelope/json-text.js";
import { applyEdits, type Edit } from "../../../src/envelope/text-edits.js";
import { errorOf } from "./catalogue.js";

/** Any JSON text: spacing, escapes and spellings that JSON.stringify never writes, names that are unique. */
const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string; object: string }>((tie) => {
  const space = fc.constantFrom("", " ", "\n", "\t ", "\r\n");
  const string = fc.oneof(
    fc.string({ unit: "grapheme" }).map((text) => JSON.stringify(text)),
    fc.constantFrom(
      '"\\u00e9"',
      '"\\/"',
      '"\\\\"',
      '"\\\\\\""',
      '"{[,:]}"',
      '"__proto__"',
      '"é\u2028😀"',
      '"\\ud83d"',
    ),
  );
  const number = fc.constantFrom(
    "0",
    "-0",
    "1.0",
    "1e3",
    "1E+2",
    "9007199254740993",
    "-12345678901234567890",
    "1e400",
  );
  const literal = fc.constantFrom("true", "false", "null");
  const spaced = (value: fc.Arbitrary<string>) =>
    fc.tuple(space, value, space).map((parts) => parts.join(""));
  const inner = spaced(tie("value"));
  return {
    value: fc.oneof({ maxDepth: 4 }, number, literal, string, array(inner), tie("object")),
    object: fc
      .uniqueArray(fc.tuple(spaced(string), inner), {
        maxLength: 12,
        selector: ([name]) => JSON.parse(name) as string,
      })
      .map((members) => `{${members.map((member) => member.join(":")).join(",")}}`),
  };
}).object;

function array(element: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.array(element, { maxLength: 5 }).map((elements) => `[${elements.join(",")}]`);
}

/** The value that the scan finds at a node, put together from its spans. */
function rebuilt(json: JsonText, node: JsonNode): unknown {
  if (!json.isObject(node) && !json.isArray(node)) return JSON.parse(json.slice(node));
  const entries: [string | undefined, unknown][] = [];
  for (let child = json.firstChild(node); child < json.after(node); child = json.after(child)) {
    entries.push([json.name(child), rebuilt(json, child)]);
  }
  return json.isObject(node) ? Object.fromEntries(entries) : entries.map(([, value]) => value);
}

function nodesOf(json: JsonText): JsonNode[] {
  return Array.from({ length: json.after(0) }, (_, node) => node);
}

describe("a scan", () => {
  test("finds every value where it stands, whatever the spelling", () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        expect(rebuilt(JsonText.scan(text), 0)).toEqual(JSON.parse(text));
      }),
    );
  });

  test("finds by pointer what JSON.parse finds by member and index", () => {
    const json = JsonText.scan('{"a/b":[1,{"":"x","~":[true]}],"é":{}}');
    const at = (...path: string[]) => {
      const node = json.find(path);
      return node === undefined ? undefined : json.slice(node);
    };
    expect(at()).toBe(json.text);
    expect(at("a/b", "0")).toBe("1");
    expect(at("a/b", "1", "")).toBe('"x"');
    expect(at("a/b", "1", "~", "0")).toBe("true");
    expect(at("é")).toBe("{}");
    for (const path of [["a/b", "2"], ["a/b", "01"], ["a/b", "-"], ["é", "x"], ["a/b", "0", "x"], ["nope"]]) {
      expect(at(...path)).toBeUndefined();
    }
  });

  test("of text that is not JSON ends, and nothing but our own error leaves it", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]":,\\ 1ax') }), (text) => {
        try {
          JsonText.scan(text);
        } catch (error) {
          expect(error).toMatchObject({
            code: expect.stringMatching(/too_deep|duplicate_member|malformed_json/),
          });
        }
      }),
      { examples: [["{{}1}"], [`{${"{}".repeat(30)}}`]] },
    );
  });

  test.each([
    ["64 levels are taken", `${"[".repeat(64)}${"]".repeat(64)}`, undefined],
    ["65 levels are too deep", `${"[".repeat(65)}${"]".repeat(65)}`, "too_deep"],
    ["siblings do not add up", `[${"[],".repeat(100)}[]]`, undefined],
    ["the same name twice", '{"a":1,"a":2}', "duplicate_member"],
    ["the same name twice, once escaped", '{"a":1,"\\u0061":2}', "duplicate_member"],
    [
      "the same name twice among many",
      `{${Array.from({ length: 20 }, (_, i) => `"n${i % 19}":1`).join()}}`,
      "duplicate_member",
    ],
    ["the same name twice deep inside", '{"x":[{"a":{"b":1,"b":1}}]}', "duplicate_member"],
    ["__proto__ twice", '{"__proto__":1,"__proto__":2}', "duplicate_member"],
    ["the same name in different objects", '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}', undefined],
    ["a name that is also a value", '{"a":"a","b":"a"}', undefined],
  ])("%s", (_, text, code) => {
    const scan = () => JsonText.scan(text);
    if (code === undefined) expect(rebuilt(scan(), 0)).toEqual(JSON.parse(text));
    else expect(errorOf(scan).code).toBe(code);
  });
});

describe("edits", () => {
  test("replacing values changes these and keeps every other byte", () => {
    fc.assert(
      fc.property(jsonText, fc.infiniteStream(fc.boolean()), (text, choices) => {
        const json = JsonText.scan(text);
        const leaves = nodesOf(json).filter((node) => json.after(node) === node + 1 && node > 0);
        const chosen = leaves.filter(() => choices.next().value);
        const edits = chosen.map((node) => ({ start: json.start(node), end: json.end(node), text: '"§"' }));
        const edited = applyEdits(text, edits.toReversed());
        expect(rebuilt(JsonText.scan(edited), 0)).toEqual(JSON.parse(edited));
        let kept = text;
        for (const { start, end } of edits.toReversed()) kept = kept.slice(0, start) + kept.slice(end);
        expect(edited.split('"§"').join("")).toBe(kept);
      }),
    );
  });

  test("removing any member leaves JSON without it, and its neighbours' bytes", () => {
    fc.assert(
      fc.property(jsonText, fc.nat(), (text, seed) => {
        const json = JsonText.scan(text);
        const members: JsonNode[] = [];
        for (let child = json.firstChild(0); child < json.after(0); child = json.after(child))
          members.push(child);
        fc.pre(members.length > 0);
        const removed = members[seed % members.length]!;
        const edited = applyEdits(text, [json.removal(0, removed)]);
        const expected = Object.fromEntries(
          Object.entries(JSON.parse(text) as object).filter(([name]) => name !== json.name(removed)),
        );
        expect(JSON.parse(edited)).toEqual(expected);
        const rest = JsonText.scan(edited);
        const slices = (of: JsonText, nodes: JsonNode[]) => nodes.map((node) => of.slice(node)).toSorted();
        const left: JsonNode[] = [];
        for (let child = rest.firstChild(0); child < rest.after(0); child = rest.after(child))
          left.push(child);
        expect(slices(rest, left)).toEqual(
          slices(
            json,
            members.filter((member) => member !== removed),
          ),
        );
      }),
    );
  });

  test("insertions at one place stay in the order given", () => {
    const at = (text: string): Edit => ({ start: 1, end: 1, text });
    expect(applyEdits("[]", [at("1"), at(",2"), at(",3")])).toBe("[1,2,3]");
  });
});

describe("what is not JSON is malformed_json, and the message quotes none of it", () => {
  test.each([
    ["nothing", ""],
    ["an open brace", "{"],
    ["a broken literal", "nul"],
    ["single quotes", "{'secret':1}"],
    ["a leading zero", '{"a":01}'],
    ["a comma too many", '{"a":1,}'],
    ["a raw control character", '"\u0001"'],
    ["a byte order mark", "\ufeff{}"],
    ["NaN", "NaN"],
    ["a missing comma", "[1 2]"],
    ["200,000 open brackets", "[".repeat(200_000)],
  ])("%s", (_, text) => {
    const error = errorOf(() => parseJson(text));
    expect(error).toMatchObject({ code: "malformed_json", status: 400 });
    expect(error.cause).toBeUndefined();
    expect(error.message).toMatch(
      /^the payload is not JSON( \(it breaks at character \d+\))?; send JSON text as in RFC 8259$/,
    );
  });
});
