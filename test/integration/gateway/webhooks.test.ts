import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ledgerKeys } from "../../../src/redis/keys.js";
import { eventually } from "../../support/eventually.js";
import { type Answer, type CallOptions, call, type Running, running } from "./harness.js";

let bus: Running;
let redis: Redis;
/** Of ehr-clinic, the producer of notes.added. */
let secret: string;
const topic = "notes.added";

beforeAll(async () => {
  bus = await running();
  redis = new Redis(bus.redis.url);
});
afterAll(async () => {
  redis.disconnect();
  await bus.close();
});
beforeEach(async () => {
  const { keys } = (await admin("GET", "/v1/keys")).body;
  for (const { id } of keys) await admin("DELETE", `/v1/keys/${id}`);
  secret = (await create("ehr-clinic")).body.secret;
});

const admin = (method: string, path: string, options: CallOptions = {}) =>
  call(bus.sidecar.url, method, path, { token: bus.adminToken, ...options });
const create = (system: string, given?: string) =>
  admin("POST", "/v1/keys", { body: { system, kind: "webhook", ...(given && { secret: given }) } });
const newSecret = () => `whsec_${randomBytes(24).toString("base64")}`;
const recorded = () => redis.xlen(ledgerKeys(topic).stream);

interface Signing {
  readonly with?: string;
  readonly id?: string;
  /** Seconds from now. */
  readonly at?: number;
}

let ids = 0;
/** The headers with which the `standardwebhooks` library signs a body. */
function signed(body: string, { with: key = secret, id = `msg_${++ids}`, at = 0 }: Signing = {}) {
  const time = new Date(Date.now() + at * 1_000);
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(time.getTime() / 1_000)),
    "webhook-signature": new Webhook(key).sign(id, time, body),
  };
}

const send = (
  body: string | Buffer,
  headers: Record<string, string>,
  to = topic,
  base = bus.sidecar.url,
): Promise<Answer> => call(base, "POST", `/v1/topics/${to}/events`, { body, headers });

describe("a signed event", () => {
  test("is recorded under the system whose secret signed it, with webhook-id for an id, once", async () => {
    const body = '{"note":"signed","n":9007199254740993}';
    const headers = signed(body);
    const before = await recorded();
    expect((await send(body, headers)).body).toEqual({
      id: headers["webhook-id"],
      topic,
      version: 1,
      duplicate: false,
    });
    expect((await send(body, signed(body, { id: headers["webhook-id"] }))).body.duplicate).toBe(true);
    expect(await recorded()).toBe(before + 1);
    const { body: lines } = await admin("GET", `/v1/topics/${topic}/events?since=10m`);
    expect(lines).toContain('"payload":{"note":"signed","n":9007199254740993}');
    expect(JSON.parse(lines.trim().split("\n").at(-1)).source).toBe("ehr-clinic");
  });

  test("with the id of another body is refused", async () => {
    const headers = signed('{"note":1}');
    await send('{"note":1}', headers);
    const answer = await send('{"note":2}', signed('{"note":2}', { id: headers["webhook-id"] }));
    expect(answer).toMatchObject({ status: 422, body: { code: "id_reused" } });
  });

  test("may be a CloudEvent with the same id, or a batch", async () => {
    const event = { specversion: "1.0", id: "msg_same", source: "/s", type: "t", data: { note: 1 } };
    const one = JSON.stringify(event);
    const structured = { "content-type": "application/cloudevents+json" };
    expect((await send(one, { ...signed(one, { id: "msg_same" }), ...structured })).status).toBe(202);
    expect(await send(one, { ...signed(one), ...structured })).toMatchObject({
      status: 400,
      body: { code: "conflicting_ids" },
    });
    const batch = JSON.stringify([event, { ...event, id: "msg_next" }]);
    const answer = await send(batch, {
      ...signed(batch),
      "content-type": "application/cloudevents-batch+json",
    });
    expect(answer.body.results).toEqual([
      { status: 202, id: "msg_same", duplicate: true },
      { status: 202, id: "msg_next", duplicate: false },
    ]);
  });

  test("is taken with either secret while they rotate, and with neither of them once it is revoked", async () => {
    const next = (await create("ehr-clinic")).body;
    const post = (key: string) => send("{}", signed("{}", { with: key }));
    expect([(await post(secret)).status, (await post(next.secret)).status]).toEqual([202, 202]);
    const both = signed("{}", { with: newSecret() });
    const good = signed("{}", { with: next.secret, id: both["webhook-id"] });
    both["webhook-signature"] += ` v1a,AAAA ${good["webhook-signature"]}`;
    expect((await send("{}", both)).status).toBe(202);
    await admin("DELETE", `/v1/keys/${next.id}`);
    expect((await post(next.secret)).status).toBe(401);
    expect((await post(secret)).status).toBe(202);
  });

  test("is refused by every sidecar once its secret is revoked in one", async () => {
    const other = await bus.another();
    const post = () => send("{}", signed("{}"), topic, other.url);
    expect((await post()).status).toBe(202);
    const [{ id }] = (await admin("GET", "/v1/keys")).body.keys;
    await admin("DELETE", `/v1/keys/${id}`);
    // Sooner than what was read in the other one is read anew: it was told.
    await eventually(async () => (await post()).status === 401, { timeoutMs: 1_000 });
  });

  test("over bytes that are not UTF-8 is authentic and still no JSON", async () => {
    const id = "msg_bytes";
    const body = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);
    // What the library would have signed is the same body with U+FFFD in place of the byte.
    expect((await send(body, signed(body.toString("utf8"), { id }))).body.code).toBe("signature_mismatch");
  });
});

