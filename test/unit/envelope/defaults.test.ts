import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { oneTopic } from "../registry/write-registry.js";
import { errorOf, normalize, payloadOf } from "./catalogue.js";

const object = (properties: object, more: object = {}) => ({ type: "object", properties, ...more });

describe("defaults", () => {
  test.each<[string, object, string, string]>([
    [
      "go where the schema's order has them",
      object({ a: {}, b: { default: 2 }, c: {}, d: { default: 4 } }),
      '{"c":3,"a":1}',
      '{"c":3,"d":4,"a":1,"b":2}',
    ],
    [
      "go to the beginning when nothing is listed before",
      object({ a: { default: 1 }, b: { default: 2 }, c: {} }),
      '{"c":3}',
      '{"a":1,"b":2,"c":3}',
    ],
    [
      "go behind one another",
      object({ a: {}, b: { default: 2 }, c: { default: 3 } }),
      '{"a":1}',
      '{"a":1,"b":2,"c":3}',
    ],
    ["fill an empty object", object({ a: { default: 1 }, b: { default: 2 } }), "{ }", '{"a":1,"b":2 }'],
    [
      "leave what is there, null included",
      object({ a: { default: 1 }, b: { default: 2 } }),
      '{"a":null,"b":false}',
      '{"a":null,"b":false}',
    ],
    [
      "may be any JSON",
      object({ a: { default: { x: [1, "é", null] } }, b: { default: "" } }),
      "{}",
      '{"a":{"x":[1,"é",null]},"b":""}',
    ],
    [
      "reach into objects that are there",
      object({ a: object({ b: { default: 1 } }) }),
      '{"a":{}}',
      '{"a":{"b":1}}',
    ],
    ["do not make objects that are not there", object({ a: object({ b: { default: 1 } }) }), "{}", "{}"],
    [
      "reach into items",
      object({ a: { type: "array", items: object({ b: { default: 1 } }) } }),
      '{"a":[{},{"b":2},3]}',
      "",
    ],
    [
      "reach into prefixItems and the items after them",
      object({
        a: {
          type: "array",
          prefixItems: [true, object({ b: { default: 1 } })],
          items: object({ c: { default: 2 } }),
          minItems: 2,
        },
      }),
      '{"a":[{},{},{}]}',
      '{"a":[{},{"b":1},{"c":2}]}',
    ],
    [
      "reach through $ref",
      object({ a: { $ref: "#/$defs/x" } }, { $defs: { x: { default: 1 } } }),
      "{}",
      '{"a":1}',
    ],
    [
      "reach through $ref with percent and tilde",
      object({ a: { $ref: "#/$defs/x~1%20y" } }, { $defs: { "x/ y": { default: 1 } } }),
      "{}",
      '{"a":1}',
    ],
    [
      "reach through allOf",
      { type: "object", allOf: [object({ a: { default: 1 } }), object({ b: { default: 2 } })] },
      "{}",
      '{"a":1,"b":2}',
    ],
    [
      "reach through a recursive schema",
      object({ a: { default: 1 }, child: { $ref: "#" } }),
      '{"child":{"child":{}}}',
      '{"a":1,"child":{"a":1,"child":{"a":1}}}',
    ],
    [
      "reach into what may be null",
      object({ a: { anyOf: [{ type: "null" }, object({ b: { default: 1 } })] } }),
      '{"a":{}}',
      '{"a":{"b":1}}',
    ],
    [
      "leave null alone in what may be null",
      object({ a: { anyOf: [{ type: "null" }, object({ b: { default: 1 } })] } }),
      '{"a":null}',
      '{"a":null}',
    ],
    [
      "go to members named like those of every object",
      object({ constructor: { default: 1 }, toString: { default: 2 } }),
      "{}",
      '{"constructor":1,"toString":2}',
    ],
    [
      "know a member by its name however it is escaped",
      object({ a: { default: 1 } }),
      '{"\\u0061":2}',
      '{"\\u0061":2}',
    ],
  ])("%s", async (_, schema, payload, expected) => {
    const registry = await oneTopic(schema);
    const normalized = () => payloadOf(normalize(registry, payload));
    if (expected === "") expect(errorOf(normalized).message).toContain("/a/2 must be object");
    else expect(normalized()).toBe(expected);
  });

  test("are inserted without touching a byte of the members that are there", async () => {
    const names = ["a", "b", "c", "d", "e"];
    const registry = await oneTopic(
      object(Object.fromEntries(names.map((name) => [name, { default: name }]))),
    );
    const value = fc.constantFrom("1.0", '"\\u00e9"', "9007199254740993", "[ ]", '{"a":1}', "null");
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.constantFrom(...names, "x", "y"), value), { selector: ([name]) => name }),
        (members) => {
          const written = members.map(([name, text]) => `"${name}":${text}`);
          const payload = payloadOf(normalize(registry, `{${written.join()}}`));
          const missing = names.filter((name) => !members.some(([present]) => present === name));
          expect(JSON.parse(payload)).toEqual({
            ...Object.fromEntries(missing.map((name) => [name, name])),
            ...(JSON.parse(`{${written.join()}}`) as object),
          });
          let rest = payload;
          for (const name of missing)
            rest = rest.replace(new RegExp(`,"${name}":"${name}"|"${name}":"${name}",?`), "");
          expect(rest).toBe(`{${written.join()}}`);
        },
      ),
    );
  });
});
