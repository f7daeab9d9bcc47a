import { randomUUID } from "node:crypto";
import { jsonBody, successful } from "./answers.js";
import { HmsSyncClientError, invalidOption, malformed } from "./errors.js";
import type { Liveness } from "./liveness.js";
import type { Logger } from "./log.js";
import { Outage, persist } from "./retry.js";
import type { Telemetry } from "./telemetry.js";
import type { Transport } from "./transport.js";

export interface PublishOptions {
  /** The event's id; the bus stores an id once per topic and source. A random one unless given. */
  readonly id?: string;
  /** The event's `type`; the topic's name unless given. */
  readonly type?: string;
  /** Schema version of the payload; unless given, the topic's current one, or the newest that the payload fits. */
  readonly version?: number;
  /** How long (ms) to keep trying while the bus cannot be reached; 30,000 unless given. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What the bus has stored. */
export interface Published {
  readonly id: string;
  readonly topic: string;
  readonly version: number;
  /** The bus had this id already; nothing was stored anew. */
  readonly duplicate: boolean;
}

const PATIENCE_MS = 30_000;
const ATTEMPT_TIMEOUT_MS = 10_000;
const HEADER_TEXT = /^[\x21-\x7e]{1,255}$/;

/** The JSON text of a payload. @throws HmsSyncClientError `invalid_payload`. */
export function payloadText(payload: unknown): string {
  let cause: unknown;
  try {
    const text = JSON.stringify(payload);
    if (text !== undefined) return text;
  } catch (error) {
    cause = error; // a BigInt, a circle
  }
  throw new HmsSyncClientError("invalid_payload", "the payload cannot be written as JSON; give an object", {
    cause,
  });
}

export interface Publishing {
  readonly transport: Transport;
  readonly url: string;
  readonly log: Logger;
  readonly liveness: Liveness;
  readonly telemetry: Telemetry | undefined;
}

/** Publishes; the id is minted once, so that a repeated request stores nothing twice. */
export async function publishText(
  bus: Publishing,
  topic: string,
  text: string,
  options: PublishOptions = {},
): Promise<Published> {
  const { id = randomUUID(), type, version, timeoutMs = PATIENCE_MS, signal } = options;
  if (!HEADER_TEXT.test(id))
    throw invalidOption("id", id, "give 1 to 255 printable ASCII characters without spaces");
  if (type !== undefined && !HEADER_TEXT.test(type)) {
    throw invalidOption("type", type, "give 1 to 255 printable ASCII characters without spaces");
  }
  if (version !== undefined && !(Number.isInteger(version) && version >= 1 && version <= 9_999)) {
    throw invalidOption("version", String(version), "give a schema version from 1 to 9999");
  }
  const traceparent = bus.telemetry?.traceparent();
  const headers = {
    "idempotency-key": id,
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(type === undefined ? {} : { "hms-sync-type": type }),
    ...(version === undefined ? {} : { "hms-sync-version": String(version) }),
  };
  const attempt = async () => {
    const answer = await bus.transport.call({
      method: "POST",
      path: `/v1/topics/${encodeURIComponent(topic)}/events`,
      headers,
      body: text,
      timeoutMs: ATTEMPT_TIMEOUT_MS,
      signal,
    });
    return published(jsonBody(successful(answer, bus.url)));
  };
  const outage = new Outage(`publishing event ${id} to ${topic}`, bus.log, bus.liveness);
  return await persist(attempt, outage, { signal, deadline: performance.now() + timeoutMs });
}

function published({ id, topic, version, duplicate }: Record<string, unknown>): Published {
  if (typeof id === "string" && typeof topic === "string" && typeof version === "number") {
    return { id, topic, version, duplicate: duplicate === true };
  }
  throw malformed("a publish without id, topic and version");
}
