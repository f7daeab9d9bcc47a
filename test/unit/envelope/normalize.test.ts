import { createHash } from "node:crypto";
import { join } from "node:path";
import * as fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { normalizeBroadcast } from "../../../src/envelope/normalize.js";
import type { Broadcast, EventInput } from "../../../src/envelope/types.js";
import { loadRegistry } from "../../../src/registry/load.js";
import type { Registry } from "../../../src/registry/registry.js";
import { entry, oneTopic, openSchema, registryOf } from "../registry/write-registry.js";
import { errorOf, normalize, payloadOf } from "./catalogue.js";

let open: Registry;
beforeAll(async () => {
  open = await oneTopic(openSchema);
});

describe("the topic of this repository", () => {
  let registry: Registry;
  beforeAll(async () => {
    registry = await loadRegistry(join(import.meta.dirname, "../../../topics.yaml"));
  });

  test("turns the seed event into exactly the design's envelope", () => {
    const event = normalize(
      registry,
      '{"inspectionId":42,"completedBy":"INSPECTOR_1337","timestamp":"2024-04-23 15:02:11"}',
      {
        topic: "inspections.status",
        id: "0190",
        type: "App\\Events\\InspectionCompleted",
        time: "2024-04-23T15:02:11.000000+00:00",
        timezone: "UTC",
      },
    );
    expect(event.text).toBe(
      '{"topic":"inspections.status","version":1,' +
        '"payload":{"inspectionId":42,"newStatus":"Completed","completedBy":"INSPECTOR_1337","timestamp":"2024-04-23T15:02:11Z"},' +
        '"qos":"exactly_once","replayable_until":"2024-04-30T15:02:11Z",' +
        '"id":"0190","source":"hms-api","type":"App\\\\Events\\\\InspectionCompleted","time":"2024-04-23T15:02:11Z"}',
    );
  });

  test("takes the event that the README publishes by hand", () => {
    const payload = '{"inspectionId":99,"newStatus":"Completed"}';
    const event = normalize(registry, payload, {
      topic: "inspections.status",
      source: "cli",
      anyTopic: true,
    });
    expect(payloadOf(event)).toBe(payload);
  });
});

