import { createHash } from "node:crypto";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { loadRegistry } from "../../../src/registry/load.js";
import type { Registry } from "../../../src/registry/registry.js";
import { entry, oneTopic, openSchema, registryOf } from "../registry/write-registry.js";
import { normalize, payloadOf } from "./catalogue.js";

let open: Registry;
beforeAll(async () => {
  open = await oneTopic(openSchema);
});

const object = (properties: object, more: object = {}) => ({ type: "object", properties, ...more });

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

describe("the envelope", () => {
  test("has subject and traceparent when there are such, in this order, at its end", () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const { text, key } = normalize(open, "{}", { subject: "42", traceparent });
    expect(text).toContain(`,"time":"2024-04-23T15:02:11Z","subject":"42","traceparent":"${traceparent}"}`);
    expect(key).toBe("42");
  });

  test("names the systems it came through at its very end, and its source before them for the fan-out", () => {
    const { text, systems } = normalize(open, "{}", { origin: "city-health,ehr-clinic" });
    expect(text).toContain(`,"time":"2024-04-23T15:02:11Z","origin":"city-health,ehr-clinic"}`);
    expect(systems).toBe("hms-api,city-health,ehr-clinic");
    expect(normalize(open, "{}", { origin: "" }).systems).toBe("hms-api");
    expect(normalize(open, "{}", { origin: "" }).text).not.toContain("origin");
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
