import { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { eventually } from "../../test/support/eventually.js";
import { fixture } from "./support/fixture.js";
import { deliver, envelope, json } from "./support/scripted-bus.js";

const at = fixture();
const exporter = new InMemorySpanExporter();
const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  );
});
beforeEach(() => exporter.reset());
afterAll(() => {
  trace.disable();
  context.disable();
  propagation.disable();
});

/** An envelope that belongs to a trace. */
function traced(id: string): string {
  return envelope(id).replace(/\}$/, `,"traceparent":"${parent}"}`);
}

async function spanOf(handler: () => unknown, write = traced): Promise<ReadableSpan> {
  at.server.on("pull", deliver("r1.1", 1, { envelope: write }));
  const bus = await at.connect();
  void bus.handle("t", handler);
  await eventually(() => exporter.getFinishedSpans().length > 0);
  return exporter.getFinishedSpans()[0]!;
}

test("a handler runs in a consumer span that belongs to the event's trace", async () => {
  let inside: string | undefined;
  const span = await spanOf(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    inside = trace.getActiveSpan()?.spanContext().spanId;
  });
  expect(span).toMatchObject({ name: "process t", kind: SpanKind.CONSUMER });
  expect(span.spanContext().traceId).toBe("0af7651916cd43dd8448eb211c80319c");
  expect(span.parentSpanContext).toMatchObject({ spanId: "b7ad6b7169203331", isRemote: true });
  expect(span.attributes).toEqual({
    "messaging.system": "hms_sync",
    "messaging.operation.type": "process",
    "messaging.operation.name": "process",
    "messaging.destination.name": "t",
    "messaging.consumer.group.name": "city-health",
    "messaging.message.id": "r1.1.0",
    "hms_sync.attempt": 1,
  });
  expect(inside).toBe(span.spanContext().spanId);
  await at.server.settled("ack r1.1.0");
});

test("an event without a trace begins one", async () => {
  const span = await spanOf(() => undefined, envelope);
  expect(span.parentSpanContext).toBeUndefined();
});

test("a handler that fails marks its span by code, and the event comes again", async () => {
  const span = await spanOf(() => Promise.reject(Object.assign(new Error("Ada"), { code: "23505" })));
  expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message: "23505" });
  expect(span.attributes["error.type"]).toBe("23505");
  expect(JSON.stringify([span.attributes, span.events, span.status])).not.toContain("Ada");
  await at.server.settled("nack r1.1.0");
});

test("what is published in a span belongs to its trace", async () => {
  at.server.on("publish", ...Array(2).fill(json({ id: "a", topic: "t", version: 1 }, 202)));
  const bus = await at.connect();
  await bus.publish("t", {});
  const span = trace.getTracer("test").startSpan("work");
  await context.with(trace.setSpan(context.active(), span), () => bus.publish("t", {}));
  span.end();
  const { traceId, spanId } = span.spanContext();
  const sent = at.server.of("publish").map(({ headers }) => headers.traceparent);
  expect(sent).toEqual([undefined, `00-${traceId}-${spanId}-01`]);
});
