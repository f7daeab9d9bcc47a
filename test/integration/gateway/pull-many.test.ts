import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { framedType } from "../../../src/gateway/deliveries.js";
import { eventually } from "../../support/eventually.js";
import { type CallOptions, call, type Running, running } from "./harness.js";

let bus: Running;
let url: string;
const both = ["inspections.status", "notes.added"];
const consumer = "city-health";

beforeAll(async () => {
  bus = await running();
  url = bus.sidecar.url;
});
afterAll(() => bus.close());
beforeEach(async () => {
  await eventually(async () => {
    await pull({});
    await pull({ settle: handed.splice(0).map(acked) });
    const { topics } = (await admin("GET", "/v1/status")).body;
    return both.every((name) => topics[name].consumers[consumer].owed === 0);
  });
});

interface Delivery {
  topic: string;
  token: string;
  envelope: { id: string };
}

const admin = (method: string, path: string, options: CallOptions = {}) =>
  call(url, method, path, { token: bus.adminToken, ...options });
const handed: Delivery[] = [];
const pull = async (body: object, options: CallOptions = {}) => {
  const answer = await admin("POST", "/v1/pull", { consumer, body, ...options });
  handed.push(...(answer.body.deliveries ?? []));
  return answer;
};
const acked = ({ topic, token }: Delivery) => ({ topic, token, action: "ack" });
let ids = 0;
const post = async (topic: string) => {
  const id = `many-${++ids}`;
  const headers = { "idempotency-key": id };
  await admin("POST", `/v1/topics/${topic}/events`, { body: { inspectionId: 1 }, headers });
  return id;
};

describe("a pull of several topics", () => {
  test("gets what is owed in each, its topic named, and settles ride along", async () => {
    const sent = [await post("inspections.status"), await post("notes.added")];
    const deliveries: Delivery[] = [];
    while (deliveries.length < 2) {
      deliveries.push(...(await pull({ topics: both, wait_ms: 20_000 })).body.deliveries);
    }
    expect(deliveries.map(({ envelope }) => envelope.id).sort()).toEqual([...sent].sort());
    expect(deliveries.map(({ topic }) => topic).sort()).toEqual(both);
    const settled = (await pull({ topics: both, wait_ms: 20_000, settle: deliveries.map(acked) })).body;
    expect(settled).toEqual({
      deliveries: [],
      settled: expect.arrayContaining(deliveries.map(({ topic, token }) => ({ topic, token, result: "ok" }))),
    });
  });

  test("without topics is of all that the consumer consumes", async () => {
    const waiting = pull({ wait_ms: 20_000 });
    const id = await post("notes.added");
    expect((await waiting).body.deliveries[0].envelope.id).toBe(id);
  });

  test.each(both)(
    "that waits is answered by the first event of %s, and holds no lease elsewhere",
    async (topic) => {
      const waiting = pull({ wait_ms: 20_000 });
      await eventually(async () => {
        const { topics } = (await admin("GET", "/v1/status")).body;
        return both.every((name) => topics[name].consumers[consumer].waiting_pulls === 1);
      });
      const id = await post(topic);
      const { deliveries } = (await waiting).body;
      expect(deliveries).toHaveLength(1);
      expect(deliveries[0]).toMatchObject({ topic, attempt: 1, replayed: false, envelope: { id } });
      const other = both.find((name) => name !== topic)!;
      const next = await post(other);
      expect((await pull({ wait_ms: 20_000 })).body.deliveries[0].envelope.id).toBe(next);
    },
  );

  test("never takes more than it asked for where much is owed, whichever topic comes first", async () => {
    for (let n = 0; n < 6; n++) await post(both[n % 2]!);
    const topics = new Set<string>();
    await eventually(async () => {
      const { deliveries } = (await pull({ max: 1 })).body;
      expect(deliveries.length).toBeLessThanOrEqual(1);
      if (deliveries.length === 1) topics.add(deliveries[0].topic);
      for (const { topic, token } of deliveries as Delivery[]) {
        const body = { settle: [{ token, action: "release" }] };
        await admin("POST", `/v1/topics/${topic}/settle`, { consumer, body });
      }
      return topics.size === 2;
    });
  });

  test("is framed for who asks for it: topic, lease and lengths in one line, then the envelopes", async () => {
    const id = await post("notes.added");
    const { body } = await pull({ wait_ms: 20_000 }, { headers: { accept: framedType } });
    const [head, rest] = (body as string).split(/\n(.*)/s);
    const { leases } = JSON.parse(head!);
    expect(leases).toMatchObject([{ topic: "notes.added", attempt: 1, indexes: [[0, 0]] }]);
    expect(leases[0].lengths).toEqual([Buffer.byteLength(rest!)]);
    const envelope = JSON.parse(rest!);
    expect(envelope).toMatchObject({ id, topic: "notes.added" });
    handed.push({ topic: "notes.added", token: `${leases[0].lease}.0`, envelope });
  });

  test("whose client went away gives back what it was handed", async () => {
    const controller = new AbortController();
    const gone = fetch(`${url}/v1/pull`, {
      method: "POST",
      signal: controller.signal,
      headers: { authorization: `Bearer ${bus.adminToken}`, "hms-sync-consumer": consumer },
      body: JSON.stringify({ wait_ms: 20_000 }),
    }).catch(() => undefined);
    await eventually(async () => {
      const { topics } = (await admin("GET", "/v1/status")).body;
      return topics["notes.added"].consumers[consumer].waiting_pulls === 1;
    });
    controller.abort();
    await gone;
    const id = await post("notes.added");
    const { deliveries } = (await pull({ wait_ms: 20_000 })).body;
    expect(deliveries[0]).toMatchObject({ attempt: 1, envelope: { id } });
  });

  test.each<[string, object, string | undefined, number, string]>([
    ["a topic that is none", { topics: ["elsewhere"] }, consumer, 404, "unknown_topic"],
    ["no topic at all", { topics: [] }, consumer, 400, "invalid_request"],
    ["topics that are no names", { topics: [1] }, consumer, 400, "invalid_request"],
    ["another's topic", { topics: ["notes.added"] }, "ehr-clinic", 403, "not_a_consumer"],
    ["a consumer of nothing", {}, "hms-api", 403, "not_a_consumer"],
    ["an admin who names no consumer", {}, undefined, 403, "not_a_consumer"],
    [
      "a settle without its topic",
      { settle: [{ token: "r1.1.0", action: "ack" }] },
      consumer,
      400,
      "invalid_request",
    ],
    [
      "a settle of another's topic",
      { topics: ["inspections.status"], settle: [{ topic: "notes.added", token: "r1.1.0", action: "ack" }] },
      "ehr-clinic",
      403,
      "not_a_consumer",
    ],
  ])("is refused for %s", async (_what, body, as, status, code) => {
    const token = bus.adminToken;
    const answer = await call(url, "POST", "/v1/pull", { token, body, ...(as && { consumer: as }) });
    expect(answer).toMatchObject({ status, body: { code } });
  });

  test("is a POST", async () => {
    expect(await admin("GET", "/v1/pull")).toMatchObject({
      status: 405,
      body: { code: "method_not_allowed" },
    });
  });
});

