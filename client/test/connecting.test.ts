import { expect, test } from "vitest";
import { eventually } from "../../test/support/eventually.js";
import { freePort } from "../../test/support/port.js";
import { HttpTransport } from "../src/http-transport.js";
import { fixture } from "./support/fixture.js";
import { json, lose, problem, type Script, ScriptedBus } from "./support/scripted-bus.js";

const at = fixture();
const redirect: Script = (_request, response) =>
  void response.writeHead(301, { location: "https://x/" }).end();
const admin = json({ system: "admin", admin: true });

test("connect waits for a bus that is not there yet, and says so once", async () => {
  const port = await freePort();
  const connecting = at.connect({ url: `http://127.0.0.1:${port}` });
  await eventually(() => at.lines.length > 0);
  const late = await new ScriptedBus().start(port);
  const bus = await connecting;
  expect(bus).toMatchObject({
    system: "city-health",
    consumer: "city-health",
    url: `http://127.0.0.1:${port}`,
  });
  expect(at.lines.filter((line) => /failed, trying again/.test(line))).toHaveLength(1);
  expect(at.lines[0]).toContain(`127.0.0.1:${port}`);
  await bus.close();
  await late.close();
});

test("connect outlives 503, broken answers and lost connections", async () => {
  at.server.on("whoami", problem(503, "unavailable"), lose, json([]), json({ system: 1 }));
  expect((await at.connect()).system).toBe("city-health");
});

test.each([
  [problem(401, "unauthorized"), { code: "unauthorized", status: 401 }],
  [problem(403, "forbidden"), { code: "forbidden", status: 403 }],
  [redirect, { code: "unexpected_answer", detail: expect.stringContaining("https://x/") }],
])("connect fails at once where waiting does not help (%#)", async (script, error) => {
  at.server.on("whoami", script);
  await expect(at.connect()).rejects.toMatchObject(error);
  expect(at.server.of("whoami")).toHaveLength(1);
});

test("connect stops waiting with the signal's reason", async () => {
  const controller = new AbortController();
  const connecting = at.connect({ url: `http://127.0.0.1:${await freePort()}`, signal: controller.signal });
  const reason = new Error("enough");
  controller.abort(reason);
  await expect(connecting).rejects.toBe(reason);
});

test("an admin token acts as the consumer it names, and tells the bus with each request", async () => {
  at.server.on("whoami", admin);
  const bus = await at.connect({ consumer: "ehr-clinic" });
  void bus.subscribe("t").next();
  await eventually(() => at.server.of("pull").length > 0);
  expect(at.server.of("pull")[0]!.headers).toMatchObject({
    "hms-sync-consumer": "ehr-clinic",
    authorization: "Bearer secret",
  });
});

test("an admin token without a consumer is a passing reader", async () => {
  at.server.on("whoami", admin);
  expect((await at.connect()).consumer).toBeUndefined();
});

test("a system's token cannot act as another", async () => {
  await expect(at.connect({ consumer: "ehr-clinic" })).rejects.toMatchObject({
    code: "not_a_consumer",
    detail: expect.stringContaining("city-health"),
  });
});

test("a half-open connection ends in a typed error", async () => {
  const transport = new HttpTransport({
    url: at.server.url,
    token: "t",
    maxResponseBytes: 1_000,
    bodyTimeoutMs: 50,
  });
  const pull = { method: "POST", path: "/v1/topics/t/pull", body: '{"settle":[]}' } as const;
  await expect(transport.call({ ...pull, timeoutMs: 50 })).rejects.toMatchObject({
    code: "timeout",
    retryable: true,
  });
  at.server.on(
    "pull",
    (_request, response) => void response.writeHead(200, { "content-length": 5 }).write("x"),
  );
  await expect(transport.call({ ...pull, timeoutMs: 5_000 })).rejects.toMatchObject({
    code: "response_too_slow",
  });
  transport.close();
});

test("a kept connection that the bus closes meanwhile is not an outage", async () => {
  const whoami = json({ system: "city-health", admin: false });
  const transport = new HttpTransport({ url: at.server.url, token: "t", maxResponseBytes: 1_000 });
  const call = { method: "GET", path: "/v1/whoami", timeoutMs: 5_000 } as const;
  at.server.on("whoami", whoami, lose, whoami);
  await transport.call(call);
  expect((await transport.call(call)).status).toBe(200);
  transport.close();
});

test("a base path of the address is kept", async () => {
  const transport = new HttpTransport({ url: `${at.server.url}/hms`, token: "t", maxResponseBytes: 1_000 });
  at.server.on("events", json({}));
  await transport.call({ method: "GET", path: "/v1/whoami", timeoutMs: 5_000 });
  expect(at.server.received.at(-1)!.url).toBe("/hms/v1/whoami");
  transport.close();
});

test("an IPv6 address can be the bus's", async () => {
  const transport = new HttpTransport({ url: "http://[::1]:1", token: "t", maxResponseBytes: 1_000 });
  await expect(transport.call({ method: "GET", path: "/", timeoutMs: 5_000 })).rejects.toMatchObject({
    code: "unreachable",
    detail: expect.stringMatching(/ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH/),
  });
  transport.close();
});
