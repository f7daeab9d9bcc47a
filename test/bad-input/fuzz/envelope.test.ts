import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { CastFailure } from "../../../src/envelope/cast.js";
import { depthLimit, JsonText, parseJson } from "../../../src/envelope/json-text.js";
import { normalizeBroadcast, normalizeEvent } from "../../../src/envelope/normalize.js";
import { createView } from "../../../src/envelope/view.js";
import { parsePubSubMessage, parseStreamEntry } from "../../../src/envelope/wire.js";
import { HmsSyncError } from "../../../src/errors.js";
import type { Registry } from "../../../src/registry/registry.js";
import { payloadOf, plain } from "../../unit/envelope/catalogue.js";
import { entry, registryOf } from "../../unit/registry/write-registry.js";
import { bytesLike, fuzz, fuzzTimeout, orRefusal, spoiled, textLike } from "./fuzz.js";

const payloads = [
  '{"n":1,"note":"é\\u00e9\\/","list":[1,2.0,{"a":null}],"at":"2024-04-23 15:02:11"}',
  '{"n":9007199254740993, "deep":{"deep":{"deep":[[[]]]}},\n "o":{}}',
  '{"at":"2024-04-23T15:02:11+02:00","note":""}',
];
const open = { type: "object" };
const schema = (version: object) => ({
  type: "object",
  properties: { note: { type: "string" }, at: { type: "string", format: "date-time" }, ...version },
});

let registry: Registry;
beforeAll(async () => {
  registry = await registryOf({
    "topics.yaml": entry("t", { schema: "v2", key: "/note", consumers: "[a, {name: b, version: v1}]" }),
    "schemas/t/v1.json": schema({ n: { type: "number" }, deep: open, o: open }),
    "schemas/t/v2.json": schema({
      m: { type: ["number", "string"], default: 7 },
      o: { type: "object", properties: { deep: open } },
    }),
    "schemas/t/v2.casts.yaml": JSON.stringify({
      up: [{ rename: { from: "/n", to: "m" } }, { move: { from: "/deep", to: "/o/deep" } }],
      down: [{ rename: { from: "/m", to: "n" } }, { move: { from: "/o/deep", to: "/deep" } }],
      examples: [{ v1: { n: 1, deep: {} }, v2: { m: 1, o: { deep: {} } } }],
    }),
  });
});

describe("whatever the text is", () => {
  test("the JSON scanner ends, and finds in JSON just what JSON.parse does", {
    timeout: fuzzTimeout,
  }, async () => {
    await fuzz(textLike(...payloads), (text) => {
      const value = orRefusal(HmsSyncError, () => parseJson(text));
      if (value === undefined) return scanToTheEnd(text);
      const json = orRefusal(HmsSyncError, () => JsonText.scan(text));
      if (json === undefined) return;
      expect(json.slice(0)).toBe(text.trim());
      expect(rebuilt(json, 0)).toEqual(value);
    });
  });

  test("an event is refused, or its envelope holds the payload as it came", {
    timeout: fuzzTimeout,
  }, async () => {
    const versions = fc.constantFrom(undefined, 1, 2, 3);
    await fuzz(fc.tuple(textLike(...payloads), versions), ([payload, version]) => {
      const stated = version === undefined ? {} : { version };
      const event = orRefusal(HmsSyncError, () => normalizeEvent({ ...plain, ...stated, payload }, registry));
      if (event === undefined) return;
      const { at: _at, m: _m, ...kept } = JSON.parse(payloadOf(event));
      const { at: _cameAt, m: _cameM, ...came } = JSON.parse(payload);
      expect(kept).toEqual(came);
      expect(event.text).not.toMatch(/[\r\n]/);
      expect(Buffer.from(event.text).toString()).toBe(event.text);
    });
  });

  test("an event is given in each version as that version's schema has it, or not at all", {
    timeout: fuzzTimeout,
  }, async () => {
    const topic = registry.topics.get("t")!;
    await fuzz(spoiled(...payloads), (payload) => {
      const event = orRefusal(HmsSyncError, () => normalizeEvent({ ...plain, payload }, registry));
      if (event === undefined) return;
      for (const version of [1, 2]) {
        const given = createView(topic, version).present(Buffer.from(event.text));
        if (given instanceof CastFailure) continue;
        const envelope = JSON.parse(given.toString());
        expect([envelope.version, topic.schemas.get(version)!.validate(envelope.payload)]).toEqual([
          version,
          [],
        ]);
        expect({ ...envelope, version: 0, payload: 0 }).toEqual({
          ...JSON.parse(event.text),
          version: 0,
          payload: 0,
        });
      }
    });
  });
});

