import { afterEach, expect, test } from "vitest";
import { eventually } from "../../../test/support/eventually.js";
import { createTestBus, type TestBus, type TestBusOptions } from "../../src/testing/index.js";

const topic = "payments.issued";
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
let bus: TestBus | undefined;

function kit(options: Partial<TestBusOptions> = {}): TestBus {
  bus = createTestBus({ consumer: "treasury-payroll", topics: { [topic]: {} }, ...options });
  return bus;
}

afterEach(async () => {
  await bus?.close();
  bus = undefined;
});

test("an ack that finds the bus down gets through when it is up again", async () => {
  const bus = kit();
  const client = await bus.connect({ logger: quiet });
  void client.handle(topic, () => bus.down());
  await bus.publish(topic, {}, { id: "p-1" });
  await bus.idle();
  await eventually(() => client.health().failing === "unreachable");
  await bus.publish(topic, {}, { id: "p-2" });
  expect(bus.owed(topic)).toMatchObject([
    { id: "p-1", waiting: "leased" },
    { id: "p-2", waiting: "ready" },
  ]);
  bus.up();
  await eventually(() => bus.acked(topic).length === 1);
});

test("idle waits for an ack that is to be sent again", async () => {
  const bus = kit();
  const client = await bus.connect({ logger: quiet });
  void client.handle(topic, () => bus.down());
  await bus.publish(topic, {});
  await bus.idle();
  bus.up();
  await bus.idle();
  expect(bus.acked(topic)).toHaveLength(1);
});

test("of a lease that lapsed while the bus was down the late ack counts, unless the event went out before it", async () => {
  const bus = kit();
  const client = await bus.connect({ logger: quiet });
  const attempts: number[] = [];
  void client.handle(topic, ({ attempt }) => {
    attempts.push(attempt);
    if (attempt === 1) bus.down();
  });
  await bus.publish(topic, {});
  await bus.idle();
  await bus.passTime("31s");
  bus.up();
  await bus.idle();
  expect(bus.acked(topic)).toMatchObject([{ attempts: attempts.length }]);
  expect(bus.owed(topic)).toEqual([]);
});

test("connect waits for a bus that is down", async () => {
  const bus = kit();
  bus.down();
  const connecting = bus.connect({ logger: quiet });
  bus.up();
  expect(await connecting).toMatchObject({ system: "treasury-payroll", consumer: "treasury-payroll" });
  bus.down();
  const signal = AbortSignal.timeout(30);
  await expect(bus.connect({ logger: quiet, signal })).rejects.toMatchObject({ name: "TimeoutError" });
});

test("what the adapter publishes is told with its source and does not come back to it", async () => {
  const bus = kit();
  const client = await bus.connect();
  const seen: string[] = [];
  void client.handle(topic, ({ id }) => seen.push(id));
  expect(await client.publish(topic, { n: 1 }, { id: "own", type: "Moved" })).toEqual({
    ...{ id: "own", topic, version: 1, duplicate: false },
  });
  await bus.publish(topic, { n: 2 }, { id: "other", source: "city-health", version: 2 });
  await bus.idle();
  expect(seen).toEqual(["other"]);
  expect(bus.published(topic)).toEqual([
    { id: "own", source: "treasury-payroll", version: 1, subject: undefined, payload: { n: 1 } },
    { id: "other", source: "city-health", version: 2, subject: undefined, payload: { n: 2 } },
  ]);
});

test("an id is recorded once; with another body it is refused", async () => {
  const bus = kit();
  const client = await bus.connect();
  await client.publish(topic, { n: 1 }, { id: "p-1" });
  expect(await client.publish(topic, { n: 1 }, { id: "p-1" })).toMatchObject({ duplicate: true });
  await expect(client.publish(topic, { n: 2 }, { id: "p-1" })).rejects.toMatchObject({ code: "id_reused" });
  expect(await bus.publish(topic, { n: 2 }, { id: "p-1" })).toMatchObject({ duplicate: false }); // of hms-api
});