describe("bad signatures are answered as a problem and record nothing:", () => {
  const body = '{"note":"x"}';
  const changed = (changes: Record<string, string | undefined>) => {
    const headers: Record<string, string | undefined> = { ...signed(body), ...changes };
    return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<
      string,
      string
    >;
  };
  const cases: [string, () => Promise<Answer>, string][] = [
    [
      "a signature that is too short",
      () => send(body, changed({ "webhook-signature": "v1,AAAA" })),
      "signature_mismatch",
    ],
    [
      "a signature that is too long",
      () => send(body, changed({ "webhook-signature": `v1,${Buffer.alloc(500).toString("base64")}` })),
      "signature_mismatch",
    ],
    ["a stale timestamp", () => send(body, signed(body, { at: -310 })), "timestamp_too_old"],
    ["a future timestamp", () => send(body, signed(body, { at: 310 })), "timestamp_too_new"],
    [
      "a timestamp moved on after signing",
      () => send(body, changed({ "webhook-timestamp": String(Math.floor(Date.now() / 1_000) + 60) })),
      "signature_mismatch",
    ],
    [
      "a timestamp that is none",
      () => send(body, changed({ "webhook-timestamp": "now" })),
      "signature_malformed",
    ],
    [
      "a re-serialized body",
      () => send(JSON.stringify(JSON.parse(body), null, 1), signed(body)),
      "signature_mismatch",
    ],
    ["another id", () => send(body, changed({ "webhook-id": "msg_other" })), "signature_mismatch"],
    [
      "an asymmetric signature",
      () => send(body, changed({ "webhook-signature": "v1a,AAAA" })),
      "signature_version",
    ],
    [
      "an unknown version",
      () => send(body, changed({ "webhook-signature": "v7,AAAA" })),
      "signature_version",
    ],
    ["no version", () => send(body, changed({ "webhook-signature": "AAAA" })), "signature_malformed"],
    ["no id", () => send(body, changed({ "webhook-id": undefined })), "signature_incomplete"],
    ["no timestamp", () => send(body, changed({ "webhook-timestamp": undefined })), "signature_incomplete"],
    ["no signature", () => send(body, changed({ "webhook-signature": undefined })), "signature_incomplete"],
    ["an unknown secret", () => send(body, signed(body, { with: newSecret() })), "signature_mismatch"],
    ["a topic that is none", () => send(body, signed(body), "nowhere"), "signature_mismatch"],
  ];
  test.each(cases)("%s", async (_name, answering, code) => {
    const before = await recorded();
    const answer = await answering();
    expect([answer.status, answer.body.code]).toEqual([401, code]);
    expect(await recorded()).toBe(before);
  });

  test("the secret of a system that is no producer of the topic", async () => {
    const foreign = (await create("city-health")).body.secret;
    const answer = await send(body, signed(body, { with: foreign }));
    expect(answer).toMatchObject({ status: 401, body: { code: "signature_mismatch" } });
  });

  test("a signature where a token is asked for", async () => {
    for (const [method, path] of [
      ["GET", "/v1/whoami"],
      ["GET", `/v1/topics/${topic}/events`],
      ["POST", `/v1/topics/${topic}/pull`],
      ["POST", `/v1/topics/${topic}/settle`],
      ["POST", "/v1/keys"],
    ] as const) {
      const options = method === "POST" ? { body: "{}" } : {};
      const answer = await call(bus.sidecar.url, method, path, { ...options, headers: signed("{}") });
      expect([path, answer.status, answer.body.code]).toEqual([path, 401, "unauthorized"]);
    }
  });
});

describe("webhook keys", () => {
  test("are listed and revoked like tokens, without their secret", async () => {
    await admin("POST", "/v1/keys", { body: { system: "ehr-clinic" } });
    const { keys } = (await admin("GET", "/v1/keys")).body;
    expect(keys.map(({ kind, system }: Record<string, string>) => [kind, system])).toEqual([
      ["webhook", "ehr-clinic"],
      ["token", "ehr-clinic"],
    ]);
    expect(JSON.stringify(keys)).not.toContain(secret);
    expect(Object.keys(keys[0]).sort()).toEqual(["created", "id", "kind", "system"]);
  });

  test("two of a system are valid at once, a third is refused", async () => {
    expect((await create("ehr-clinic")).status).toBe(201);
    expect(await create("ehr-clinic")).toMatchObject({ status: 409, body: { code: "too_many_keys" } });
  });

  test("take a given secret, and tell it to nobody when they do not", async () => {
    const given = newSecret();
    expect((await create("hms-api", given)).body).toMatchObject({ kind: "webhook", secret: given });
    expect(await create("city-health", given)).toMatchObject({
      status: 409,
      body: { code: "secret_in_use" },
    });
    const bad = [
      "whsec_c2hvcnQ=",
      Buffer.alloc(32, 1).toString("base64"),
      "whsk_AAAA",
      `whsec_${"A".repeat(100)}`,
    ];
    for (const each of bad) {
      const answer = await create("city-health", each);
      expect(answer).toMatchObject({ status: 400, body: { code: "invalid_secret" } });
      expect(answer.body.detail).not.toContain(each);
    }
  });

  test.each([
    [{ system: "admin", kind: "webhook" }, 400, "invalid_request"],
    [{ system: "nobody", kind: "webhook" }, 404, "unknown_system"],
    [{ system: "ehr-clinic", kind: "password" }, 400, "invalid_request"],
    [{ system: "ehr-clinic", kind: "webhook", secret: 7 }, 400, "invalid_request"],
  ])("%j is refused", async (body, status, code) => {
    expect(await admin("POST", "/v1/keys", { body })).toMatchObject({ status, body: { code } });
  });

  test("their secrets appear in no log line", () => {
    expect(bus.logLines.join("")).not.toContain("whsec_");
  });
});
