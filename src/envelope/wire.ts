import { isUtf8 } from "node:buffer";
import { HmsSyncError } from "../errors.js";
import { type JsonNode, JsonText, parseJson } from "./json-text.js";
import { shown } from "./refusals.js";
import { applyEdits } from "./text-edits.js";
import type { Broadcast } from "./types.js";

/** What the pub/sub door knows and a message does not say. */
export interface PubSubOrigin {
  /** Redis prefix of the Laravel application. */
  readonly prefix: string;
  readonly source: string;
  readonly timezone: string;
  readonly mintId: () => string;
  readonly now: () => Date;
}

/** The envelope around Laravel's data has one level of its own. */
const messageDepthLimit = 65;

/**
 * One entry of the intake stream, as the PHP driver writes it.
 * @throws HmsSyncError `invalid_entry` when a field is missing or of another form, `invalid_utf8`, `malformed_json`.
 */
export function parseStreamEntry(fields: ReadonlyMap<string, Buffer>): Broadcast {
  return {
    id: field(fields, "id"),
    channels: channelsOf(field(fields, "channels")),
    event: field(fields, "event"),
    data: field(fields, "data"),
    time: field(fields, "time"),
    source: field(fields, "source"),
    timezone: field(fields, "timezone"),
    origin: fields.has("origin") ? originOf(field(fields, "origin")) : "",
    ...(fields.has("version") ? { version: versionOf(field(fields, "version")) } : {}),
  };
}

/**
 * One message of Laravel's stock `redis` broadcast driver: `{"event": …, "data": {…, "socket": …}, "socket": …}` on
 * `<prefix><channel>`. It has neither id nor time: both are given here.
 * @throws HmsSyncError `empty_message` when Laravel could not encode the event, `invalid_message`, `invalid_utf8`,
 *   `malformed_json`, `too_deep`, `duplicate_member`.
 */
export function parsePubSubMessage(channel: Buffer, message: Buffer, origin: PubSubOrigin): Broadcast {
  if (message.length === 0) throw emptyMessage();
  const name = decodeUtf8(channel, "the channel name");
  if (!name.startsWith(origin.prefix)) {
    throw refused(
      "invalid_message",
      `the channel ${shown(name)} does not begin with ${shown(origin.prefix)}; correct HMS_SYNC_LARAVEL_PREFIX`,
    );
  }
  const text = decodeUtf8(message, "the message");
  parseJson(text, "the message");
  const json = JsonText.scan(text, messageDepthLimit);
  return {
    id: origin.mintId(),
    channels: [name.slice(origin.prefix.length)],
    event: eventName(json),
    data: dataOf(json),
    time: origin.now().toISOString(),
    source: origin.source,
    timezone: origin.timezone,
    origin: "",
  };
}

/**
 * Bytes as text.
 * @throws HmsSyncError `invalid_utf8` when they are not UTF-8, rather than replacing what is not.
 */
export function decodeUtf8(bytes: Buffer, what = "the payload"): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  throw refused("invalid_utf8", `${what} is not UTF-8; encode it as UTF-8`);
}

function field(fields: ReadonlyMap<string, Buffer>, name: string): string {
  const value = fields.get(name);
  if (value !== undefined) return decodeUtf8(value, `the field ${name}`);
  throw refused(
    "invalid_entry",
    `the intake entry has no field "${name}"; write it with the hms-sync/laravel driver`,
  );
}

function channelsOf(text: string): string[] {
  const channels = parseJson(text, "the field channels");
  if (Array.isArray(channels) && channels.every((channel) => typeof channel === "string")) return channels;
  throw refused(
    "invalid_entry",
    "the field channels is not a JSON array of strings; write it with the hms-sync/laravel driver",
  );
}

/** Names of at most 16 systems; a change that went further goes in circles. */
const originForm = /^(?:[a-z0-9][a-z0-9._-]{0,99}(?:,(?!$)|$)){1,16}$/;

function originOf(text: string): string {
  if (originForm.test(text)) return text;
  throw refused(
    "invalid_entry",
    `the field origin is ${shown(text)}, not 1 to 16 names of systems separated by commas; write it with the hms-sync/laravel driver`,
  );
}

function versionOf(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw refused(
    "invalid_entry",
    `the field version is ${shown(text)}, not a number from 1 to 9999; write it with the hms-sync/laravel driver`,
  );
}

function eventName(json: JsonText): string {
  const node = memberOfRoot(json, "event");
  if (node !== undefined && json.isString(node)) return json.stringValue(node);
  throw notOfLaravel("event");
}

/** The data's own text without `socket`, which Laravel repeats there. */
function dataOf(json: JsonText): string {
  const data = memberOfRoot(json, "data");
  if (data === undefined) throw notOfLaravel("data");
  const socket = json.isObject(data) ? json.member(data, "socket") : undefined;
  if (socket === undefined) return json.slice(data);
  const { start, end, text } = json.removal(data, socket);
  const offset = json.start(data);
  return applyEdits(json.slice(data), [{ start: start - offset, end: end - offset, text }]);
}

function memberOfRoot(json: JsonText, name: string): JsonNode | undefined {
  return json.isObject(0) ? json.member(0, name) : undefined;
}

function notOfLaravel(member: string): HmsSyncError {
  return refused(
    "invalid_message",
    `the message has no "${member}" as Laravel's redis broadcaster writes it; publish to this channel with Laravel only`,
  );
}

function emptyMessage(): HmsSyncError {
  return refused(
    "empty_message",
    "Laravel published an empty message: it could not encode the event (bad UTF-8 or INF); correct the event's data, or use the hms-sync driver, which throws",
  );
}

function refused(code: string, message: string): HmsSyncError {
  return new HmsSyncError(code, message, { status: 400 });
}