test("payloads are checked by the validate function, on both ways in", async () => {
  const schema = { required: ["amount"] };
  const errors = [{ path: "/amount", message: "is required" }];
  const validate = (given: object, payload: unknown) =>
    given === schema && !("amount" in (payload as object)) ? errors : [];
  const bus = kit({ topics: { [topic]: { schema } }, validate });
  const refusal = { code: "schema_violation", status: 422, errors, retryable: false };
  await expect(bus.publish(topic, {})).rejects.toMatchObject(refusal);
  const client = await bus.connect();
  await expect(client.publish(topic, {})).rejects.toMatchObject(refusal);
  await client.publish(topic, { amount: "12.50" });
  expect(bus.published(topic)).toHaveLength(1);
});

test.each([
  ["a list", "[1]", "not_an_object"],
  ["half an object", "{", "malformed_json"],
])("%s is no payload", async (_name, text, code) => {
  const bus = kit();
  await expect(bus.publishText(topic, text)).rejects.toMatchObject({ code });
  const client = await bus.connect();
  await expect(client.publishText(topic, text)).rejects.toMatchObject({ code });
});

test("the envelope is the gateway's", async () => {
  const bus = kit({
    startAt: "2024-04-23T15:00:00Z",
    topics: { [topic]: { qos: "exactly_once", retention: "1d" } },
  });
  const client = await bus.connect();
  let text: unknown;
  void client.handle(topic, ({ envelope }) => {
    text = JSON.stringify(envelope);
  });
  const time = "2024-04-23T14:00:00Z";
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  await bus.publish(
    topic,
    { n: 1 },
    { id: "p-1", time, subject: "k", type: "App\\Events\\Issued", traceparent },
  );
  await bus.idle();
  expect(text).toBe(
    `{"topic":"${topic}","version":1,"payload":{"n":1},"qos":"exactly_once",` +
      `"replayable_until":"2024-04-24T14:00:00.000Z","id":"p-1","source":"hms-api",` +
      `"type":"App\\\\Events\\\\Issued","time":"${time}","subject":"k","traceparent":"${traceparent}"}`,
  );
});

test("since asks for the window first", async () => {
  const bus = kit();
  const client = await bus.connect();
  const ends = new AbortController();
  const first = client.handle(topic, () => undefined, { signal: ends.signal });
  await bus.publish(topic, {}, { id: "p-1" });
  await bus.idle();
  ends.abort();
  await first;
  const seen: string[] = [];
  void client.handle(topic, ({ id, replayed }) => seen.push(`${id} ${replayed}`), { since: "1h" });
  await bus.publish(topic, {}, { id: "p-2" });
  await bus.idle();
  expect(seen).toEqual(["p-1 true", "p-2 false"]);
});

test.each([
  [{ ack_wait: "30s" }, /topics\["t"\]\.ack_wait.*ackWait, maxDeliver/],
  [{ ackWait: "30 seconds" }, /topics\["t"\]\.ackWait is "30 seconds"; give a duration like "30s"/],
  [{ ackWait: 0 }, /more than 0/],
  [{ maxDeliver: 0 }, /at least 1/],
  [{ backoff: [] }, /at least one delay/],
  [{ order: "keys" }, /none or key/],
  [{ key: "case" }, /JSON Pointer/],
])("the option %j is refused by name", (options, message) => {
  expect(() => createTestBus({ consumer: "c", topics: { t: options as object } })).toThrow(message);
});

test("a topic that the bus has not is refused with those it has", async () => {
  const bus = kit();
  await expect(bus.publish("payments.isued", {})).rejects.toThrow(`it has ${topic}`);
  const client = await bus.connect();
  await expect(client.handle("payments.isued", () => undefined)).rejects.toMatchObject({
    code: "unknown_topic",
  });
  await expect(bus.connect({ consumer: "city-health" })).rejects.toMatchObject({ code: "invalid_option" });
});
