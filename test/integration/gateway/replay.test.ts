import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { framedType } from "../../../src/gateway/deliveries.js";
import { eventually } from "../../support/eventually.js";
import { type Answer, type CallOptions, call, type Running, running } from "./harness.js";

let bus: Running;
let url: string;
let token: string;
const topic = "inspections.status";
const path = `/v1/topics/${topic}/replay`;
const consumer = "city-health";

beforeAll(async () => {
  bus = await running();
  url = bus.sidecar.url;
  token = (await admin("POST", "/v1/keys", { body: { system: consumer } })).body.token;
});
afterAll(() => bus.close());

const admin = (method: string, to: string, options: CallOptions = {}): Promise<Answer> =>
  call(url, method, to, { token: bus.adminToken, ...options });
const own = (method: string, to: string, body?: object) =>
  call(url, method, to, { token, ...(body === undefined ? {} : { body }) });
const deliveryOf = async () =>
  (await admin("GET", "/v1/status")).body.topics[topic].consumers[consumer] as Record<string, unknown>;

interface Delivery {
  token: string;
  replayed: boolean;
  redo?: string;
  envelope: { id: string };
}

/** Pulls and acks until `count` events came. */
async function drain(count: number): Promise<Delivery[]> {
  const got: Delivery[] = [];
  while (got.length < count) {
    const { deliveries } = (await own("POST", `/v1/topics/${topic}/pull`, { wait_ms: 5_000 })).body;
    const settle = deliveries.map((each: Delivery) => ({ token: each.token, action: "ack" }));
    await own("POST", `/v1/topics/${topic}/settle`, { settle });
    got.push(...deliveries);
  }
  return got;
}

async function publish(ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const headers = { "idempotency-key": id };
    await admin("POST", `/v1/topics/${topic}/events`, { body: { inspectionId: 1 }, headers });
  }
}

test("a consumer asks for itself, is told what comes, and gets it marked; status and GET tell how far it is", async () => {
  await publish(["a", "b", "c"]);
  expect((await drain(3)).some((each) => each.replayed || "redo" in each)).toBe(false);
  const dry = await own("POST", path, { since: "0", dry_run: true });
  expect(dry).toMatchObject({ status: 200, body: { events: 3, dry_run: true } });
  expect(dry.body).not.toHaveProperty("replay");
  expect((await own("GET", path)).body).toEqual({ replay: null });

  const begun = await own("POST", path, { since: "10m" });
  expect(begun).toMatchObject({ status: 202, body: { events: 3, replay: expect.any(String) } });
  for (const time of [begun.body.from, begun.body.to])
    expect(Math.abs(Date.parse(time) - Date.now())).toBeLessThan(60_000);
  const { replay } = begun.body;
  const progress = { replay, running: false, done: 0, of: 3 };
  await eventually(async () => expect((await own("GET", path)).body).toEqual({ replay: progress }));
  expect(await deliveryOf()).toMatchObject({ replay: progress, owed: 3, parked: 0 });
  expect(await deliveryOf()).not.toHaveProperty("catching_up");
  const again = await drain(3);
  expect(again.map(({ envelope }) => envelope.id)).toEqual(["a", "b", "c"]);
  expect(again.every((each) => each.replayed && !("redo" in each))).toBe(true);
  expect(await deliveryOf()).not.toHaveProperty("replay");
});

test("with redo, deliveries name the replay, in JSON and framed", async () => {
  const { replay } = (await admin("POST", path, { consumer, body: { since: "0", redo: true } })).body;
  const json = (await own("POST", `/v1/topics/${topic}/pull`, { max: 1, wait_ms: 5_000 })).body.deliveries;
  expect(json).toMatchObject([{ replayed: true, redo: replay }]);
  const framed = await call(url, "POST", `/v1/topics/${topic}/pull`, {
    ...{ token, body: { max: 1, wait_ms: 5_000 }, headers: { accept: framedType } },
  });
  const head = JSON.parse(framed.body.slice(0, framed.body.indexOf("\n")));
  expect(head.leases).toMatchObject([{ replayed: true, redo: replay }]);
  const settle = [json[0].token, `${head.leases[0].lease}.${head.leases[0].indexes[0][0]}`];
  await own("POST", `/v1/topics/${topic}/settle`, {
    settle: settle.map((each) => ({ token: each, action: "ack" })),
  });
  await drain(1);
});

test("what cannot be asked is refused, each with its code", async () => {
  for (const [body, code] of [
    [{}, "invalid_request"],
    [{ since: 10 }, "invalid_request"],
    [{ since: "yesterday" }, "invalid_request"],
    [{ since: "1m", until: "2m" }, "invalid_request"],
    [{ since: "1m", redo: "yes" }, "invalid_request"],
    [{ since: "1m", dry_run: 1 }, "invalid_request"],
  ] as const) {
    expect(await own("POST", path, body)).toMatchObject({ status: 400, body: { code } });
  }
  expect(await admin("POST", path, { body: { since: "1m" } })).toMatchObject({
    ...{ status: 403, body: { code: "not_a_consumer" } },
  });
  const other = await call(url, "POST", path, { token, consumer: "ehr-clinic", body: { since: "0" } });
  expect(other).toMatchObject({ status: 403, body: { code: "not_a_consumer" } });
  expect(await own("DELETE", path)).toMatchObject({ status: 404, body: { code: "no_replay" } });
  expect(await own("PUT", path)).toMatchObject({ status: 405, body: { code: "method_not_allowed" } });
  expect(await own("POST", "/v1/topics/no.such/replay", { since: "0" })).toMatchObject({
    ...{ status: 404, body: { code: "unknown_topic" } },
  });
});

test("one runs at a time, also asked of another sidecar; cancelled, only what it brought is left", async () => {
  const before = Number((await deliveryOf()).acked);
  const many = Array.from({ length: 1_200 }, (_, n) => `many-${n}`);
  const redis = new Redis(bus.redis.url);
  await Promise.all(
    many.map((id, n) =>
      redis.xadd(
        ...(["hms-sync:intake", "*", "id", id, "channels", `["${topic}"]`, "event", "Done"] as const),
        ...["data", `{"inspectionId":${n}}`, "time", "2024-04-23T15:02:11Z", "source", "hms-api"],
        ...["timezone", "UTC"],
      ),
    ),
  );
  redis.disconnect();
  await drain(1_200);
  const { replay } = (await own("POST", path, { since: "0" })).body;
  const other = await bus.another();
  const second = await call(other.url, "POST", path, { token, body: { since: "0" } });
  expect(second).toMatchObject({ status: 409, body: { code: "replay_running", replay, of: 1_203 } });
  await eventually(async () => expect((await deliveryOf()).open).toBe(500));
  const cancelled = await call(other.url, "DELETE", path, { token });
  expect(cancelled).toMatchObject({ status: 200, body: { replay, running: false, done: 0, of: 500 } });
  const left = await drain(500);
  expect(left.every(({ replayed }) => replayed)).toBe(true);
  expect(await deliveryOf()).toMatchObject({ open: 0, acked: before + 1_700 });
});
