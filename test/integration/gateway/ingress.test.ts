import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ledgerKeys } from "../../../src/redis/keys.js";
import { type Answer, type CallOptions, call, type Running, running } from "./harness.js";

let bus: Running;
let redis: Redis;
let token: string;
const topic = "notes.added";
const strict = "inspections.status";

beforeAll(async () => {
  bus = await running({}, "$systems:\n  ehr-clinic: {rate: none}\n");
  redis = new Redis(bus.redis.url);
  token = await key("ehr-clinic");
});
afterAll(async () => {
  redis.disconnect();
  await bus.close();
});

const admin = (method: string, path: string, options: CallOptions = {}) =>
  call(bus.sidecar.url, method, path, { token: bus.adminToken, ...options });
const key = async (system: string) => (await admin("POST", "/v1/keys", { body: { system } })).body.token;
const post = (body: unknown, headers: Record<string, string> = {}, options: CallOptions = {}, to = topic) =>
  call(bus.sidecar.url, "POST", `/v1/topics/${to}/events`, { token, body, headers, ...options });

/** Envelope texts of the topic's ledger. */
async function ledger(name = topic): Promise<string[]> {
  const entries = await redis.xrange(ledgerKeys(name).stream, "-", "+");
  return entries.map(([, fields]) => fields[fields.indexOf("e") + 1]!);
}

/** Runs `call`; what it added to the ledgers of both topics. */
async function recordedBy(call: () => Promise<unknown>): Promise<string[]> {
  const before = new Set([...(await ledger()), ...(await ledger(strict))]);
  await call();
  return [...(await ledger()), ...(await ledger(strict))].filter((text) => !before.has(text));
}

const cloudevents = { "content-type": "application/cloudevents+json" };
const batches = { "content-type": "application/cloudevents-batch+json" };
let ids = 0;
const freshId = () => `event-${++ids}`;
const cloudevent = (id: string, members: Record<string, unknown> = {}) => ({
  specversion: "1.0",
  id,
  source: "/offices/7",
  type: "org.clinic.note",
  data: { note: id },
  ...members,
});
const ce = (id: string, headers: Record<string, string> = {}) => ({
  "ce-specversion": "1.0",
  "ce-id": id,
  "ce-source": "/offices/7",
  "ce-type": "org.clinic.note",
  ...headers,
});

describe("an event", () => {
  const payload =
    '{"n":9007199254740993,"big":18446744073709551616,"e":{},"l":[],"s":"\\u00e9\\/ü","f":1.0e3}';
  const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const own = { time: "2024-04-23T15:02:11Z", subject: "note 1", traceparent: trace };
  const text = JSON.stringify({ ...cloudevent("ID", own), data: "PAYLOAD" });
  const inHeaders = { "ce-time": own.time, "ce-subject": "note%201", "ce-traceparent": trace };
  const encoded = Buffer.from(payload).toString("base64");

  test.each<[string, (id: string) => Promise<Answer>]>([
    ["plain", (id) => post(payload, { "idempotency-key": id, traceparent: trace })],
    ["structured", (id) => post(text.replace("ID", id).replace('"PAYLOAD"', payload), cloudevents)],
    [
      "structured, base64",
      (id) =>
        post(text.replace("ID", id).replace('"data":"PAYLOAD"', `"data_base64":"${encoded}"`), cloudevents),
    ],
    ["binary", (id) => post(payload, ce(id, inHeaders))],
    ["batch", (id) => post(`[${text.replace("ID", id).replace('"PAYLOAD"', payload)}]`, batches)],
  ])(
    "sent %s reaches the ledger with its payload byte for byte, under the system's name",
    async (form, send) => {
      const id = freshId();
      let answer: Answer | undefined;
      const [envelope, ...more] = await recordedBy(async () => {
        answer = await send(id);
      });
      expect(more).toEqual([]);
      const told = form === "batch" ? answer!.body.results[0] : answer!.body;
      expect([answer!.status, told.id, told.duplicate]).toEqual([202, id, false]);
      expect(envelope).toContain(`"payload":${payload},"qos"`);
      expect(JSON.parse(envelope!)).toMatchObject({ id, source: "ehr-clinic", traceparent: trace });
      if (form === "plain") expect(JSON.parse(envelope!).type).toBe(topic);
      else expect(JSON.parse(envelope!)).toMatchObject({ ...own, type: "org.clinic.note" });
    },
  );

  test.each<[string, (id: string) => Promise<Answer>]>([
    ["plain", (id) => post({ a: 1 }, { "idempotency-key": `"${id}"` })],
    ["structured", (id) => post(cloudevent(id), cloudevents)],
    ["binary", (id) => post({ a: 1 }, ce(id))],
    [
      "with the same key in each place",
      (id) => post({ a: 1 }, ce(id, { "idempotency-key": id, "webhook-id": id })),
    ],
  ])("sent twice, %s, is one event", async (_form, send) => {
    const id = freshId();
    const recorded = await recordedBy(async () => {
      expect((await send(id)).body).toMatchObject({ id, duplicate: false });
      expect(await send(id)).toMatchObject({ status: 202, body: { id, duplicate: true } });
    });
    expect(recorded).toHaveLength(1);
  });

  test("is the same event in whatever form it comes again", async () => {
    const id = freshId();
    const recorded = await recordedBy(async () => {
      await post({ note: id }, ce(id));
      expect((await post(cloudevent(id), cloudevents)).body.duplicate).toBe(true);
      expect((await post([cloudevent(id)], batches)).body.results[0].duplicate).toBe(true);
    });
    expect(recorded).toHaveLength(1);
  });

  test("of an exactly_once topic may have the id of its CloudEvent for a key", async () => {
    const hms = await key("hms-api");
    for (const [body, headers] of [
      [{ inspectionId: 1 }, ce(freshId())],
      [cloudevent(freshId(), { data: { inspectionId: 1 } }), cloudevents],
      [{ inspectionId: 1 }, { "webhook-id": freshId() }],
    ] as [unknown, Record<string, string>][]) {
      expect((await post(body, headers, { token: hms }, strict)).status).toBe(202);
    }
  });
});

