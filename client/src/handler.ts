import { HmsSyncClientError } from "./errors.js";
import { codeOf, placeOf } from "./fault.js";
import type { Logger } from "./log.js";
import type { Message } from "./message.js";
import { isPermanent } from "./permanent.js";
import type { Endable, Subscription } from "./subscription.js";
import type { Telemetry } from "./telemetry.js";

/**
 * What is done with an event. Returning (or resolving) acks it; throwing brings it again after the topic's backoff;
 * throwing `Permanent` makes it a dead letter. What it settles itself stands.
 */
export type Handler<Payload = unknown> = (message: Message<Payload>) => unknown;

export interface HandlerParts<Payload> {
  readonly subscription: Subscription<Payload> & Endable;
  readonly handler: Handler<Payload>;
  /** Most handlers at work at a time. */
  readonly concurrency: number;
  readonly consumer: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly telemetry: Telemetry | undefined;
  readonly log: Logger;
}

/** Hands a subscription's events to a handler. Resolves when the subscription has ended and no handler is at work. */
export async function handleAll<Payload>(parts: HandlerParts<Payload>): Promise<void> {
  const { subscription, concurrency, signal } = parts;
  if (signal?.aborted) return;
  const drain = () => void subscription.end("drain");
  signal?.addEventListener("abort", drain, { once: true });
  const ends = await Promise.allSettled(Array.from({ length: concurrency }, () => work(parts)));
  signal?.removeEventListener("abort", drain);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

/** One event after the other; acks are sent together, on the way of the requests for more. */
async function work<Payload>(parts: HandlerParts<Payload>): Promise<void> {
  const { subscription, telemetry, log } = parts;
  const handler = telemetry?.traced(subscription.topic, parts.consumer, parts.handler) ?? parts.handler;
  for (;;) {
    const { done, value: message } = await subscription.next();
    if (done) return;
    try {
      const returned = handler(message);
      if (isThenable(returned)) await returned;
      message.ack();
    } catch (error) {
      failed(message, error, log);
    }
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value;
}

function failed(message: Message<unknown>, error: unknown, log: Logger): void {
  const { topic, attempt } = message;
  if (isPermanent(error)) {
    message.term(error.reason);
    log.warn("the handler refuses the event for good, it becomes a dead letter", {
      ...{ topic, id: idOf(message), attempt, code: codeOf(error.cause ?? error) },
    });
  } else {
    const code = codeOf(error);
    message.nack({ reason: code });
    log.warn("the handler failed, the event comes again", {
      ...{ topic, id: idOf(message), attempt, code, at: placeOf(error) },
    });
  }
}

/** An event that cannot be read has no id to name. */
function idOf(message: Message<unknown>): string | undefined {
  try {
    return message.id;
  } catch (error) {
    if (error instanceof HmsSyncClientError) return undefined;
    throw error;
  }
}
