import { expect, test } from "vitest";
import { eventually } from "../../test/support/eventually.js";
import { fixture, next } from "./support/fixture.js";
import { deliver, json, lose, problem, type Script, settleAs } from "./support/scripted-bus.js";
import { eventsOf, range } from "./support/settles.js";

const at = fixture();

test("a run acked event by event is settled with ranges", async () => {
  at.server.on("pull", deliver("r1.1", 300));
  const bus = await at.connect();
  const acks: Promise<void>[] = [];
  for await (const message of bus.subscribe("t")) {
    acks.push(message.ack());
    if (acks.length === 300) break;
  }
  await Promise.all(acks);
  expect(at.server.settles().length).toBeLessThan(30);
  // A pull that the end of the loop aborts is followed by another request with its acks.
  expect(new Set(eventsOf(at.server.settles(), "ack"))).toEqual(new Set(range("r1.1", 0, 299)));
});

test("an ack whose answer was lost is sent again until it is answered", async () => {
  at.server.on("pull", deliver("r1.1", 1)).on("settle", lose, lose, problem(503, "unavailable"));
  const bus = await at.connect();
  const subscription = bus.subscribe("t");
  const message = await next(subscription);
  await subscription.close(); // no pull carries the ack then
  await message.ack();
  const acks = at.server.settles().filter((settle) => settle === "ack r1.1.0");
  expect(acks.length).toBeGreaterThanOrEqual(4);
});

test("a pull that carried acks and was lost does not lose the acks", async () => {
  at.server.on("pull", deliver("r1.1", 1), lose, lose, lose, lose);
  const bus = await at.connect();
  const message = await next(bus.subscribe("t"));
  await message.ack();
  expect(at.server.settles()).toContain("ack r1.1.0");
});

test.each([
  ["may keep the answer of a pull with acks for a moment", 1, 25],
  ["may not while events wait here", 2, 0],
])("the bus %s", async (_name, events, settleWaitMs) => {
  at.server.on("pull", deliver("r1.1", events));
  const bus = await at.connect();
  await (await next(bus.subscribe("t"))).ack();
  const pull = at.server.of("pull").find(({ body }) => body.settle.length > 0);
  expect(pull?.body).toMatchObject({ settle_wait_ms: settleWaitMs, wait_ms: 20_000 });
});