describe("the schema version an event states", () => {
  test.each([
    ["in HMS-Sync-Version", () => post({ n: 1 }, { "hms-sync-version": "1" })],
    ["in ce-schemaversion", () => post({ n: 1 }, ce(freshId(), { "ce-schemaversion": "1" }))],
    ["as text in a CloudEvent", () => post(cloudevent(freshId(), { schemaversion: "1" }), cloudevents)],
    ["as a number in a CloudEvent", () => post(cloudevent(freshId(), { schemaversion: 1 }), cloudevents)],
  ])("%s is taken when the topic has it", async (_, send) => {
    expect(await send()).toMatchObject({ status: 202, body: { version: 1 } });
  });

  test.each([
    ["in HMS-Sync-Version", () => post({ n: 1 }, { "hms-sync-version": "9" })],
    ["in ce-schemaversion", () => post({ n: 1 }, ce(freshId(), { "ce-schemaversion": "9" }))],
    ["as a number in a CloudEvent", () => post(cloudevent(freshId(), { schemaversion: 9 }), cloudevents)],
  ])("%s is refused when the topic has it not, and records nothing", async (_, send) => {
    let answer: Answer | undefined;
    const recorded = await recordedBy(async () => {
      answer = await send();
    });
    expect(answer).toMatchObject({ status: 422, body: { code: "unknown_version" } });
    expect(recorded).toEqual([]);
  });

  test.each([
    ["in HMS-Sync-Version", () => post({ n: 1 }, { "hms-sync-version": "v1" }), "invalid_request"],
    [
      "in ce-schemaversion",
      () => post({ n: 1 }, ce(freshId(), { "ce-schemaversion": "1.5" })),
      "invalid_cloudevent",
    ],
    [
      "in a CloudEvent",
      () => post(cloudevent(freshId(), { schemaversion: true }), cloudevents),
      "invalid_cloudevent",
    ],
  ])("%s is refused when it is none", async (_, send, code) => {
    expect(await send()).toMatchObject({ status: 400, body: { code } });
  });
});

