import { expect, test } from "vitest";
import { fixture } from "./support/fixture.js";
import { json, lose, problem, type Script } from "./support/scripted-bus.js";

const at = fixture();

const stored: Script = (request, response) =>
  json({ id: request.headers["idempotency-key"], topic: "t", version: 1, duplicate: false }, 202)(
    request,
    response,
  );

test("a publish whose answer was lost is repeated with the same key", async () => {
  at.server.on("publish", lose, problem(503, "unavailable"), json("nonsense"), stored);
  const bus = await at.connect();
  const { id, duplicate } = await bus.publish("t", { n: 1 }, { type: "Tested" });
  const requests = at.server.of("publish");
  expect(requests.map(({ headers }) => headers["idempotency-key"])).toEqual([id, id, id, id]);
  expect(requests[0]).toMatchObject({
    url: "/v1/topics/t/events",
    body: { n: 1 },
    headers: { "hms-sync-type": "Tested" },
  });
  expect(duplicate).toBe(false);
});

test("two publishes have two keys, unless the caller gives one", async () => {
  at.server.on("publish", stored, stored, stored);
  const bus = await at.connect();
  const ids = [
    await bus.publish("t", {}),
    await bus.publish("t", {}),
    await bus.publish("t", {}, { id: "mine" }),
  ];
  expect(new Set(ids.map(({ id }) => id)).size).toBe(3);
  expect(ids[2]!.id).toBe("mine");
});

test("what the schema refuses is a typed error with its places, and is not repeated", async () => {
  const errors = [{ path: "/n", message: "must be integer" }];
  at.server.on("publish", (_request, response) => {
    const body = JSON.stringify({
      status: 422,
      code: "schema_violation",
      detail: "/n must be integer",
      errors,
    });
    response.writeHead(422, { "content-type": "application/problem+json" }).end(body);
  });
  const bus = await at.connect();
  const error = {
    code: "schema_violation",
    status: 422,
    retryable: false,
    detail: "/n must be integer",
    errors,
  };
  await expect(bus.publish("t", { n: "x" })).rejects.toMatchObject(error);
  expect(at.server.of("publish")).toHaveLength(1);
});

test("a bus that stays away is given up after timeoutMs, with an error that says so", async () => {
  for (let i = 0; i < 100; i++) at.server.on("publish", lose);
  const bus = await at.connect();
  const publishing = bus.publish("t", {}, { timeoutMs: 200 });
  await expect(publishing).rejects.toMatchObject({ code: "unreachable", retryable: true });
});

test("an aborted publish rejects with the signal's reason", async () => {
  const bus = await at.connect();
  const reason = new Error("enough");
  const controller = new AbortController();
  const publishing = bus.publish("t", {}, { signal: controller.signal });
  controller.abort(reason);
  await expect(publishing).rejects.toBe(reason);
});

test.each([
  ["a BigInt", { n: 1n }, {}, "invalid_payload"],
  ["nothing", undefined, {}, "invalid_payload"],
  ["an id that is no header", {}, { id: "a\r\nb: c" }, "invalid_option"],
  ["a type with spaces", {}, { type: "a b" }, "invalid_option"],
])("%s is refused before anything is sent", async (_what, payload, options, code) => {
  const bus = await at.connect();
  await expect(bus.publish("t", payload, options)).rejects.toMatchObject({ code });
  expect(at.server.of("publish")).toHaveLength(0);
});

test("the text of publishText travels byte for byte", async () => {
  const bodies: string[] = [];
  at.server.raw = (text) => void bodies.push(text);
  at.server.on("publish", stored);
  const bus = await at.connect();
  const text = '{"n":12345678901234567890, "e":{},"s":"\\u00e9\\/é"}';
  await bus.publishText("t", text);
  expect(bodies.at(-1)).toBe(text);
});
