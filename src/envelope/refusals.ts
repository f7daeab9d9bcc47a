import { HmsSyncError } from "../errors.js";
import type { TopicRules, Violation } from "./types.js";

// The errors of normalizing: each names the value, its place and the remedy, and none quotes a payload.

const violationsInMessage = 3;

function invalid(code: string, message: string): HmsSyncError {
  return new HmsSyncError(code, message, { status: 400 });
}

export function unknownTopic(topic: string): HmsSyncError {
  return new HmsSyncError(
    "unknown_topic",
    `${shown(topic)} is no topic of topics.yaml; add it there or correct the name`,
    {
      status: 404,
    },
  );
}

export function producerNotListed(source: string, topic: string): HmsSyncError {
  return new HmsSyncError(
    "producer_not_listed",
    `${shown(source)} is not among the producers of ${topic}; add it there in topics.yaml: producers: [${source.slice(0, 100)}]`,
    { status: 403 },
  );
}

export function unknownVersion(topic: TopicRules, version: number): HmsSyncError {
  const known = [...topic.schemas.keys()].join(", ");
  return new HmsSyncError(
    "unknown_version",
    `${topic.name} has no version ${version}; send one of ${known}, or add schemas/${topic.name}/v${version}.json`,
    { status: 422 },
  );
}

export function notAnObject(value: unknown): HmsSyncError {
  const kind = Array.isArray(value) ? "an array" : value === null ? "null" : `a ${typeof value}`;
  return new HmsSyncError("not_an_object", `the payload is ${kind}; send a JSON object`, { status: 422 });
}

export function loneSurrogate(): HmsSyncError {
  return invalid(
    "invalid_utf8",
    "the payload holds half of a surrogate pair, which UTF-8 cannot carry; send whole characters",
  );
}

export function schemaViolation(topic: string, version: number, errors: readonly Violation[]): HmsSyncError {
  const first = errors
    .slice(0, violationsInMessage)
    .map(({ path, message }) => `${path || "the payload"} ${message}`);
  const more = errors.length > first.length ? `; and ${errors.length - first.length} more` : "";
  return new HmsSyncError(
    "schema_violation",
    `the payload does not fit schemas/${topic}/v${version}.json: ${first.join("; ")}${more}`,
    { status: 422, details: { errors } },
  );
}

export function invalidId(id: string, maxLength: number): HmsSyncError {
  return invalid(
    "invalid_id",
    `the id ${shown(id)} is not 1 to ${maxLength} printable characters; send such an id`,
  );
}

export function invalidType(type: string, maxLength: number): HmsSyncError {
  return invalid(
    "invalid_type",
    `the type ${shown(type)} is not 1 to ${maxLength} printable characters; name the event's class or kind`,
  );
}

export function invalidTime(time: string): HmsSyncError {
  return invalid(
    "invalid_time",
    `the time ${shown(time)} is not RFC 3339; send one like 2024-04-23T15:02:11Z`,
  );
}

export function encryptedChannel(channel: string, topic: string): HmsSyncError {
  return new HmsSyncError(
    "encrypted_channel",
    `${shown(channel)} is an encrypted channel, whose payload no consumer could read; broadcast on new PrivateChannel(${JSON.stringify(topic)})`,
    { status: 422 },
  );
}

/** A value in quotes for a message, cut to 100 characters. */
export function shown(value: string): string {
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
}