describe("a batch", () => {
  test("keeps its order in the ledger, and tells of each event", async () => {
    const events = Array.from({ length: 500 }, () => cloudevent(freshId()));
    let answer: Answer | undefined;
    const recorded = await recordedBy(async () => {
      answer = await post(events, batches);
    });
    expect(answer!.status).toBe(202);
    expect(answer!.body.results).toEqual(events.map(({ id }) => ({ status: 202, id, duplicate: false })));
    expect(recorded.map((text) => JSON.parse(text).id)).toEqual(events.map(({ id }) => id));
  });

  test("with good and bad events answers 207, each in its place, and records the good ones", async () => {
    const [first, last, reused] = [freshId(), freshId(), freshId()];
    await post(cloudevent(reused), cloudevents);
    const events = [
      JSON.stringify(cloudevent(first)),
      JSON.stringify(cloudevent("0.3", { specversion: "0.3" })),
      JSON.stringify(cloudevent("array", { data: [1] })),
      JSON.stringify(cloudevent(first)),
      JSON.stringify(cloudevent(reused, { data: { other: true } })),
      '{"specversion":"1.0","id":"twice","id":"twice"}',
      "7",
      JSON.stringify(cloudevent("when", { time: "yesterday" })),
      JSON.stringify(cloudevent(last)),
    ];
    let answer: Answer | undefined;
    const recorded = await recordedBy(async () => {
      answer = await post(`[${events.join(" , ")}]`, batches);
    });
    expect(answer!.status).toBe(207);
    const results = answer!.body.results as Record<string, unknown>[];
    expect(results.map(({ status, id, code, duplicate }) => [status, id, code ?? duplicate])).toEqual([
      [202, first, false],
      [400, undefined, "unsupported_specversion"],
      [422, "array", "not_an_object"],
      [202, first, true],
      [422, reused, "id_reused"],
      [422, undefined, "duplicate_member"],
      [400, undefined, "invalid_cloudevent"],
      [400, "when", "invalid_time"],
      [202, last, false],
    ]);
    for (const { status, detail } of results)
      expect(typeof detail).toBe(status === 202 ? "undefined" : "string");
    expect(recorded.map((text) => JSON.parse(text).id)).toEqual([first, last]);
  });

  test("tells of a schema's violations with their paths", async () => {
    const wrong = cloudevent(freshId(), { data: { inspectionId: "one" } });
    const { body } = await post([wrong], batches, { token: bus.adminToken }, strict);
    expect(body.results[0]).toMatchObject({ code: "schema_violation", errors: [{ path: "/inspectionId" }] });
  });
});

