import * as fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { EventInput } from "../../../src/envelope/types.js";
import type { Registry } from "../../../src/registry/registry.js";
import { oneTopic, openSchema } from "../registry/write-registry.js";
import { errorOf, normalize } from "./catalogue.js";

let open: Registry;
beforeAll(async () => {
  open = await oneTopic(openSchema);
});

const object = (properties: object, more: object = {}) => ({ type: "object", properties, ...more });

describe("what is refused", () => {
  test.each<[string, string, Partial<EventInput>, string, number, string]>([
    ["an unknown topic", "{}", { topic: "x" }, "unknown_topic", 404, '"x" is no topic of topics.yaml'],
    [
      "a topic named like a member of every object",
      "{}",
      { topic: "__proto__" },
      "unknown_topic",
      404,
      "is no topic",
    ],
    [
      "a producer that is not listed",
      "{}",
      { source: "city-health" },
      "producer_not_listed",
      403,
      '"city-health" is not among the producers of t; add it there in topics.yaml',
    ],
    ["an unknown version", "{}", { version: 2 }, "unknown_version", 422, "t has no version 2; send one of 1"],
    ["malformed JSON", "{", {}, "malformed_json", 400, "is not JSON"],
    ["a line break inside a number", '{"a":1\n2}', {}, "malformed_json", 400, "is not JSON"],
    ["a line break inside a string", '{"a":"b\nc"}', {}, "malformed_json", 400, "is not JSON"],
    ["an array", "[]", {}, "not_an_object", 422, "the payload is an array; send a JSON object"],
    ["a string", '"x"', {}, "not_an_object", 422, "the payload is a string"],
    ["null", "null", {}, "not_an_object", 422, "the payload is null"],
    ["a member twice", '{"a":1,"a":1}', {}, "duplicate_member", 422, '"a" twice'],
    [
      "depth 200,000",
      `${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}`,
      {},
      "too_deep",
      422,
      "deeper than 64 levels",
    ],
    ["half a surrogate pair", '{"a":"\ud83d"}', {}, "invalid_utf8", 400, "half of a surrogate pair"],
    ["an empty id", "{}", { id: "" }, "invalid_id", 400, 'the id "" is not 1 to 256 printable characters'],
    ["an id with a line feed", "{}", { id: "a\nb" }, "invalid_id", 400, 'the id "a\\nb" is not'],
    ["an id that is too long", "{}", { id: "x".repeat(257) }, "invalid_id", 400, "is not 1 to 256"],
    ["an empty type", "{}", { type: "" }, "invalid_type", 400, 'the type "" is not'],
    [
      "a time without offset",
      "{}",
      { time: "2024-04-23 15:02:11" },
      "invalid_time",
      400,
      'the time "2024-04-23 15:02:11" is not RFC 3339',
    ],
  ])("%s", (_, payload, changes, code, status, message) => {
    const error = errorOf(() => normalize(open, payload, changes));
    expect(error).toMatchObject({ code, status, retryable: false });
    expect(error.message).toContain(message);
  });

  test("a violation lists every error with its path, and its message the first three", async () => {
    const number = { type: "integer" };
    const registry = await oneTopic(object({ a: number, b: number, c: number, d: number }));
    const error = errorOf(() => normalize(registry, '{"a":"1","b":"2","c":"3","d":"4"}'));
    expect(error).toMatchObject({ code: "schema_violation", status: 422 });
    expect(error.details.errors).toHaveLength(4);
    expect(error.message).toBe(
      "the payload does not fit schemas/t/v1.json: /a must be integer; /b must be integer; /c must be integer; and 1 more",
    );
  });

  test("no payload, however broken, gets anything out but an envelope or one of our errors", () => {
    const text = fc.oneof(
      fc.json(),
      fc.string({ unit: fc.constantFrom(...'{}[]":,\\ 1ae\n') }),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(text, (payload) => {
        try {
          expect(JSON.parse(normalize(open, payload).text)).toMatchObject({
            topic: "t",
            payload: JSON.parse(payload),
          });
        } catch (error) {
          if (!(error as { code?: string }).code) throw error;
        }
      }),
    );
  });
});
