import { connect } from "node:net";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { type CallOptions, call, type Running, running } from "./harness.js";

let bus: Running;
let url: string;

beforeAll(async () => {
  bus = await running();
  url = bus.sidecar.url;
});
afterAll(() => bus.close());

const admin = (method: string, path: string, options: CallOptions = {}) =>
  call(url, method, path, { token: bus.adminToken, ...options });
const status = "/v1/topics/inspections.status";

async function key(system: string): Promise<string> {
  const { body } = await admin("GET", "/v1/keys");
  for (const { id, system: owner } of body.keys)
    if (owner === system) await admin("DELETE", `/v1/keys/${id}`);
  return (await admin("POST", "/v1/keys", { body: { system } })).body.token;
}

let ids = 0;
const post = (body: unknown, options: CallOptions = {}, topic = "inspections.status") =>
  admin("POST", `/v1/topics/${topic}/events`, {
    body,
    ...options,
    headers: { "idempotency-key": `k-${++ids}`, ...options.headers },
  });

describe("publishing", () => {
  test("202 comes with id, topic, version; the same key again is a duplicate, with another body it is refused", async () => {
    const headers = { "idempotency-key": "same" };
    const first = await post({ inspectionId: 1 }, { headers });
    expect(first.status).toBe(202);
    expect(first.body).toEqual({ id: "same", topic: "inspections.status", version: 1, duplicate: false });
    expect((await post({ inspectionId: 1 }, { headers })).body.duplicate).toBe(true);
    const reused = await post({ inspectionId: 2 }, { headers });
    expect(reused.status).toBe(422);
    expect(reused.body).toMatchObject({ code: "id_reused", status: 422 });
    expect(reused.headers.get("content-type")).toBe("application/problem+json");
  });

  test("fifty posts at once with one key are one event", async () => {
    const headers = { "idempotency-key": "fifty" };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => post({ inspectionId: 50 }, { headers })),
    );
    expect(answers.every((answer) => answer.status === 202)).toBe(true);
    expect(answers.filter((answer) => answer.body.duplicate === false)).toHaveLength(1);
  });

  test("a key may be quoted, as the IETF draft writes it", async () => {
    expect((await post({ inspectionId: 3 }, { headers: { "idempotency-key": '"quoted"' } })).body.id).toBe(
      "quoted",
    );
  });

  test("an at_least_once topic needs no key, an exactly_once topic does", async () => {
    const token = await key("ehr-clinic");
    const free = await call(url, "POST", "/v1/topics/notes.added/events", { token, body: { note: "x" } });
    expect(free.status).toBe(202);
    const missing = await admin("POST", `${status}/events`, { body: { inspectionId: 1 } });
    expect(missing).toMatchObject({ status: 400, body: { code: "idempotency_key_required" } });
  });

  const nested = `{"inspectionId":1,"x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  const refused: [string, unknown, CallOptions, number, string][] = [
    ["malformed JSON", '{"inspectionId":', {}, 400, "malformed_json"],
    ["an empty body", "", {}, 400, "malformed_json"],
    ["a wrong type", { inspectionId: "one" }, {}, 422, "schema_violation"],
    ["a missing member", { newStatus: "x" }, {}, 422, "schema_violation"],
    ["an array", [1], {}, 422, "not_an_object"],
    ["nesting of 200,000", nested, {}, 422, "too_deep"],
    ["invalid UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), {}, 400, "invalid_utf8"],
    ["one megabyte", { inspectionId: 1, x: "y".repeat(1_000_000) }, {}, 413, "body_too_large"],
    [
      "another media type",
      "x=1",
      { headers: { "content-type": "text/plain" } },
      415,
      "unsupported_media_type",
    ],
    [
      "a key with spaces",
      { inspectionId: 1 },
      { headers: { "idempotency-key": "a b" } },
      400,
      "invalid_request",
    ],
    [
      "a key of 300 characters",
      { inspectionId: 1 },
      { headers: { "idempotency-key": "a".repeat(300) } },
      400,
      "invalid_request",
    ],
  ];
  test.each(refused)("%s is answered as a problem", async (_name, body, options, code, problem) => {
    const answer = await post(body, options);
    expect([answer.status, answer.body.code]).toEqual([code, problem]);
    expect(answer.body.detail.length).toBeGreaterThan(10);
  });

  test("schema violations come with their paths", async () => {
    const { body } = await post({ inspectionId: "one" });
    expect(body.errors[0]).toMatchObject({ path: "/inspectionId" });
  });

  test("__proto__ is data like any other and poisons nothing", async () => {
    const answer = await post('{"inspectionId":1,"__proto__":{"polluted":true}}');
    expect(answer.status).toBe(202);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test("an unknown topic is 404, a system that is no producer is 403", async () => {
    expect(await post({}, {}, "nowhere")).toMatchObject({ status: 404, body: { code: "unknown_topic" } });
    const token = await key("city-health");
    const answer = await post({ inspectionId: 1 }, { token });
    expect(answer).toMatchObject({ status: 403, body: { code: "producer_not_listed" } });
    expect(answer.body.detail).toContain("city-health");
  });

  test("what is posted carries its system as source", async () => {
    const token = await key("ehr-clinic");
    await call(url, "POST", "/v1/topics/notes.added/events", { token, body: { note: "sourced" } });
    const { body } = await admin("GET", "/v1/topics/notes.added/events?since=10m");
    const last = JSON.parse(body.trim().split("\n").at(-1));
    expect(last).toMatchObject({ source: "ehr-clinic", type: "notes.added", payload: { note: "sourced" } });
  });
});

describe("access", () => {
  test.each([
    ["no token", {}],
    ["a wrong token", { token: "hms_wrong" }],
    ["another scheme", { headers: { authorization: "Basic YWRtaW46YWRtaW4=" } }],
  ] as [string, CallOptions][])("%s is 401 on every route but health", async (_name, options) => {
    for (const [method, path] of [
      ["POST", `${status}/events`],
      ["POST", `${status}/pull`],
      ["POST", `${status}/settle`],
      ["GET", `${status}/events`],
      ["GET", "/v1/status"],
      ["GET", "/v1/rejects"],
      ["GET", "/v1/dead-letters"],
      ["POST", "/v1/dead-letters/redrive"],
      ["GET", "/v1/keys"],
      ["POST", "/v1/keys"],
      ["DELETE", "/v1/keys/x"],
      ["GET", "/v1/whoami"],
      ["GET", "/nowhere"],
    ] as const) {
      const answer = await call(url, method, path, {
        ...options,
        ...(method === "POST" ? { body: {} } : {}),
      });
      expect([path, answer.status, answer.body.code]).toEqual([path, 401, "unauthorized"]);
    }
    expect((await call(url, "GET", "/healthz", options)).status).toBe(200);
    expect((await call(url, "GET", "/readyz", options)).status).toBe(200);
  });

  test("a token of city-health pulls and settles nothing of ehr-clinic's, and is told what topics.yaml would need", async () => {
    const token = await key("city-health");
    await post({ inspectionId: 77 });
    const own = await call(url, "POST", `${status}/pull`, {
      token: await key("ehr-clinic"),
      body: { max: 1000, wait_ms: 5000 },
    });
    const foreign = own.body.deliveries[0].token;
    for (const [path, body] of [
      ["pull", {}],
      ["settle", { settle: [{ token: foreign, action: "ack" }] }],
    ] as const) {
      const answer = await call(url, "POST", `${status}/${path}`, { token, body, consumer: "ehr-clinic" });
      expect(answer).toMatchObject({ status: 403, body: { code: "not_a_consumer" } });
    }
    // As itself it names another delivery of its own at most, never ehr-clinic's.
    const before = (await admin("GET", "/v1/status")).body.topics["inspections.status"].consumers[
      "ehr-clinic"
    ].acked;
    await call(url, "POST", `${status}/settle`, {
      token,
      body: { settle: [{ token: foreign, action: "ack" }] },
    });
    const after = (await admin("GET", "/v1/status")).body.topics["inspections.status"].consumers["ehr-clinic"]
      .acked;
    expect(after).toBe(before);
    const producer = await key("hms-api");
    const answer = await call(url, "POST", `${status}/pull`, { token: producer, body: {} });
    expect(answer.status).toBe(403);
    expect(answer.body.detail).toContain(
      "topics.yaml would need hms-api under inspections.status: consumers",
    );
  });

  test("admin routes want an admin token", async () => {
    const token = await key("city-health");
    for (const path of ["/v1/status", "/v1/rejects", "/v1/dead-letters", "/v1/keys"]) {
      expect(await call(url, "GET", path, { token })).toMatchObject({
        status: 403,
        body: { code: "not_admin" },
      });
    }
    expect((await call(url, "GET", "/v1/whoami", { token })).body).toEqual({
      system: "city-health",
      admin: false,
      consumes: ["inspections.status", "notes.added"],
      produces: [],
    });
  });

  test("two keys of a system are valid at once, a third is refused, a revoked one is refused at once", async () => {
    const first = await key("ehr-clinic");
    const second = (await admin("POST", "/v1/keys", { body: { system: "ehr-clinic" } })).body;
    for (const token of [first, second.token])
      expect((await call(url, "GET", "/v1/whoami", { token })).status).toBe(200);
    expect(await admin("POST", "/v1/keys", { body: { system: "ehr-clinic" } })).toMatchObject({
      status: 409,
      body: { code: "too_many_keys" },
    });
    expect((await admin("DELETE", `/v1/keys/${second.id}`)).status).toBe(204);
    expect((await call(url, "GET", "/v1/whoami", { token: second.token })).status).toBe(401);
    expect((await call(url, "GET", "/v1/whoami", { token: first })).status).toBe(200);
    expect(await admin("DELETE", `/v1/keys/${second.id}`)).toMatchObject({
      status: 404,
      body: { code: "unknown_key" },
    });
    expect(await admin("POST", "/v1/keys", { body: { system: "nobody" } })).toMatchObject({
      status: 404,
      body: { code: "unknown_system" },
    });
  });

  test("tokens are stored as hashes alone and appear in no log line", async () => {
    const token = await key("ehr-clinic");
    await call(url, "GET", "/v1/whoami", { token });
    const redis = new Redis(bus.redis.url);
    const stored = JSON.stringify(await redis.hgetall("hms-sync:access-keys"));
    redis.disconnect();
    expect(stored).not.toContain(token);
    expect(bus.logLines.join("")).not.toContain(token);
    expect(bus.logLines.join("")).not.toContain(bus.adminToken);
  });
});

describe("pulling", () => {
  const refused: [string, string, unknown, string][] = [
    ["max 0", "pull", { max: 0 }, "invalid_request"],
    ["max as text", "pull", { max: "10" }, "invalid_request"],
    ["a settle that is no array", "pull", { settle: {} }, "invalid_request"],
    ["an unknown action", "settle", { settle: [{ token: "r1.1.0", action: "drop" }] }, "invalid_request"],
    ["a settle without a token", "settle", { settle: [{ action: "ack" }] }, "invalid_request"],
    [
      "a negative delay",
      "settle",
      { settle: [{ token: "r1.1.0", action: "nack", delay_ms: -1 }] },
      "invalid_request",
    ],
    ["a settle of null", "settle", { settle: [null] }, "invalid_request"],
    ["an array as body", "settle", [], "invalid_request"],
    ["malformed JSON", "pull", "{", "malformed_json"],
    ["deep nesting", "settle", `{"settle":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, "invalid_request"],
    [
      "3,000 settles",
      "settle",
      { settle: Array.from({ length: 3_000 }, () => ({ token: "r1.1.0", action: "ack" })) },
      "invalid_request",
    ],
  ];
  test.each(refused)("%s is answered as a problem", async (_name, path, body, code) => {
    const answer = await admin("POST", `${status}/${path}`, { body, consumer: "city-health" });
    expect([answer.status, answer.body.code]).toEqual([400, code]);
  });

  test("settles ride along on a pull and are answered at once, even when nothing is owed", async () => {
    await post({ inspectionId: 5 });
    const pulled = await eventually(async () => {
      const answer = await admin("POST", `${status}/pull`, {
        body: { max: 1000, wait_ms: 1000 },
        consumer: "city-health",
      });
      return answer.body.deliveries.length > 0 && answer.body.deliveries;
    });
    const settle = pulled.map(({ token }: { token: string }) => ({ token, action: "ack" }));
    const answer = await admin("POST", `${status}/pull`, {
      body: { max: 1000, wait_ms: 30_000, settle },
      consumer: "city-health",
    });
    expect(answer.body.settled.map(({ result }: { result: string }) => result)).toEqual(
      settle.map(() => "ok"),
    );
  });

  test("a client that goes away while it waits takes no event with it", async () => {
    const consumer = "ehr-clinic";
    await drain(consumer);
    const { port } = new URL(url);
    const socket = connect(Number(port), "127.0.0.1");
    const body = JSON.stringify({ max: 10, wait_ms: 20_000 });
    socket.write(
      `POST ${status}/pull HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${bus.adminToken}\r\nhms-sync-consumer: ${consumer}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    const waits = (n: number) => async () =>
      (await admin("GET", "/v1/status")).body.topics["inspections.status"].consumers[consumer]
        .waiting_pulls === n;
    await eventually(waits(1));
    socket.destroy();
    await eventually(waits(0));
    await post({ inspectionId: 6 });
    const { body: pulled } = await admin("POST", `${status}/pull`, {
      body: { max: 10, wait_ms: 5_000 },
      consumer,
    });
    expect(pulled.deliveries).toHaveLength(1);
    expect(pulled.deliveries[0].attempt).toBe(1);
  });

  async function drain(consumer: string): Promise<void> {
    for (;;) {
      const { body } = await admin("POST", `${status}/pull`, { body: { max: 1000 }, consumer });
      if (body.deliveries.length === 0) return;
      const settle = body.deliveries.map(({ token }: { token: string }) => ({ token, action: "ack" }));
      await admin("POST", `${status}/settle`, { body: { settle }, consumer });
    }
  }
});

describe("reading and operating", () => {
  test("an unreadable since is refused", async () => {
    expect(await admin("GET", `${status}/events?since=yesterday`)).toMatchObject({
      status: 400,
      body: { code: "invalid_request" },
    });
  });

  test("a terminated event is listed as a dead letter with its reason and can be sent again", async () => {
    const note = { note: "dies" };
    await admin("POST", "/v1/topics/notes.added/events", {
      body: note,
      headers: { "idempotency-key": "dies" },
    });
    const path = "/v1/topics/notes.added";
    const pull = async () =>
      (await admin("POST", `${path}/pull`, { body: { max: 1000, wait_ms: 5_000 }, consumer: "city-health" }))
        .body.deliveries;
    const delivery = await eventually(async () => {
      const found = (await pull()).find((each: { envelope: { id: string } }) => each.envelope.id === "dies");
      return found ?? false;
    });
    await admin("POST", `${path}/settle`, {
      body: { settle: [{ token: delivery.token, action: "term", reason: "no such note" }] },
      consumer: "city-health",
    });
    const letters = await eventually(async () => {
      const { body } = await admin("GET", "/v1/dead-letters?topic=notes.added&consumer=city-health");
      return body.dead_letters.length > 0 && body.dead_letters;
    });
    expect(letters[0]).toMatchObject({
      topic: "notes.added",
      consumer: "city-health",
      reason: "no such note",
    });
    const redrive = { topic: "notes.added", consumer: "city-health", ids: [letters[0].id] };
    expect((await admin("POST", "/v1/dead-letters/redrive", { body: redrive })).body.redriven).toEqual([
      letters[0].id,
    ]);
    expect((await pull()).map((each: { envelope: { payload: unknown } }) => each.envelope.payload)).toEqual([
      note,
    ]);
    expect(
      await admin("POST", "/v1/dead-letters/redrive", { body: { ...redrive, consumer: "nobody" } }),
    ).toMatchObject({
      status: 404,
      body: { code: "unknown_delivery" },
    });
    expect(
      (await admin("POST", "/v1/dead-letters/redrive", { body: { topic: "a", consumer: "b" } })).status,
    ).toBe(400);
  });

  test("status tells durability, doors, and what each consumer is owed", async () => {
    const { body } = await admin("GET", "/v1/status");
    expect(body).toMatchObject({
      state: "ok",
      sidecars: 1,
      redis: { durability: "none" },
      intake: { leader: true },
    });
    expect(body.intake.doors.pubsub).toContain("closed");
    expect(Object.keys(body.topics["inspections.status"].consumers).sort()).toEqual([
      "city-health",
      "ehr-clinic",
    ]);
  });

  test("the process lives through all of it", async () => {
    expect((await call(url, "GET", "/readyz")).status).toBe(200);
    expect(bus.logLines.filter((line) => line.includes("request failed"))).toEqual([]);
  });
});
