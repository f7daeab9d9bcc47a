import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { HmsSyncError } from "../errors.js";
import { topicNamed } from "./authorize.js";
import { bodyText, invalidRequest, readBody } from "./body.js";
import type { Directory, GatewayTopic, Identity, Publish } from "./types.js";

export interface PublishRouteParts {
  readonly directory: Directory;
  readonly publish: Publish;
  /** Largest body in bytes. */
  readonly bodyLimit: number;
}

const idPattern = /^[\x21-\x7e]{1,255}$/;
const typePattern = /^[\x21-\x7e]{1,255}$/;

/**
 * POST /v1/topics/{topic}/events: the body is the payload, `Idempotency-Key` its id. 202 `{id, topic, version,
 * duplicate}` once the ledger has it. 400 without a key on an exactly_once topic, 403 for a system that is no producer,
 * 422 for a payload its schema refuses, or for a key that was used with another body.
 */
export async function publishRoute(
  parts: PublishRouteParts,
  request: IncomingMessage,
  response: ServerResponse,
  identity: Identity,
  name: string,
): Promise<void> {
  const topic = topicNamed(parts.directory, name);
  mustBeJson(request);
  const given = idempotencyKey(request);
  if (given === undefined && topic.qos === "exactly_once") throw keyRequired(topic);
  const payload = bodyText(await readBody(request, parts.bodyLimit));
  const id = given ?? randomUUID();
  const { version, duplicate } = await parts.publish({
    topic: name,
    payload,
    id,
    source: identity.admin ? "cli" : identity.system,
    type: typeOf(request, name),
    time: new Date().toISOString(),
    anyTopic: identity.admin,
  });
  const body = JSON.stringify({ id, topic: name, version, duplicate });
  response.writeHead(202, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
}

function mustBeJson(request: IncomingMessage): void {
  const type = (request.headers["content-type"] ?? "application/json").split(";", 1)[0]!.trim().toLowerCase();
  if (type === "application/json") return;
  throw new HmsSyncError(
    "unsupported_media_type",
    `content type "${type.slice(0, 100)}" is not taken; send application/json`,
    {
      status: 415,
    },
  );
}

/** The key, as the IETF draft writes it (a quoted string) or bare. */
function idempotencyKey(request: IncomingMessage): string | undefined {
  const header = request.headers["idempotency-key"];
  if (header === undefined) return undefined;
  const text = String(header);
  const key = /^"(.*)"$/.exec(text)?.[1] ?? text;
  if (idPattern.test(key)) return key;
  throw invalidRequest("Idempotency-Key", text, "1 to 255 printable ASCII characters without spaces");
}

function typeOf(request: IncomingMessage, topic: string): string {
  const header = request.headers["hms-sync-type"];
  if (header === undefined) return topic;
  if (typePattern.test(String(header))) return String(header);
  throw invalidRequest("HMS-Sync-Type", header, "1 to 255 printable ASCII characters without spaces");
}

function keyRequired(topic: GatewayTopic): HmsSyncError {
  return new HmsSyncError(
    "idempotency_key_required",
    `${topic.name} is exactly_once: send an Idempotency-Key header that stays the same when you repeat the request`,
    { status: 400 },
  );
}
