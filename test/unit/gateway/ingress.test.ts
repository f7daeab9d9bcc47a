import { describe, expect, test } from "vitest";
import { HmsSyncError } from "../../../src/errors.js";
import { batchTexts } from "../../../src/gateway/ingress/batch.js";
import { binaryContext } from "../../../src/gateway/ingress/binary.js";
import { idempotencyKey, oneId } from "../../../src/gateway/ingress/idempotency.js";
import { formOf } from "../../../src/gateway/ingress/media-type.js";
import { structuredEvent } from "../../../src/gateway/ingress/structured.js";

function codeOf(call: () => unknown): string {
  try {
    return `taken: ${JSON.stringify(call())}`;
  } catch (error) {
    if (error instanceof HmsSyncError) return error.code;
    throw error;
  }
}

const event = (members: string, data = '"data":{"a":1}') =>
  `{"specversion":"1.0","id":"1","source":"/s","type":"t"${members === "" ? "" : `,${members}`}${data === "" ? "" : `,${data}`}}`;

describe("a structured CloudEvent", () => {
  test.each([
    ['{"n":9007199254740993}'],
    ['{ "a" : {}, "b":[ ],\n "c":1.0e3, "d":"\\u00e9\\/" }'],
    ['{"data":{"data":1},"id":"inner"}'],
    ['"text"'],
    ["null"],
    ["[1,2]"],
  ])("gives its data byte for byte: %s", (data) => {
    expect(structuredEvent(event("", `"data": ${data} `)).payload).toBe(data);
  });

  test("gives what data_base64 decodes to", () => {
    const text = '{"n":18446744073709551616,"s":"grüße"}';
    const encoded = Buffer.from(text).toString("base64");
    expect(structuredEvent(event("", `"data_base64":"${encoded}"`)).payload).toBe(text);
  });

  test("carries id, type, time, subject and traceparent; null is unset, extensions are ignored", () => {
    const members =
      '"time":"2024-04-23T15:02:11Z","subject":"ü 1","traceparent":"00-a-b-01","dataschema":null,"count":7,"flag":true,"vendor":"x"';
    expect(structuredEvent(event(members))).toEqual({
      id: "1",
      type: "t",
      time: "2024-04-23T15:02:11Z",
      subject: "ü 1",
      traceparent: "00-a-b-01",
      payload: '{"a":1}',
    });
    expect(structuredEvent(event('"time":null,"subject":null'))).toEqual({
      id: "1",
      type: "t",
      payload: '{"a":1}',
    });
  });

  const nested = (levels: number) => `"data":${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
  test.each([
    ["no JSON", "{", "malformed_json"],
    ["an array", `[${event("")}]`, "invalid_cloudevent"],
    ["no specversion", '{"id":"1","source":"s","type":"t","data":{}}', "invalid_cloudevent"],
    ["specversion 0.3", event("").replace('"1.0"', '"0.3"'), "unsupported_specversion"],
    ["specversion as a number", event("").replace('"1.0"', "1.0"), "invalid_cloudevent"],
    ["no id", event("").replace('"id"', '"idx"'), "invalid_cloudevent"],
    ["an empty id", event("").replace('"1"', '""'), "invalid_cloudevent"],
    ["id as a number", event("").replace('"1"', "1"), "invalid_cloudevent"],
    ["id null", event("").replace('"1"', "null"), "invalid_cloudevent"],
    ["half a surrogate pair as id", event("").replace('"1"', '"\\ud800"'), "invalid_cloudevent"],
    ["no source", event("").replace('"source"', '"sourcex"'), "invalid_cloudevent"],
    ["a source with spaces", event("").replace('"/s"', '"a b"'), "invalid_cloudevent"],
    ["no type", event("").replace('"type"', '"typex"'), "invalid_cloudevent"],
    ["an attribute in capitals", event('"dataContentType":"application/json"'), "invalid_cloudevent"],
    ["an object as an extension", event('"ext":{}'), "invalid_cloudevent"],
    ["an empty subject", event('"subject":""'), "invalid_cloudevent"],
    ["a line break in the subject", event('"subject":"a\\nb"'), "invalid_cloudevent"],
    ["XML", event('"datacontenttype":"application/xml"', '"data":"<a/>"'), "unsupported_media_type"],
    ["no data", event("", ""), "invalid_cloudevent"],
    ["data twice over", event('"data_base64":"e30="'), "invalid_cloudevent"],
    ["bad base64", event("", '"data_base64":"e30"'), "invalid_cloudevent"],
    ["URL-safe base64", event("", '"data_base64":"_-=="'), "invalid_cloudevent"],
    ["base64 that is no text", event("", '"data_base64":7'), "invalid_cloudevent"],
    ["base64 of what is not UTF-8", event("", '"data_base64":"/w=="'), "invalid_utf8"],
    ["a member twice", event('"id":"2"'), "duplicate_member"],
    ["a member twice inside data", event("", '"data":{"a":1,"a":2}'), "duplicate_member"],
    ["65 levels of data", event("", nested(65)), "too_deep"],
  ])("%s is refused", (_name, text, code) => {
    expect(codeOf(() => structuredEvent(text))).toBe(code);
  });

  test("data may nest as deep as a payload alone", () => {
    expect(codeOf(() => structuredEvent(event("", nested(64))))).toContain("taken");
  });
});

describe("a binary CloudEvent", () => {
  const headers = (changes: Record<string, string[] | undefined> = {}) => ({
    "ce-specversion": ["1.0"],
    "ce-id": ["1"],
    "ce-source": ["/s"],
    "ce-type": ["t"],
    ...changes,
  });

  test.each([
    ["Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"],
    ["%7e%7E", "~~"],
    ["100%25", "100%"],
    ["%2541", "%41"],
    ['"quoted \\" and \\\\ %41"', 'quoted " and \\ A'],
    ["plain", "plain"],
  ])("header values are unquoted, then percent-decoded once: %s", (value, decoded) => {
    expect(binaryContext(headers({ "ce-subject": [value] })).subject).toBe(decoded);
  });

  test.each([
    ["a bare %", { "ce-subject": ["100%"] }, "invalid_cloudevent"],
    ["% with one digit", { "ce-id": ["%4"] }, "invalid_cloudevent"],
    ["% with a letter that is no digit", { "ce-id": ["%4g"] }, "invalid_cloudevent"],
    ["an overlong encoding", { "ce-subject": ["%C0%A0"] }, "invalid_utf8"],
    ["half a surrogate pair", { "ce-subject": ["%ED%A0%80"] }, "invalid_utf8"],
    ["raw bytes beyond ASCII", { "ce-subject": ["gr\u00c3\u00bc"] }, "invalid_cloudevent"],
    ["an encoded line break", { "ce-subject": ["a%0Ab"] }, "invalid_cloudevent"],
    ["a header twice", { "ce-id": ["1", "2"] }, "invalid_cloudevent"],
    ["no specversion", { "ce-specversion": undefined }, "invalid_cloudevent"],
    ["specversion 2.0", { "ce-specversion": ["2.0"] }, "unsupported_specversion"],
    ["a name with a hyphen", { "ce-my-ext": ["1"] }, "invalid_cloudevent"],
  ])("%s is refused", (_name, changes, code) => {
    expect(codeOf(() => binaryContext(headers(changes)))).toBe(code);
  });
});

describe("a batch", () => {
  test.each([
    ['[{"a":[1,{"b":"],}"}]} , 2,"x\\"],", [] ,{}]', ['{"a":[1,{"b":"],}"}]}', "2", '"x\\"],"', "[]", "{}"]],
    [' [ {"n":9007199254740993} ] ', ['{"n":9007199254740993}']],
    ["[null]", ["null"]],
  ])("%s is taken apart without a byte changed", (text, texts) => {
    expect(batchTexts(text)).toEqual(texts);
  });

  test.each([
    ["[]", "invalid_batch"],
    [" [ ] ", "invalid_batch"],
    ["{}", "invalid_batch"],
    ["null", "invalid_batch"],
    ["[{}", "malformed_json"],
    ["[{},]", "malformed_json"],
    [`[${"1,".repeat(500)}1]`, "batch_too_long"],
    [`${"[".repeat(100_000)}${"]".repeat(100_000)}`, "taken"],
  ])("%.20s…", (text, code) => {
    expect(codeOf(() => batchTexts(text)).slice(0, code.length)).toBe(code);
  });

  test("may have 500 events", () => {
    expect(batchTexts(`[${"1,".repeat(499)}1]`)).toHaveLength(500);
  });
});

describe("the form of a request", () => {
  test.each([
    [{}, "payload"],
    [{ "content-type": "application/json" }, "payload"],
    [{ "content-type": 'Application/JSON; charset="UTF-8"' }, "payload"],
    [{ "content-type": "application/vnd.agency+json" }, "payload"],
    [{ "content-type": "application/json", "ce-id": "1" }, "binary"],
    [{ "content-type": "application/cloudevents+json; charset=utf-8" }, "structured"],
    [{ "content-type": "application/cloudevents+json", "ce-id": "1" }, "structured"],
    [{ "content-type": "application/cloudevents-batch+json" }, "batch"],
  ])("%j is %s", (headers, form) => {
    expect(formOf(headers)).toBe(form);
  });

  test.each([
    "text/plain",
    "application/xml",
    "application/json-seq",
    "application/cloudevents",
    "application/cloudevents+xml",
    "application/cloudevents+avro",
    "application/cloudevents-batch",
    "application/cloudevents-stream+json",
    "application/json; charset=iso-8859-1",
    "application/cloudevents+json; charset=utf-16",
    "",
    "json",
  ])("%s is refused", (type) => {
    expect(codeOf(() => formOf({ "content-type": type }))).toBe("unsupported_media_type");
  });
});

describe("the id of a request", () => {
  test.each([
    ['"a-1"', "a-1"],
    ["a-1", "a-1"],
    ['"with \\"quotes\\""', "invalid_request"],
    ['"a\\"b"', 'a"b'],
    ['"a b"', "invalid_request"],
    ['""', "invalid_request"],
    ["", "invalid_request"],
    ["a, a", "invalid_request"],
    ["é", "invalid_request"],
  ])("Idempotency-Key %s", (header, key) => {
    expect(codeOf(() => idempotencyKey({ "idempotency-key": header }))).toBe(
      key === "invalid_request" ? key : `taken: ${JSON.stringify(key)}`,
    );
  });

  test("is the one that all agree on; two are refused", () => {
    expect(oneId({ a: undefined, b: undefined })).toBeUndefined();
    expect(oneId({ a: "1", b: undefined, c: "1" })).toBe("1");
    expect(codeOf(() => oneId({ a: "1", b: undefined, c: "2" }))).toBe("conflicting_ids");
  });
});
