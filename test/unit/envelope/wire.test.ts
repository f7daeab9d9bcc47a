import { describe, expect, test } from "vitest";
import { decodeUtf8, parsePubSubMessage, parseStreamEntry } from "../../../src/envelope/wire.js";
import { errorOf } from "./catalogue.js";

const fields = {
  id: "0190",
  channels: '["private-inspections.status","audit"]',
  event: "App\\Events\\Done",
  data: '{"n":9007199254740993,"o":{},"é":"\\/"}',
  time: "2024-04-23T15:02:11.123456+00:00",
  source: "hms-api",
  timezone: "UTC",
};

function entryOf(changes: Record<string, string | Buffer | undefined> = {}): Map<string, Buffer> {
  const all = Object.entries({ ...fields, ...changes }).filter(([, value]) => value !== undefined);
  return new Map(all.map(([name, value]) => [name, Buffer.from(value as string)]));
}

describe("an entry of the intake stream", () => {
  test("is taken as it is, the data's text untouched", () => {
    expect(parseStreamEntry(entryOf())).toEqual({
      ...fields,
      channels: ["private-inspections.status", "audit"],
      origin: "",
    });
  });

  test("names the systems that the change came through", () => {
    const origin = "city-health,ehr-clinic";
    expect(parseStreamEntry(entryOf({ origin })).origin).toBe(origin);
  });

  test.each([
    ["is empty", ""],
    ["ends in a comma", "city-health,"],
    ["has an empty name", "city-health,,ehr-clinic"],
    ["holds what is no name", 'city-health","topic":"x'],
    ["goes in circles", Array(17).fill("a").join(",")],
  ])("is refused when its origin %s", (_what, origin) => {
    expect(errorOf(() => parseStreamEntry(entryOf({ origin })))).toMatchObject({ code: "invalid_entry" });
  });

  test.each([
    [
      "a missing field",
      { time: undefined },
      "invalid_entry",
      'has no field "time"; write it with the hms-sync/laravel driver',
    ],
    [
      "channels that are no list",
      { channels: '"x"' },
      "invalid_entry",
      "channels is not a JSON array of strings",
    ],
    [
      "channels that are no names",
      { channels: "[1]" },
      "invalid_entry",
      "channels is not a JSON array of strings",
    ],
    ["channels that are no JSON", { channels: "[" }, "malformed_json", "the field channels is not JSON"],
    [
      "data that is not UTF-8",
      { data: Buffer.from([0x7b, 0xff, 0x7d]) },
      "invalid_utf8",
      "the field data is not UTF-8",
    ],
  ])("with %s is refused", (_, changes, code, message) => {
    const error = errorOf(() => parseStreamEntry(entryOf(changes)));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });

  test("may state the schema version of its payload", () => {
    expect(parseStreamEntry(entryOf({ version: "2" })).version).toBe(2);
    expect(parseStreamEntry(entryOf())).not.toHaveProperty("version");
  });

  test.each(["0", "01", "v2", "1.5", "-1", "10000", ""])("is refused with the version %j", (version) => {
    expect(errorOf(() => parseStreamEntry(entryOf({ version })))).toMatchObject({ code: "invalid_entry" });
  });

  test("may have fields that a later driver adds", () => {
    expect(parseStreamEntry(entryOf({ tenant: "x" })).id).toBe("0190");
  });
});

const origin = {
  prefix: "hms_",
  source: "hms-api",
  timezone: "Europe/Rome",
  mintId: () => "minted",
  now: () => new Date("2024-04-23T15:02:11.5Z"),
};
const receive = (message: string | Buffer, channel: string | Buffer = "hms_audit") =>
  parsePubSubMessage(Buffer.from(channel as string), Buffer.from(message as string), origin);

describe("a pub/sub message", () => {
  test("has the prefix taken off its channel, and id and time given", () => {
    expect(receive('{"event":"E","data":{"n":1,"socket":null},"socket":null}')).toEqual({
      id: "minted",
      channels: ["audit"],
      event: "E",
      data: '{"n":1}',
      time: "2024-04-23T15:02:11.500Z",
      source: "hms-api",
      timezone: "Europe/Rome",
      origin: "",
    });
  });

  test.each([
    ["as the only member", '{"socket":null}', "{}"],
    ["as the first", '{"socket":"1.2","n":1}', '{"n":1}'],
    ["in the middle, with spaces", '{ "a" : 1 , "socket" : null , "n":1 }', '{ "a" : 1 , "n":1 }'],
    ["escaped", '{"n":1,"s\\u006fcket":null}', '{"n":1}'],
    ["and not deeper", '{"o":{"socket":1},"socket":null}', '{"o":{"socket":1}}'],
    ["not at all", '{"n":1.0,"big":12345678901234567890}', '{"n":1.0,"big":12345678901234567890}'],
  ])("loses socket %s, and nothing else", (_, data, left) => {
    expect(receive(`{"event":"E","data":${data},"socket":null}`).data).toBe(left);
  });

  test.each([
    ["an empty one", "", "empty_message", "could not encode the event"],
    ["one without event", '{"data":{}}', "invalid_message", 'has no "event"'],
    ["one with an event that is no string", '{"event":1,"data":{}}', "invalid_message", 'has no "event"'],
    ["one without data", '{"event":"E"}', "invalid_message", 'has no "data"'],
    ["one that is no object", '"x"', "invalid_message", 'has no "event"'],
    ["one that is no JSON", "hello", "malformed_json", "the message is not JSON"],
    ["one that is not UTF-8", Buffer.from([0x22, 0xc3, 0x22]), "invalid_utf8", "the message is not UTF-8"],
    ["one with data twice", '{"event":"E","data":{},"data":{}}', "duplicate_member", '"data" twice'],
    [
      "one nested without end",
      `{"event":"E","data":${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}}`,
      "too_deep",
      "deeper than",
    ],
  ])("%s is refused", (_, message, code, reason) => {
    const error = errorOf(() => receive(message));
    expect(error.code).toBe(code);
    expect(error.message).toContain(reason);
  });

  test("on a channel of another prefix is refused", () => {
    expect(errorOf(() => receive("{}", "other_audit")).message).toContain(
      'the channel "other_audit" does not begin with "hms_"; correct HMS_SYNC_LARAVEL_PREFIX',
    );
  });
});

test("bytes that are not UTF-8 are refused, not replaced", () => {
  expect(decodeUtf8(Buffer.from("é😀"))).toBe("é😀");
  expect(errorOf(() => decodeUtf8(Buffer.from([0xed, 0xa0, 0x80])))).toMatchObject({
    code: "invalid_utf8",
    status: 400,
  });
});
