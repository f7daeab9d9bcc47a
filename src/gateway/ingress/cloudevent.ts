import { HmsSyncError } from "../../errors.js";
import { mustBeJson } from "./media-type.js";

/*
 * CloudEvents 1.0, read here and not with the `cloudevents` package: that parses `data` and would write it anew, so
 * that 9007199254740993 arrived as 9007199254740992. Here the payload is a slice of the text that came.
 */

/** What an event says of itself. Its `source` is checked and left: whose event it is, the authenticated system says. */
export interface EventContext {
  readonly id: string;
  readonly type: string;
  /** As it came; RFC 3339 is checked with the envelope. */
  readonly time?: string;
  readonly subject?: string;
  readonly traceparent?: string;
  /** Schema version of the payload: the extension attribute `schemaversion`. */
  readonly version?: number;
}

/** An event as it came in, before the topic's rules are applied to it. */
export interface IncomingEvent extends EventContext {
  /** JSON text. */
  readonly payload: string;
}

/** Context attributes by name, as text; unset ones left out. */
export type Attributes = ReadonlyMap<string, string>;

/** How a schema version is written in a header or an attribute. */
export const schemaVersionForm = /^[1-9]\d{0,3}$/;
const attributeName = /^[a-z0-9]+$/;
/** Characters of a URI reference (RFC 3986), with those that IRIs add. */
const uriReference = /^[^\s"<>\\^`{|}\p{Cc}]+$/u;
const maxSubject = 512;

/**
 * Checks the attributes of one event. Extensions that are not known are ignored.
 * @throws HmsSyncError `invalid_cloudevent` and `unsupported_specversion` (400), `unsupported_media_type` (415).
 */
export function contextOf(attributes: Attributes): EventContext {
  const specversion = required(attributes, "specversion");
  if (specversion !== "1.0") throw unsupportedVersion(specversion);
  const id = required(attributes, "id");
  const type = required(attributes, "type");
  const source = required(attributes, "source");
  if (!uriReference.test(source)) throw invalidAttribute("source", source, "a URI reference like /offices/7");
  const contentType = attributes.get("datacontenttype");
  if (contentType !== undefined) mustBeJson(contentType);
  const time = attributes.get("time");
  const subject = attributes.get("subject");
  if (subject !== undefined) checkSubject(subject);
  const traceparent = attributes.get("traceparent");
  const version = attributes.get("schemaversion");
  if (version !== undefined && !schemaVersionForm.test(version))
    throw invalidAttribute("schemaversion", version, "a schema version from 1 to 9999, like 2");
  return {
    id,
    type,
    ...(time === undefined ? {} : { time }),
    ...(subject === undefined ? {} : { subject }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(version === undefined ? {} : { version: Number(version) }),
  };
}

/** Whether `name` may name an attribute: lower-case letters and digits. */
export function isAttributeName(name: string): boolean {
  return attributeName.test(name);
}

/** The error for an attribute that is not what CloudEvents 1.0 asks. */
export function invalidAttribute(
  attribute: string,
  value: string | undefined,
  expected: string,
): HmsSyncError {
  const is = value === undefined ? "is missing" : `is ${JSON.stringify(value.slice(0, 100))}`;
  return invalidCloudEvent(`${attribute.slice(0, 100)} ${is}; send ${expected}`);
}

/** The error for an event that is not as CloudEvents 1.0 has it. */
export function invalidCloudEvent(message: string): HmsSyncError {
  return new HmsSyncError("invalid_cloudevent", message, { status: 400 });
}

function required(attributes: Attributes, name: string): string {
  const value = attributes.get(name);
  if (value === undefined || value === "")
    throw invalidAttribute(
      name,
      value,
      "it: every CloudEvent has specversion, id, source and type, none empty",
    );
  if (!/[\ud800-\udfff]/u.test(value)) return value;
  throw invalidCloudEvent(`${name} holds half of a surrogate pair, which is no character; send whole ones`);
}

function checkSubject(subject: string): void {
  if (subject !== "" && subject.length <= maxSubject && !/[\p{Cc}\ud800-\udfff]/u.test(subject)) return;
  throw invalidAttribute("subject", subject, `1 to ${maxSubject} printable characters, or leave it out`);
}

function unsupportedVersion(specversion: string): HmsSyncError {
  return new HmsSyncError(
    "unsupported_specversion",
    `specversion ${JSON.stringify(specversion.slice(0, 100))} is not taken; send CloudEvents 1.0`,
    { status: 400 },
  );
}
