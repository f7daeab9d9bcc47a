import { hash } from "node:crypto";
import { HmsSyncError } from "../errors.js";
import { topicOfChannel } from "./channel.js";
import { normalizingEdits } from "./edits.js";
import { JsonText, parseJson } from "./json-text.js";
import { formatInstant, parseInstant } from "./local-time.js";
import { compilePlan, type Plan } from "./plan.js";
import {
  encryptedChannel,
  invalidId,
  invalidTime,
  invalidType,
  loneSurrogate,
  notAnObject,
  producerNotListed,
  schemaViolation,
  unknownTopic,
  unknownVersion,
} from "./refusals.js";
import { pointerPath } from "./schema-merge.js";
import { applyEdits } from "./text-edits.js";
import type {
  Broadcast,
  EventInput,
  LedgerEvent,
  NormalizedBroadcast,
  PayloadSchema,
  TopicCatalogue,
  TopicRules,
} from "./types.js";

const maxIdLength = 256;
const maxTypeLength = 512;
const digestLength = 22; // 132 bits
const traceparentForm = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** All that is known of one version of a topic before an event comes. */
interface TopicPlan {
  readonly schema: PayloadSchema;
  readonly plan: Plan | undefined;
  readonly keyPath: readonly string[] | undefined;
  /** The envelope's text before and after the payload. */
  readonly head: string;
  readonly middle: string;
}

const topicPlans = new WeakMap<TopicRules, Map<number, TopicPlan>>();

/**
 * Makes the envelope of one event for one topic: defaults and date-times filled in by the schema, then validated. The
 * payload's text is edited, never written anew: integers beyond 2^53, `{}`, escapes and spelling stay; only line
 * breaks between its tokens go, since an envelope is one line.
 * @throws HmsSyncError `unknown_topic` 404, `producer_not_listed` 403, `malformed_json`, `invalid_utf8`, `invalid_id`,
 *   `invalid_type` and `invalid_time` 400, `not_an_object`, `too_deep`, `duplicate_member`, `unknown_version`,
 *   `unknown_timezone` and `schema_violation` 422 (`details.errors`: `{path, message}` of each violation).
 */
export function normalizeEvent(event: EventInput, registry: TopicCatalogue): LedgerEvent {
  const topic = registry.topics.get(event.topic);
  if (topic === undefined) throw unknownTopic(event.topic);
  if (event.anyTopic !== true && !topic.producers.includes(event.source)) {
    throw producerNotListed(event.source, topic.name);
  }
  const time = checkMeta(event);
  const timezone = event.timezone || registry.timezoneOf(event.source) || "UTC";
  const { version, topicPlan, normal } = normalizeByVersion(event, topic, timezone);
  const { payload, key = event.subject } = normal;
  const optional =
    (key ? `,"subject":${JSON.stringify(key)}` : "") +
    (event.traceparent && traceparentForm.test(event.traceparent)
      ? `,"traceparent":"${event.traceparent}"`
      : "") +
    (event.origin ? `,"origin":"${event.origin}"` : "");
  const text =
    `${topicPlan.head + payload + topicPlan.middle + formatInstant(time + topic.retentionMs)}",` +
    `"id":${JSON.stringify(event.id)},"source":${JSON.stringify(event.source)},` +
    `"type":${JSON.stringify(event.type)},"time":"${formatInstant(time)}"${optional}}`;
  const { id, source } = event;
  const systems = event.origin ? `${source},${event.origin}` : source;
  const digest = digestOf(event.type, payload);
  const normalized = { topic: topic.name, id, source, version, systems, text, digest };
  return key ? { ...normalized, key } : normalized;
}

/**
 * Sorts the channels of a broadcast: each topic they name becomes one event however many channels name it, or one
 * rejection; channels that name no topic are ignored.
 */
export function normalizeBroadcast(broadcast: Broadcast, registry: TopicCatalogue): NormalizedBroadcast {
  const outcome: NormalizedBroadcast = { events: [], rejects: [], ignored: [] };
  const done = new Set<string>();
  for (const channel of broadcast.channels) {
    const { topic, encrypted } = topicOfChannel(channel);
    if (!registry.topics.has(topic)) {
      outcome.ignored.push(channel);
    } else if (encrypted) {
      const { code, message } = encryptedChannel(channel, topic);
      outcome.rejects.push({ code, reason: message, channel, topic });
    } else if (!done.has(topic)) {
      done.add(topic);
      normalizeInto(outcome, broadcast, topic, channel, registry);
    }
  }
  return outcome;
}

function normalizeInto(
  outcome: NormalizedBroadcast,
  broadcast: Broadcast,
  topic: string,
  channel: string,
  registry: TopicCatalogue,
): void {
  const { id, source, time, timezone, origin, version, event: type, data: payload } = broadcast;
  const stated = version === undefined ? {} : { version };
  try {
    outcome.events.push(
      normalizeEvent({ topic, payload, id, source, type, time, timezone, origin, ...stated }, registry),
    );
  } catch (error) {
    if (!(error instanceof HmsSyncError)) throw error;
    outcome.rejects.push({ code: error.code, reason: error.message, channel, topic });
  }
}

