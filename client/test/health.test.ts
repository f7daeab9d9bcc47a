import { expect, test } from "vitest";
import { eventually } from "../../test/support/eventually.js";
import { fixture, next } from "./support/fixture.js";
import { deliver, lose, problem, type Script } from "./support/scripted-bus.js";

const at = fixture();

test("a bus that answers is healthy, and says since when", async () => {
  const before = Date.now();
  const bus = await at.connect();
  const { ok, url, failing, connectedAt, lastAnswerAt, subscriptions } = bus.health();
  expect({ ok, url, failing, subscriptions }).toEqual({
    ok: true,
    url: at.server.url,
    failing: null,
    subscriptions: [],
  });
  expect(connectedAt!.getTime()).toBeGreaterThanOrEqual(before);
  expect(lastAnswerAt!.getTime()).toBeLessThanOrEqual(Date.now());
});

test("subscriptions tell what waits, what is handed out and when the last event was", async () => {
  at.server.on("pull", deliver("r1.1", 5));
  const bus = await at.connect();
  const subscription = bus.subscribe("t");
  expect(bus.health().subscriptions).toEqual([]); // begins with the loop
  const before = Date.now();
  const message = await next(subscription);
  await next(subscription);
  await message.ack();
  const [health] = bus.health().subscriptions;
  expect(health).toMatchObject({ topic: "t", consumer: "city-health", waiting: 3, handedOut: 1 });
  expect(health!.lastEventAt!.getTime()).toBeGreaterThanOrEqual(before - 1);
  expect(health!.lastEventAt!.getTime()).toBeLessThanOrEqual(Date.now() + 1);
  await subscription.close();
  expect(bus.health().subscriptions).toEqual([]);
});

test("while the bus is away it names the code, and is healthy again when it is back", async () => {
  let back = false;
  const answers: Script = (request, response) => (back ? deliver("r1.1", 1) : lose)(request, response);
  at.server.on("pull", ...Array(100).fill(answers));
  const bus = await at.connect();
  const { connectedAt } = bus.health();
  const message = next(bus.subscribe("t"));
  await eventually(() => !bus.health().ok);
  expect(bus.health()).toMatchObject({ ok: false, failing: "unreachable", connectedAt: null });
  back = true;
  await (await message).ack();
  expect(bus.health()).toMatchObject({ ok: true, failing: null });
  expect(bus.health().connectedAt!.getTime()).toBeGreaterThanOrEqual(connectedAt!.getTime());
});

test("a failure that nobody waits for any more is forgotten", async () => {
  at.server.on("publish", ...Array(50).fill(problem(503, "unavailable")));
  const bus = await at.connect();
  const publishing = bus.publish("t", {}, { timeoutMs: 300 });
  await eventually(() => bus.health().failing === "unavailable");
  await expect(publishing).rejects.toMatchObject({ code: "unavailable" });
  expect(bus.health()).toMatchObject({ ok: true, failing: null });
});

test("a closed bus is not healthy", async () => {
  const bus = await at.connect();
  await bus.close();
  expect(bus.health()).toMatchObject({ ok: false, failing: "closed", connectedAt: null });
});

test("its JSON has times in RFC 3339", async () => {
  const bus = await at.connect();
  expect(JSON.parse(JSON.stringify(bus.health())).connectedAt).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});