describe("whatever Laravel writes", () => {
  const fields: Record<string, string> = {
    ...{
      id: "e1",
      channels: '["t","private-t"]',
      event: "Done",
      data: payloads[0]!,
      timezone: "America/Chicago",
    },
    ...{ time: "2024-04-23T15:02:11.123456+02:00", source: "hms-api", origin: "hms-api,b", version: "1" },
  };

  test("an entry of the stream is refused, or becomes events and rejects", {
    timeout: fuzzTimeout,
  }, async () => {
    const one = fc.record({ name: fc.constantFrom(...Object.keys(fields)), gone: fc.boolean() });
    const changed = one.chain((field) =>
      bytesLike(fields[field.name]!).map((bytes) => ({ ...field, bytes })),
    );
    await fuzz(fc.array(changed, { maxLength: 3 }), (changes) => {
      const entryFields = new Map<string, Buffer>(
        Object.entries(fields).map(([name, text]) => [name, Buffer.from(text)]),
      );
      for (const { name, gone, bytes } of changes)
        gone ? entryFields.delete(name) : entryFields.set(name, bytes);
      const broadcast = orRefusal(HmsSyncError, () => parseStreamEntry(entryFields));
      if (broadcast === undefined) return;
      expect(Buffer.from(broadcast.data)).toEqual(entryFields.get("data"));
      checkOutcome(normalizeBroadcast(broadcast, registry));
    });
  });

  test("a message of pub/sub is refused, or becomes events and rejects", {
    timeout: fuzzTimeout,
  }, async () => {
    const messages = payloads.map(
      (data) => `{"event":"Done","data":${data.replace("}", ',"socket":null}')},"socket":null}`,
    );
    const origin = {
      prefix: "app_",
      source: "hms-api",
      timezone: "UTC",
      mintId: () => "e1",
      now: () => new Date(),
    };
    const channel = bytesLike("app_t", "app_private-t");
    await fuzz(fc.tuple(channel, bytesLike(...messages)), ([name, message]) => {
      const broadcast = orRefusal(HmsSyncError, () => parsePubSubMessage(name, message, origin));
      if (broadcast === undefined) return;
      expect(message.toString().includes(broadcast.data) || message.includes("socket")).toBe(true);
      checkOutcome(normalizeBroadcast(broadcast, registry));
    });
  });
});

/** Of text that is no JSON the scanner promises this alone; nobody scans such. */
function scanToTheEnd(text: string): void {
  try {
    JsonText.scan(text);
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
  }
}

function checkOutcome({ events, rejects }: ReturnType<typeof normalizeBroadcast>): void {
  for (const { text } of events) expect(JSON.parse(text)).toMatchObject({ topic: "t", source: "hms-api" });
  for (const { code, reason } of rejects)
    expect([code, reason.length < 5_000]).toEqual([expect.stringMatching(/^[a-z_0-9]+$/), true]);
}

function rebuilt(json: JsonText, node: number): unknown {
  if (!json.isObject(node) && !json.isArray(node)) return JSON.parse(json.slice(node));
  const values: [string | undefined, unknown][] = [];
  for (let child = json.firstChild(node); child < json.after(node); child = json.after(child))
    values.push([json.name(child), rebuilt(json, child)]);
  expect(values.length).toBeLessThan(100_000 * depthLimit);
  return json.isObject(node) ? Object.fromEntries(values) : values.map(([, value]) => value);
}