describe("bad input is answered as a problem and records nothing:", () => {
  const deep = (levels: number) => `{"a":${"[".repeat(levels)}${"]".repeat(levels)}}`;
  const oneByte = (byte: number) =>
    Buffer.concat([Buffer.from('{"a":"'), Buffer.from([byte]), Buffer.from('"}')]);
  const table: [string, unknown, Record<string, string>, number, string][] = [
    ["duplicate members", '{"a":1,"a":2}', {}, 422, "duplicate_member"],
    ["nesting of 65", deep(65), {}, 422, "too_deep"],
    ["nesting of 100,000", deep(100_000), {}, 422, "too_deep"],
    ["bad UTF-8", oneByte(0xff), {}, 400, "invalid_utf8"],
    ["an overlong encoding", oneByte(0xc0), {}, 400, "invalid_utf8"],
    ["a serialized PHP object", 'O:8:"stdClass":0:{}', {}, 400, "malformed_json"],
    ["an empty body", "", {}, 400, "malformed_json"],
    ["a number", "18446744073709551616", {}, 422, "not_an_object"],
    ["text", "x=1", { "content-type": "application/x-www-form-urlencoded" }, 415, "unsupported_media_type"],
    [
      "another charset",
      "{}",
      { "content-type": "application/json; charset=latin1" },
      415,
      "unsupported_media_type",
    ],
    ["a compressed body", "{}", { "content-encoding": "gzip" }, 415, "unsupported_encoding"],
    ["two keys", "{}", { "idempotency-key": "a", "webhook-id": "b" }, 400, "conflicting_ids"],
    ["a key unlike ce-id", "{}", ce("a", { "idempotency-key": "b" }), 400, "conflicting_ids"],
    [
      "a key unlike the event's id",
      cloudevent("a"),
      { ...cloudevents, "idempotency-key": "b" },
      400,
      "conflicting_ids",
    ],
    [
      "a webhook-id unlike the event's id",
      cloudevent("a"),
      { ...cloudevents, "webhook-id": "b" },
      400,
      "conflicting_ids",
    ],
    ["a key for a batch", [cloudevent("a")], { ...batches, "idempotency-key": "a" }, 400, "conflicting_ids"],
    ["a key with a space", "{}", { "idempotency-key": '"a b"' }, 400, "invalid_request"],
    ["an empty batch", "[]", batches, 400, "invalid_batch"],
    ["a batch that is one event", cloudevent("a"), batches, 400, "invalid_batch"],
    ["half a batch", "[{}", batches, 400, "malformed_json"],
    ["a batch of 501", `[${"{},".repeat(500)}{}]`, batches, 413, "batch_too_long"],
    ["an array as one event", [cloudevent("a")], cloudevents, 400, "invalid_cloudevent"],
    ["specversion 0.3", cloudevent("a", { specversion: "0.3" }), cloudevents, 400, "unsupported_specversion"],
    [
      "specversion 0.3 in a header",
      "{}",
      ce("a", { "ce-specversion": "0.3" }),
      400,
      "unsupported_specversion",
    ],
    ["no specversion", "{}", { "ce-id": "a" }, 400, "invalid_cloudevent"],
    ["no source", cloudevent("a", { source: undefined }), cloudevents, 400, "invalid_cloudevent"],
    [
      "bad base64",
      cloudevent("a", { data: undefined, data_base64: "e30" }),
      cloudevents,
      400,
      "invalid_cloudevent",
    ],
    [
      "base64 of no JSON",
      cloudevent("a", { data: undefined, data_base64: "eA==" }),
      cloudevents,
      400,
      "malformed_json",
    ],
    [
      "base64 of bad UTF-8",
      cloudevent("a", { data: undefined, data_base64: "/w==" }),
      cloudevents,
      400,
      "invalid_utf8",
    ],
    ["text as data", cloudevent("a", { data: '{"a":1}' }), cloudevents, 422, "not_an_object"],
    [
      "XML as data",
      cloudevent("a", { datacontenttype: "text/xml" }),
      cloudevents,
      415,
      "unsupported_media_type",
    ],
    ["bad percent-encoding", "{}", ce("a", { "ce-subject": "100%" }), 400, "invalid_cloudevent"],
    ["percent-encoded bad UTF-8", "{}", ce("a", { "ce-subject": "%C0%A0" }), 400, "invalid_utf8"],
    [
      "a time of no kind",
      cloudevent("a", { time: "2024-02-30T00:00:00Z" }),
      cloudevents,
      400,
      "invalid_time",
    ],
    ["a time without offset", "{}", ce("a", { "ce-time": "2024-04-23T15:02:11" }), 400, "invalid_time"],
    ["an id of 300 characters", cloudevent("a".repeat(300)), cloudevents, 400, "invalid_id"],
    [
      "a type of 600 characters",
      cloudevent("a", { type: "t".repeat(600) }),
      cloudevents,
      400,
      "invalid_type",
    ],
    ["300 KiB", { x: "y".repeat(300 * 1024) }, {}, 413, "body_too_large"],
    [
      "300 KiB as a batch",
      [cloudevent("a", { data: { x: "y".repeat(300 * 1024) } })],
      batches,
      413,
      "body_too_large",
    ],
  ];

  test.each(table)("%s", async (_name, body, headers, status, code) => {
    let answer: Answer | undefined;
    const recorded = await recordedBy(async () => {
      answer = await post(body, headers);
    });
    expect([answer!.status, answer!.body.code]).toEqual([status, code]);
    expect(answer!.headers.get("content-type")).toBe("application/problem+json");
    expect(answer!.body.detail.length).toBeGreaterThan(10);
    expect(recorded).toEqual([]);
  });

  test.each<[string, CallOptions, string, number, string]>([
    ["no key on an exactly_once topic", {}, "{}", 400, "idempotency_key_required"],
    ["a token of another system", { token: "city-health" }, "{", 403, "producer_not_listed"],
    ["no token", { token: "" }, "{", 401, "unauthorized"],
  ])("%s, before the body is looked at", async (_name, options, body, status, code) => {
    const { token: system } = options;
    const used = system === undefined ? bus.adminToken : system === "" ? undefined : await key(system);
    for (const headers of [{}, cloudevents, batches, ce(freshId())] as Record<string, string>[]) {
      if (code === "idempotency_key_required" && Object.keys(headers).length > 0) continue;
      const recorded = await recordedBy(async () => {
        const answer = await call(bus.sidecar.url, "POST", `/v1/topics/${strict}/events`, {
          body,
          headers,
          ...(used === undefined ? {} : { token: used }),
        });
        expect([answer.status, answer.body.code]).toEqual([status, code]);
      });
      expect(recorded).toEqual([]);
    }
  });
});

test.each([
  ["a serialized PHP object", 'O:8:"stdClass":1:{s:1:"a";i:1;}'],
  ["a class name", "App\\Jobs\\DeleteEverything"],
  ["a gadget chain", 'O:40:"Illuminate\\Broadcasting\\PendingBroadcast":2:{}'],
  ["a prototype", "__proto__"],
  ["a script", "<script>alert(1)</script>"],
])("%s in a payload is text like any other", async (_name, text) => {
  const payload = JSON.stringify({ note: text, [text]: text });
  const recorded = await recordedBy(async () => {
    expect((await post(payload, { "idempotency-key": freshId() })).status).toBe(202);
  });
  expect(recorded).toHaveLength(1);
  expect(recorded[0]).toContain(`"payload":${payload},`);
});

test("the process lives through all of it", async () => {
  expect((await call(bus.sidecar.url, "GET", "/readyz")).status).toBe(200);
  expect(bus.logLines.filter((line) => line.includes("request failed"))).toEqual([]);
});
