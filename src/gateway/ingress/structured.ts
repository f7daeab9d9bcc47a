import { depthLimit, type JsonNode, JsonText, parseJson } from "../../envelope/json-text.js";
import { decodeUtf8 } from "../../envelope/wire.js";
import {
  contextOf,
  type IncomingEvent,
  invalidAttribute,
  invalidCloudEvent,
  isAttributeName,
} from "./cloudevent.js";

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** Members that are text when they are set. An extension may be a number or a boolean too. */
const textMembers = [
  "specversion",
  "id",
  "source",
  "type",
  "time",
  "subject",
  "datacontenttype",
  "dataschema",
];

/**
 * One event in CloudEvents' JSON format. The payload is the text of `data` as it stands there, or what `data_base64`
 * decodes to.
 * @throws HmsSyncError as `contextOf`, and `malformed_json`, `invalid_utf8` (400), `too_deep`, `duplicate_member` (422).
 */
export function structuredEvent(text: string): IncomingEvent {
  parseJson(text, "the event");
  const json = JsonText.scan(text, depthLimit + 1); // the event around the payload is one level
  if (!json.isObject(0)) throw invalidCloudEvent("the event is not a JSON object; send one CloudEvent");
  return { ...contextOf(attributesOf(json)), payload: payloadOf(json) };
}

function attributesOf(json: JsonText): Map<string, string> {
  const attributes = new Map<string, string>();
  for (let node = json.firstChild(0); node < json.after(0); node = json.after(node)) {
    const name = json.name(node)!;
    if (name === "data" || name === "data_base64") continue;
    if (!isAttributeName(name))
      throw invalidAttribute("the attribute name", name, "lower-case letters and digits");
    if (json.isString(node)) attributes.set(name, json.stringValue(node));
    else if (json.slice(node) !== "null") attributes.set(name, scalarText(json, node, name));
  }
  return attributes;
}

function scalarText(json: JsonText, node: JsonNode, name: string): string {
  if (textMembers.includes(name)) throw invalidAttribute(name, json.slice(node), "a string");
  if (json.isObject(node) || json.isArray(node)) {
    throw invalidCloudEvent(
      `${name.slice(0, 100)} is an object or array; an attribute is text, a number or a boolean`,
    );
  }
  return json.slice(node);
}

function payloadOf(json: JsonText): string {
  const data = json.member(0, "data");
  const encoded = json.member(0, "data_base64");
  if (data !== undefined && encoded !== undefined) {
    throw invalidCloudEvent("the event has data and data_base64; send one of them");
  }
  if (data !== undefined) return json.slice(data);
  if (encoded === undefined) throw invalidAttribute("data", undefined, "the payload there");
  const text = json.isString(encoded) ? json.stringValue(encoded) : undefined;
  if (text === undefined || !base64.test(text)) {
    throw invalidCloudEvent(
      "data_base64 is not base64 (RFC 4648, with padding); send it so, or JSON as data",
    );
  }
  return decodeUtf8(Buffer.from(text, "base64"), "data_base64");
}