describe("a payload arrives as Laravel wrote it", () => {
  test.each([
    ["integers beyond 2^53", '{"n":9007199254740993,"m":-12345678901234567890}'],
    ["number spelling", '{"a":1.0,"b":1e3,"c":1E+2,"d":-0,"e":0.10}'],
    ["an empty object and an empty array", '{"o":{},"a":[]}'],
    ["escapes", '{"a":"\\u00e9\\/\\"\\\\ \\ud83d\\ude00","\\u0062":1}'],
    ["unicode", '{"é":"😀\u2028\u2029"}'],
    ["the order of members", '{"z":1,"a":2,"1":3}'],
    ["spaces on a line", '{ "a" : [ 1 , 2 ] }'],
    ["__proto__ and its like", '{"__proto__":{"x":1},"constructor":{"prototype":1},"toString":1}'],
    ["socket, which only the pub/sub door removes", '{"socket":"1.2"}'],
    ["nothing", "{}"],
  ])("%s", (_, payload) => {
    expect(payloadOf(normalize(open, payload))).toBe(payload);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  test("except for line breaks between its tokens, since an envelope is one line", () => {
    const event = normalize(open, '\n{\r\n  "a": "x\\ny",\n\n\t"b": [\n1\n]\n}\n');
    expect(payloadOf(event)).toBe('{"a": "x\\ny","b": [1]}');
    expect(event.text).not.toMatch(/[\r\n]/);
  });
});

const dateTime = { type: "string", format: "date-time" };
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

describe("the envelope", () => {
  test("has subject and traceparent when there are such, in this order, at its end", () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const { text, key } = normalize(open, "{}", { subject: "42", traceparent });
    expect(text).toContain(`,"time":"2024-04-23T15:02:11Z","subject":"42","traceparent":"${traceparent}"}`);
    expect(key).toBe("42");
  });

  test("leaves out an empty subject and a traceparent that is none", () => {
    const { text, key } = normalize(open, "{}", { subject: "", traceparent: '00-x","topic":"y' });
    expect(text).toContain(',"time":"2024-04-23T15:02:11Z"}');
    expect(key).toBeUndefined();
  });

  test("is JSON whatever id, source and type hold", () => {
    const { text } = normalize(open, "{}", { id: '"\\', source: '"},"', type: 'A\\B"', anyTopic: true });
    expect(JSON.parse(text)).toMatchObject({ id: '"\\', source: '"},"', type: 'A\\B"', payload: {} });
  });

  test("is replayable for the retention from its time on", async () => {
    const registry = await oneTopic(openSchema, { retention: "1h 500ms" });
    const { text } = normalize(registry, "{}", { time: "2024-04-23T23:30:00+00:00" });
    expect(JSON.parse(text)).toMatchObject({
      time: "2024-04-23T23:30:00Z",
      replayable_until: "2024-04-24T00:30:00.500Z",
    });
  });

  test("of an older version is judged by that version's schema", async () => {
    const registry = await registryOf({
      "topics.yaml": entry("t", { schema: "v2" }),
      "schemas/t/v1.json": object({ a: { default: 1 } }),
      "schemas/t/v2.json": object({ a: { default: 2 } }),
    });
    expect(normalize(registry, "{}", { version: 1 }).text).toContain('"version":1,"payload":{"a":1}');
    expect(normalize(registry, "{}").text).toContain('"version":2,"payload":{"a":2}');
  });

  test.each<[string, string, string | undefined]>([
    ["a string", '{"k":"\\u00e9"}', "é"],
    ["a large integer as it is spelled", '{"k":9007199254740993}', "9007199254740993"],
    ["a boolean", '{"k":true}', "true"],
    ["the string null", '{"k":"null"}', "null"],
    ["null is none", '{"k":null}', undefined],
    ["an object is none", '{"k":{}}', undefined],
    ["an empty string is none", '{"k":""}', undefined],
    ["a default", "{}", "d"],
  ])("has the value at the topic's key as subject: %s", async (_, payload, subject) => {
    const registry = await oneTopic(object({ k: { default: "d" } }), { key: "/k" });
    const event = normalize(registry, payload);
    expect(event.key).toBe(subject);
    expect((JSON.parse(event.text) as { subject?: string }).subject).toBe(subject);
  });

  test("has a digest of type and normalized payload, by which a reused id is told from a repeat", async () => {
    const registry = await oneTopic(object({ a: { default: 1 } }));
    const expected = createHash("sha256").update('Done\n{"a":1}').digest("base64url").slice(0, 22);
    expect(normalize(registry, '{"a":1}').digest).toBe(expected);
    expect(normalize(registry, "{}", { time: "2025-01-01T00:00:00Z", id: "other" }).digest).toBe(expected);
    expect(normalize(registry, '{"a":2}').digest).not.toBe(expected);
    expect(normalize(registry, '{"a":1}', { type: "Other" }).digest).not.toBe(expected);
  });
});

describe("a broadcast", () => {
  const broadcast = (changes: Partial<Broadcast>): Broadcast => ({
    id: "e1",
    channels: ["t"],
    event: "Done",
    data: "{}",
    time: "2024-04-23T15:02:11Z",
    source: "hms-api",
    timezone: "UTC",
    ...changes,
  });
  let registry: Registry;
  beforeAll(async () => {
    registry = await registryOf({
      "topics.yaml": entry("t") + entry("u") + entry("strict") + entry("others", { producers: "[x]" }),
      "schemas/t/v1.json": openSchema,
      "schemas/u/v1.json": openSchema,
      "schemas/strict/v1.json": { type: "object", minProperties: 1 },
      "schemas/others/v1.json": openSchema,
    });
  });

  test.each<[string, string[], string[], string[], string[]]>([
    ["of several topics is an event of each", ["t", "private-u"], ["t", "u"], [], []],
    ["of several channels of one topic is one event", ["t", "private-t", "presence-t"], ["t"], [], []],
    [
      "of a channel that is no topic is ignored there",
      ["t", "news", "private-encrypted-news"],
      ["t"],
      [],
      ["news", "private-encrypted-news"],
    ],
    [
      "of an encrypted channel is rejected there",
      ["u", "private-encrypted-t"],
      ["u"],
      ["encrypted_channel"],
      [],
    ],
    ["that fits one topic and not the other is both", ["t", "strict"], ["t"], ["schema_violation"], []],
    [
      "of a source that is no producer is rejected there",
      ["t", "others"],
      ["t"],
      ["producer_not_listed"],
      [],
    ],
    [
      "of several channels of a topic it does not fit is one reject",
      ["strict", "private-strict"],
      [],
      ["schema_violation"],
      [],
    ],
    ["has one prefix of its channel stripped", ["private-private-t"], [], [], ["private-private-t"]],
    ["of no channel is nothing", [], [], [], []],
  ])("%s", (_, channels, topics, codes, ignored) => {
    const outcome = normalizeBroadcast(broadcast({ channels }), registry);
    expect(outcome.events.map(({ topic }) => topic)).toEqual(topics);
    expect(outcome.rejects.map(({ code }) => code)).toEqual(codes);
    expect(outcome.ignored).toEqual(ignored);
  });

  test("keeps its id on every topic", () => {
    const { events } = normalizeBroadcast(broadcast({ channels: ["t", "u"] }), registry);
    expect(events.map(({ id, source }) => [id, source])).toEqual([
      ["e1", "hms-api"],
      ["e1", "hms-api"],
    ]);
  });

  test("that is broken is rejected for its topics and still ignored for the rest", () => {
    const outcome = normalizeBroadcast(broadcast({ channels: ["t", "news"], data: "{" }), registry);
    expect(outcome).toMatchObject({
      events: [],
      rejects: [{ code: "malformed_json", channel: "t", topic: "t" }],
      ignored: ["news"],
    });
  });
});
