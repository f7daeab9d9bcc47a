import type { Context, Span, Tracer } from "@opentelemetry/api";
import { codeOf } from "./fault.js";
import type { Handler } from "./handler.js";
import type { Logger } from "./log.js";
import type { EventMessage, Message } from "./message.js";

/** Traces of what happens to events, in the program's own tracing. */
export interface Telemetry {
  /** The handler, run in a span `process <topic>` that belongs to the event's trace. */
  traced<Payload>(topic: string, consumer: string | undefined, handler: Handler<Payload>): Handler<Payload>;
  /** The active span in W3C's form, for an event that it publishes. */
  traceparent(): string | undefined;
}

type Api = typeof import("@opentelemetry/api");

const TRACER = "@hms-sync/client";
const TRACEPARENT = /^(?!ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})/;

/** OpenTelemetry, when the program has `@opentelemetry/api`; undefined otherwise. */
export async function findTelemetry(log: Logger): Promise<Telemetry | undefined> {
  try {
    return new OpenTelemetry(await import("@opentelemetry/api"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ERR_MODULE_NOT_FOUND")
      log.warn("@opentelemetry/api cannot be loaded, nothing is traced", { code });
    return undefined;
  }
}

class OpenTelemetry implements Telemetry {
  /** Whether a tracer was set up; one may be after connect(). */
  private ready = false;

  constructor(private readonly api: Api) {}

  traced<Payload>(topic: string, consumer: string | undefined, handler: Handler<Payload>): Handler<Payload> {
    const tracer = this.api.trace.getTracer(TRACER);
    const name = `process ${topic}`;
    const attributes = {
      "messaging.system": "hms_sync",
      "messaging.operation.type": "process",
      "messaging.operation.name": "process",
      "messaging.destination.name": topic,
      ...(consumer === undefined ? {} : { "messaging.consumer.group.name": consumer }),
    };
    return (message) => {
      this.ready ||= this.isSetUp();
      return this.ready ? this.process(tracer, name, attributes, handler, message) : handler(message);
    };
  }

  traceparent(): string | undefined {
    const { context, isSpanContextValid, trace } = this.api;
    const active = trace.getSpanContext(context.active());
    if (active === undefined || !isSpanContextValid(active)) return undefined;
    const flags = (active.traceFlags & 0xff).toString(16).padStart(2, "0");
    return `00-${active.traceId}-${active.spanId}-${flags}`;
  }

  private async process<Payload>(
    tracer: Tracer,
    name: string,
    common: Readonly<Record<string, string>>,
    handler: Handler<Payload>,
    message: Message<Payload>,
  ): Promise<unknown> {
    const { SpanKind, context, trace } = this.api;
    const attributes = { ...common, "messaging.message.id": message.id, "hms_sync.attempt": message.attempt };
    const parent = this.parentOf(message);
    const span = tracer.startSpan(name, { kind: SpanKind.CONSUMER, attributes }, parent);
    try {
      return await context.with(trace.setSpan(parent, span), handler, undefined, message);
    } catch (error) {
      this.failed(span, error);
      throw error;
    } finally {
      span.end();
    }
  }

  private parentOf(message: Message<unknown>): Context {
    const { context, trace } = this.api;
    const match = TRACEPARENT.exec((message as EventMessage<unknown>).traceparent ?? "");
    if (match === null) return context.active();
    const [, traceId, spanId, flags] = match as unknown as [string, string, string, string];
    const remote = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
    return trace.setSpanContext(context.active(), remote);
  }

  /** By code: the message of an error may quote the event. */
  private failed(span: Span, error: unknown): void {
    const code = codeOf(error);
    span.setAttribute("error.type", code);
    span.setStatus({ code: this.api.SpanStatusCode.ERROR, message: code });
  }

  /** Without a tracer there is no need to look for the event's trace. */
  private isSetUp(): boolean {
    const provider = this.api.trace.getTracerProvider() as { getDelegateTracer?(name: string): unknown };
    return provider.getDelegateTracer === undefined || provider.getDelegateTracer(TRACER) !== undefined;
  }
}