interface NormalPayload {
  readonly payload: string;
  readonly key: string | undefined;
}

/**
 * The payload in the version it states. Where it states none, a producer that knows nothing of versions goes on sending
 * the one it knows while a newer one is current: then the first version it fits counts. The error is that of the first.
 */
function normalizeByVersion(
  event: EventInput,
  topic: TopicRules,
  timezone: string,
): { version: number; topicPlan: TopicPlan; normal: NormalPayload } {
  const first = event.version ?? topic.producerVersions.get(event.source) ?? topic.version;
  const attempt = (version: number) => {
    const topicPlan = planOf(topic, version);
    const normal = normalizePayload(event.payload, topicPlan, topic.name, version, timezone);
    return { version, topicPlan, normal };
  };
  try {
    return attempt(first);
  } catch (error) {
    if (event.version !== undefined || !isViolation(error)) throw error;
    for (const version of [...topic.schemas.keys()].sort((a, b) => b - a)) {
      if (version === first) continue;
      try {
        return attempt(version);
      } catch (other) {
        if (!isViolation(other)) throw other;
      }
    }
    throw error;
  }
}

function isViolation(error: unknown): boolean {
  return error instanceof HmsSyncError && error.code === "schema_violation";
}

function normalizePayload(
  received: string,
  topicPlan: TopicPlan,
  topic: string,
  version: number,
  timezone: string,
): NormalPayload {
  if (/[\ud800-\udfff]/u.test(received)) throw loneSurrogate();
  let value = parseJson(received); // before a line break goes: inside a token it is an error, not a space
  const text = onOneLine(received);
  let json = JsonText.scan(text);
  if (!json.isObject(0)) throw notAnObject(value);
  let payload = json.slice(0);
  const edits = topicPlan.plan === undefined ? [] : normalizingEdits(json, topicPlan.plan, timezone);
  if (edits.length > 0) {
    payload = applyEdits(text, edits).trim();
    value = JSON.parse(payload);
    if (topicPlan.keyPath !== undefined) json = JsonText.scan(payload);
  }
  const violations = topicPlan.schema.validate(value);
  if (violations.length > 0) throw schemaViolation(topic, version, violations);
  return { payload, key: topicPlan.keyPath && keyAt(json, topicPlan.keyPath) };
}

/** JSON without its line breaks and what is indented after them; they can only stand between tokens. */
function onOneLine(text: string): string {
  return text.includes("\n") || text.includes("\r") ? text.replace(/[\r\n][ \t\r\n]*/g, "") : text;
}

/** Strings decoded, numbers and booleans as they are spelled; nothing else is a key. */
function keyAt(json: JsonText, path: readonly string[]): string | undefined {
  const node = json.find(path);
  if (node === undefined || json.isObject(node) || json.isArray(node)) return undefined;
  const text = json.isString(node) ? json.stringValue(node) : json.slice(node);
  return text === "null" && !json.isString(node) ? undefined : text;
}

function digestOf(type: string, payload: string): string {
  return hash("sha256", `${type}\n${payload}`, "base64url").slice(0, digestLength);
}

function planOf(topic: TopicRules, version: number): TopicPlan {
  const plans = topicPlans.get(topic) ?? new Map<number, TopicPlan>();
  const known = plans.get(version);
  if (known !== undefined) return known;
  const plan = compileTopic(topic, version);
  topicPlans.set(topic, plans.set(version, plan));
  return plan;
}

function compileTopic(topic: TopicRules, version: number): TopicPlan {
  const schema = topic.schemas.get(version);
  if (schema === undefined) throw unknownVersion(topic, version);
  return {
    schema,
    plan: compilePlan(schema.schema as Record<string, unknown>),
    keyPath: topic.keyPointer === undefined ? undefined : pointerPath(topic.keyPointer),
    head: `{"topic":${JSON.stringify(topic.name)},"version":${version},"payload":`,
    middle: `,"qos":${JSON.stringify(topic.qos)},"replayable_until":"`,
  };
}

/** Checks id, type and time; answers the time in milliseconds. */
function checkMeta(event: EventInput): number {
  if (!isName(event.id, maxIdLength)) throw invalidId(event.id, maxIdLength);
  if (!isName(event.type, maxTypeLength)) throw invalidType(event.type, maxTypeLength);
  const time = parseInstant(event.time);
  if (time === undefined) throw invalidTime(event.time);
  return time;
}

function isName(text: string, maxLength: number): boolean {
  return text !== "" && text.length <= maxLength && !hasControls(text);
}

function hasControls(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char < 0x20 || char === 0x7f) return true;
  }
  return false;
}