test("a stale ack rejects with a typed error, and unawaited it is logged and harms nothing", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  at.server
    .on("pull", deliver("r1.1", 2), carryAs("stale"), carryAs("stale"))
    .on("settle", settleAs("stale"), settleAs("stale"));
  const bus = await at.connect();
  const subscription = bus.subscribe("t");
  void (await next(subscription)).ack();
  await eventually(() => at.lines.includes("settle came too late, the event comes again"));
  const second = await next(subscription);
  await expect(second.ack()).rejects.toMatchObject({ code: "stale_lease", retryable: false });
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

test("ack and nack exclude each other and repeating is harmless", async () => {
  at.server.on("pull", deliver("r1.1", 2));
  const bus = await at.connect();
  const subscription = bus.subscribe("t");
  const [acked, nacked] = [await next(subscription), await next(subscription)];
  expect(acked.ack()).toBe(acked.ack());
  await expect(acked.nack()).rejects.toMatchObject({ code: "already_settled" });
  await expect(acked.working()).rejects.toMatchObject({ code: "already_settled" });
  await nacked.nack({ delay: 1_500.2, reason: "later" });
  await expect(nacked.ack()).rejects.toMatchObject({ code: "already_settled" });
  await acked.ack();
  const sent = at.server.received.flatMap(({ body }) => body?.settle ?? []);
  expect(sent).toEqual([
    { token: "r1.1.0", action: "ack" },
    { token: "r1.1.1", action: "nack", delay_ms: 1_501, reason: "later" },
  ]);
});

test("leaving the loop releases what was not handed out, and not what was", async () => {
  at.server.on("pull", deliver("r1.1", 5));
  const bus = await at.connect();
  for await (const message of bus.subscribe("t")) {
    if (message.id === "r1.1.1") break;
    await message.ack();
  }
  expect(eventsOf(at.server.settles(), "release")).toEqual(range("r1.1", 2, 4));
  expect(eventsOf(at.server.settles(), "ack")).toEqual(range("r1.1", 0, 0));
});

test("events that arrive after the loop was left are released", async () => {
  let answer: () => void = () => undefined;
  at.server.on(
    "pull",
    slowly((finish) => {
      answer = finish;
    }),
  );
  const bus = await at.connect();
  const subscription = bus.subscribe("t", { max: 3 });
  const waiting = subscription.next();
  await eventually(() => at.server.of("pull").length > 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const closing = subscription.close();
  answer();
  await closing;
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(eventsOf(at.server.settles(), "release")).toEqual(range("r1.1", 0, 2));
});

test("no more is pulled while more than a run waits unhandled", async () => {
  for (let run = 1; run <= 20; run++) at.server.on("pull", deliver(`r${run}.1`, 10));
  const bus = await at.connect();
  const subscription = bus.subscribe("t", { max: 10 });
  const message = await next(subscription);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(at.server.of("pull").length).toBeLessThanOrEqual(3);
  await message.ack();
});

test("two pulls wait while nothing is owed, and no more", async () => {
  const bus = await at.connect();
  const waiting = bus.subscribe("t").next();
  await eventually(() => at.server.of("pull").length === 2);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(at.server.of("pull").length).toBe(2);
  await bus.close();
  expect((await waiting).done).toBe(true);
});

test("a bus that answers pulls without waiting is not asked in a busy loop", async () => {
  for (let i = 0; i < 1_000; i++) at.server.on("pull", deliver());
  const bus = await at.connect();
  void bus.subscribe("t").next();
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(at.server.of("pull").length).toBeLessThan(20);
});

test("Retry-After is honoured", async () => {
  at.server.on(
    "pull",
    problem(503, "unavailable", { "retry-after": "1" }),
    problem(429, "slow_down", { "retry-after": "1" }),
  );
  at.server.on("pull", deliver("r1.1", 1));
  const bus = await at.connect();
  const started = performance.now();
  const message = await next(bus.subscribe("t"));
  expect(performance.now() - started).toBeGreaterThan(950);
  await message.ack();
});

test.each([
  ["an answer of another type", json({ deliveries: [] })],
  ["an answer cut short", cutShort],
  ["an answer that is no frame", text("application/vnd.hms-sync.deliveries", "no frame")],
  ["a proxy's page", text("text/html", "<h1>Not found</h1>", 404)],
  ["a connection that is closed", lose],
])("%s is tried again and said once", async (_what, script) => {
  at.server.on("pull", script, script, script, script, deliver("r1.1", 1));
  const bus = await at.connect();
  const message = await next(bus.subscribe("t"));
  expect(message.id).toBe("r1.1.0");
  expect(at.lines.filter((line) => line.startsWith("pulling t failed"))).toHaveLength(1);
  await message.ack(); // unsettled, it would be waited for at the end
});

test("an answer larger than allowed is not read, and less is asked for from then on", async () => {
  at.server.on("pull", deliver("r1.1", 100), deliver("r1.1", 100), deliver("r2.1", 1), deliver("r3.1", 1));
  const bus = await at.connect({ maxResponseBytes: 5_000 });
  await (await next(bus.subscribe("t"))).ack();
  const asked = at.server.of("pull").map(({ body }) => body.max);
  expect(asked[0]).toBe(500);
  expect(asked.at(-1)).toBeLessThan(500);
});

test.each([
  [401, "unauthorized"],
  [403, "not_a_consumer"],
  [404, "unknown_topic"],
])("a %s of the gateway ends the loop with %s", async (status, code) => {
  at.server.on("pull", problem(status, code), problem(status, code));
  const bus = await at.connect();
  const loop = (async () => {
    for await (const _message of bus.subscribe("t"));
  })();
  await expect(loop).rejects.toMatchObject({ code, status, retryable: false, detail: `scripted ${code}` });
});

test("settles that the gateway refuses reject, and end the loop", async () => {
  at.server.on("pull", deliver("r1.1", 2), problem(401, "unauthorized"), problem(401, "unauthorized"));
  at.server.on("settle", problem(401, "unauthorized"));
  const bus = await at.connect();
  const subscription = bus.subscribe("t");
  const message = await next(subscription);
  await expect(message.ack()).rejects.toMatchObject({ code: "unauthorized" });
  await expect(subscription.next()).rejects.toMatchObject({ code: "unauthorized" });
  expect(await subscription.next()).toEqual({ done: true, value: undefined });
});

test("leases of events that wait are extended; those the bus has taken back are not handed out", async () => {
  at.server.on("pull", deliver("r1.1", 3, { ackWaitMs: 300 }), carryAs("stale"), carryAs("stale"));
  at.server.on("settle", settleAs("stale"), settleAs("stale"));
  const bus = await at.connect();
  const subscription = bus.subscribe("t");
  const message = await next(subscription);
  const extended = () => eventsOf(at.server.settles(), "extend");
  await eventually(() => range("r1.1", 1, 2).every((event) => extended().includes(event)));
  await expect(message.working()).rejects.toMatchObject({ code: "stale_lease" });
  at.server.answer(deliver("r2.1", 1));
  const fresh = await next(subscription);
  expect(fresh.id).toBe("r2.1.0");
  await fresh.ack();
});

test("a handler that is silent for longer than ack_wait does not hold what waits behind it", async () => {
  at.server.on("pull", deliver("r1.1", 3, { ackWaitMs: 300 }));
  const bus = await at.connect();
  const subscription = bus.subscribe("t", { max: 1 });
  await next(subscription);
  await eventually(() => eventsOf(at.server.settles(), "release").length === 2);
  expect(eventsOf(at.server.settles(), "release")).toEqual(range("r1.1", 1, 2));
  at.server.on("pull", deliver("r2.1", 1), deliver("r2.1", 1));
  const resumed = await next(subscription);
  expect(resumed.id).toBe("r2.1.0");
  await resumed.ack();
});

test("handlers that never wait do not keep acks from leaving", async () => {
  at.server.on("pull", deliver("r1.1", 60));
  const bus = await at.connect();
  let handled = 0;
  let settledAfter = 0;
  for await (const message of bus.subscribe("t", { max: 60 })) {
    for (const until = performance.now() + 3; performance.now() < until; );
    message.ack().then(() => {
      settledAfter ||= handled;
    });
    if (++handled === 60) break;
  }
  expect(settledAfter).toBeGreaterThan(0);
  expect(settledAfter).toBeLessThan(60);
});

test("after close nothing can be begun, and late acks are refused", async () => {
  at.server.on("pull", deliver("r1.1", 1));
  const bus = await at.connect();
  const subscription = bus.subscribe("t");
  const message = await next(subscription);
  await message.ack();
  await bus.close();
  expect(() => bus.subscribe("t")).toThrow(expect.objectContaining({ code: "closed" }));
  await expect(bus.publish("t", {})).rejects.toMatchObject({ code: "closed" });
  expect(await subscription.next()).toEqual({ done: true, value: undefined });
});

/** Answers a pull whose settles are refused. */
function carryAs(result: "stale"): Script {
  return (request, response) => {
    const settled = request.body.settle.map(({ token, to }: { token: string; to?: number }) => ({
      token,
      to,
      result,
    }));
    if (settled.length === 0) at.server.park(request, response);
    else deliver("r0.1", 0, { settled })(request, response);
  };
}

/** Sends the head of an answer with three events, and the rest when told. */
function slowly(given: (finish: () => void) => void): Script {
  return (request, response) => {
    const end = response.end.bind(response);
    response.end = ((body: Buffer) => {
      response.write(body.subarray(0, 20));
      given(() => end(body.subarray(20)));
      return response;
    }) as typeof response.end;
    deliver("r1.1", 3)(request, response);
  };
}

function cutShort(_request: unknown, response: Parameters<Script>[1]): void {
  response.writeHead(200, { "content-type": "application/vnd.hms-sync.deliveries", "content-length": 1_000 });
  response.write("{}", () => response.socket?.destroy());
}

function text(type: string, body: string, status = 200): Script {
  return (_request, response) => void response.writeHead(status, { "content-type": type }).end(body);
}
