import { describe, expect, test } from "vitest";
import { entry, oneTopic, registryOf } from "../registry/write-registry.js";
import { errorOf, normalize, payloadOf } from "./catalogue.js";

const dateTime = { type: "string", format: "date-time" };
const object = (properties: object, more: object = {}) => ({ type: "object", properties, ...more });

describe("date-times", () => {
  test.each<[string, object, string, string]>([
    [
      "in a property",
      object({ at: dateTime }),
      '{"at":"2024-04-23 15:02:11"}',
      '{"at":"2024-04-23T20:02:11Z"}',
    ],
    [
      "escaped",
      object({ at: dateTime }),
      '{"at":"2024-04-23\\u002015:02:11"}',
      '{"at":"2024-04-23T20:02:11Z"}',
    ],
    [
      "that are RFC 3339 already: byte for byte",
      object({ at: dateTime }),
      '{"at":"2020-01-01T00:00:00.000000+05:00"}',
      '{"at":"2020-01-01T00:00:00.000000+05:00"}',
    ],
    [
      "in any string that the schema calls otherwise: not",
      object({ at: { type: "string" } }),
      '{"at":"2024-04-23 15:02:11"}',
      '{"at":"2024-04-23 15:02:11"}',
    ],
    [
      "in what may be null by type",
      object({ at: { type: ["string", "null"], format: "date-time" } }),
      '{"at":"2024-04-23 15:02:11"}',
      '{"at":"2024-04-23T20:02:11Z"}',
    ],
    [
      "in what may be null by oneOf",
      object({ at: { oneOf: [dateTime, { type: "null" }] } }),
      '{"at":"2024-04-23 15:02:11"}',
      '{"at":"2024-04-23T20:02:11Z"}',
    ],
    [
      "in items and nested objects",
      object({ a: { type: "array", items: object({ at: dateTime }) } }),
      '{"a":[{"at":"2024-04-23 15:02:11"},{}]}',
      '{"a":[{"at":"2024-04-23T20:02:11Z"},{}]}',
    ],
    [
      "in members that properties does not name",
      object({ a: true }, { additionalProperties: dateTime }),
      '{"a":"2024-04-23 15:02:11","b":"2024-04-23 15:02:11"}',
      '{"a":"2024-04-23 15:02:11","b":"2024-04-23T20:02:11Z"}',
    ],
    [
      "in members that a pattern may describe otherwise: not",
      object({}, { patternProperties: { "^s": { type: "string" } }, additionalProperties: dateTime }),
      '{"s":"2024-04-23 15:02:11"}',
      '{"s":"2024-04-23 15:02:11"}',
    ],
    [
      "that another schema of the same property asks for",
      {
        type: "object",
        allOf: [object({ at: { type: "string" } }), object({ at: { $ref: "#/$defs/t" } })],
        $defs: { t: dateTime },
      },
      '{"at":"2024-04-23 15:02:11"}',
      '{"at":"2024-04-23T20:02:11Z"}',
    ],
    [
      "and a default in one payload",
      object({ s: { default: "x" }, at: dateTime }),
      '{"at":"2024-04-23 15:02:11"}',
      '{"s":"x","at":"2024-04-23T20:02:11Z"}',
    ],
  ])("%s", async (_, schema, payload, expected) => {
    const registry = await oneTopic(schema);
    expect(payloadOf(normalize(registry, payload, { timezone: "America/Chicago" }))).toBe(expected);
  });

  test("that are no dates stay as they are and are refused by the schema", async () => {
    const registry = await oneTopic(object({ at: dateTime }));
    expect(errorOf(() => normalize(registry, '{"at":"2024-02-30 00:00:00"}'))).toMatchObject({
      code: "schema_violation",
      details: { errors: [{ path: "/at", message: 'must match format "date-time"' }] },
    });
  });

  test.each([
    ["the event's", "Asia/Tokyo", "2024-04-23T06:02:11Z"],
    ["the one that topics.yaml states for the source", undefined, "2024-04-23T20:02:11Z"],
    ["the same when the event's is empty", "", "2024-04-23T20:02:11Z"],
  ])("are read in a time zone: %s", async (_, timezone, expected) => {
    const registry = await registryOf({
      "topics.yaml": `$systems: {hms-api: {timezone: America/Chicago}}\n${entry("t")}`,
      "schemas/t/v1.json": object({ at: dateTime }),
    });
    const changes = timezone === undefined ? {} : { timezone };
    expect(payloadOf(normalize(registry, '{"at":"2024-04-23 15:02:11"}', changes))).toBe(
      `{"at":"${expected}"}`,
    );
  });

  test("are read in UTC when nobody states a time zone", async () => {
    const registry = await oneTopic(object({ at: dateTime }));
    expect(payloadOf(normalize(registry, '{"at":"2024-04-23 15:02:11"}'))).toBe(
      '{"at":"2024-04-23T15:02:11Z"}',
    );
  });
});