describe("a probe", () => {
  const write = async (id: string, channels = '["hms-sync:probe"]') => {
    const redis = new Redis(bus.redis.url);
    const time = new Date().toISOString();
    const fields = {
      id,
      channels,
      event: "hms-sync.probe",
      data: "{}",
      time,
      source: "hms-api",
      timezone: "UTC",
    };
    await redis.xadd("hms-sync:intake", "*", ...Object.entries(fields).flat());
    redis.disconnect();
  };

  test("that was written to the intake can be asked for, is no event and no reject", async () => {
    expect(await admin("GET", "/v1/probes/p-1")).toMatchObject({
      status: 404,
      body: { code: "unknown_probe" },
    });
    const before = (await admin("GET", "/v1/status")).body;
    await write("p-1");
    await eventually(async () => (await admin("GET", "/v1/probes/p-1")).status === 200);
    const { body } = await admin("GET", "/v1/probes/p-1");
    expect(body).toEqual({ id: "p-1", seen_at: expect.stringMatching(/^\d{4}-.*Z$/) });
    const after = (await admin("GET", "/v1/status")).body;
    expect(after.rejects).toBe(before.rejects);
    expect(after.topics["inspections.status"].recorded).toBe(before.topics["inspections.status"].recorded);
    expect(after.intake.counters).toEqual(before.intake.counters);
  });

  test("may be asked for by every system, and by nobody without a token", async () => {
    const { token } = (await admin("POST", "/v1/keys", { body: { system: "hms-api" } })).body;
    expect((await call(url, "GET", "/v1/probes/none", { token })).body.code).toBe("unknown_probe");
    expect((await call(url, "GET", "/v1/probes/none")).status).toBe(401);
  });
});
