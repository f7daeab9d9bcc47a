import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { HmsSyncError } from "../../errors.js";
import { bodyText, invalidRequest } from "../body.js";
import { problemOf } from "../problem.js";
import type { GatewayTopic, Posted, Publish } from "../types.js";
import { batchTexts } from "./batch.js";
import { binaryContext } from "./binary.js";
import { type EventContext, type IncomingEvent, schemaVersionForm } from "./cloudevent.js";
import { idempotencyKey, noKeyForBatch, oneId, webhookId } from "./idempotency.js";
import { type Form, formOf } from "./media-type.js";
import { type Sender, type SenderParts, Senders } from "./senders.js";
import { structuredEvent } from "./structured.js";

export interface IngressParts extends SenderParts {
  readonly publish: Publish;
}

/** What the headers of a request say of its events, before the body is there. */
interface Headline {
  readonly form: Form;
  /** Id that Idempotency-Key or webhook-id give. */
  readonly key: string | undefined;
  /** Of a binary event. */
  readonly context: EventContext | undefined;
  /** Type of a payload that comes alone. */
  readonly type: string | undefined;
  /** Schema version of the payload, of events that do not state it themselves. */
  readonly version: number | undefined;
  /** W3C trace context of the request, for events that carry none. */
  readonly traceparent: string | undefined;
}

/** What became of one event of a batch, as its sender is told. */
type Result = { readonly status: number; readonly id?: string } & Readonly<Record<string, unknown>>;

const typeForm = /^[\x21-\x7e]{1,255}$/;

/**
 * POST /v1/topics/{topic}/events: the way in for what is no Laravel application. A payload alone, or CloudEvents 1.0;
 * 202 is sent once the ledger has the event. What can be refused by the headers is refused before the body is read.
 */
export class Ingress {
  private readonly senders: Senders;

  constructor(private readonly parts: IngressParts) {
    this.senders = new Senders(parts);
  }

  /** Answers a request; rejects with the HmsSyncError that is its problem. */
  async post(request: IncomingMessage, response: ServerResponse, topic: string): Promise<void> {
    const sender = await this.senders.senderOf(request, topic, (known) => headlineOf(request, known));
    if (sender.headline.form === "batch") await this.postBatch(response, sender);
    else await this.postOne(response, sender);
  }

  private async postOne(response: ServerResponse, sender: Sender<Headline>): Promise<void> {
    const event = eventIn(sender.headline, bodyText(sender.body));
    const { id, version, duplicate } = await this.publish(sender, event);
    send(response, 202, { id, topic: sender.topic.name, version, duplicate });
  }

  private async postBatch(response: ServerResponse, sender: Sender<Headline>): Promise<void> {
    const texts = batchTexts(bodyText(sender.body));
    this.senders.countMore(sender, texts.length - 1);
    // Begun in order and not awaited in between: that is the order in which the ledger gets them.
    const results = await Promise.all(texts.map((text) => this.resultOf(sender, text)));
    send(response, results.every(({ status }) => status === 202) ? 202 : 207, { results });
  }

  /** Rejects when the bus failed: the batch is then answered as a whole and may be sent again. */
  private async resultOf(sender: Sender<Headline>, text: string): Promise<Result> {
    let id: string | undefined;
    try {
      const event = structuredEvent(text);
      id = event.id;
      const { duplicate } = await this.publish(sender, event);
      return { status: 202, id, duplicate };
    } catch (error) {
      const { status, code, detail, type: _type, title: _title, ...details } = problemOf(error);
      if (status >= 500) throw error;
      return { status, ...(id === undefined ? {} : { id }), code, detail, ...details };
    }
  }

  private async publish(
    { identity, topic, headline }: Sender<Headline>,
    event: Partial<EventContext> & { readonly payload: string },
  ): Promise<{ id: string; version: number; duplicate: boolean }> {
    const id = event.id ?? headline.key ?? randomUUID();
    const traceparent = event.traceparent ?? headline.traceparent;
    const version = event.version ?? headline.version;
    const posted: Posted = {
      topic: topic.name,
      payload: event.payload,
      id,
      source: identity.admin ? "cli" : identity.system,
      type: event.type ?? headline.type ?? topic.name,
      time: event.time ?? new Date().toISOString(),
      anyTopic: identity.admin,
      ...(event.subject === undefined ? {} : { subject: event.subject }),
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(version === undefined ? {} : { version }),
    };
    return { id, ...(await this.parts.publish(posted)) };
  }
}

/** All that can be judged before the body; `topic` is undefined while it is not known who asks. */
function headlineOf(request: IncomingMessage, topic: GatewayTopic | undefined): Headline {
  const { headers } = request;
  const form = formOf(headers);
  const context = form === "binary" ? binaryContext(request.headersDistinct) : undefined;
  const key = keyOf(request, form, context);
  if (form === "payload" && key === undefined && topic?.qos === "exactly_once") throw keyRequired(topic.name);
  const traceparent = headers.traceparent;
  return {
    form,
    key,
    context,
    type: form === "payload" ? typeOf(headers["hms-sync-type"]) : undefined,
    version: versionOf(headers["hms-sync-version"]),
    traceparent: typeof traceparent === "string" ? traceparent : undefined,
  };
}

function keyOf(
  { headers }: IncomingMessage,
  form: Form,
  context: EventContext | undefined,
): string | undefined {
  if (form === "batch") {
    noKeyForBatch(headers);
    return undefined; // a webhook-id names the request; its events have ids
  }
  return oneId({
    "ce-id": context?.id,
    "Idempotency-Key": idempotencyKey(headers),
    "webhook-id": webhookId(headers),
  });
}

function eventIn(
  { form, key, context }: Headline,
  text: string,
): Partial<EventContext> & { payload: string } {
  if (form !== "structured") return { ...context, payload: text };
  const event: IncomingEvent = structuredEvent(text);
  oneId({ "the event's id": event.id, "the id in the headers": key });
  return event;
}

function typeOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined || typeForm.test(String(header))) return header as string | undefined;
  throw invalidRequest("HMS-Sync-Type", header, "1 to 255 printable ASCII characters without spaces");
}

function versionOf(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (schemaVersionForm.test(String(header))) return Number(header);
  throw invalidRequest("HMS-Sync-Version", header, "a schema version from 1 to 9999, like 2");
}

function keyRequired(topic: string): HmsSyncError {
  return new HmsSyncError(
    "idempotency_key_required",
    `${topic} is exactly_once: send an Idempotency-Key header that stays the same when you repeat the request`,
    { status: 400 },
  );
}

function send(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}
