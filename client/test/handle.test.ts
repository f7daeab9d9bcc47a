import { inspect } from "node:util";
import { expect, test } from "vitest";
import { eventually } from "../../test/support/eventually.js";
import { Permanent } from "../src/index.js";
import { fixture } from "./support/fixture.js";
import { deliver, json, problem } from "./support/scripted-bus.js";
import { eventsOf } from "./support/settles.js";

const at = fixture();

/** All settles of a kind that reached the bus, as they travelled. */
function sent(action: string): Record<string, unknown>[] {
  const settles = at.server.received.flatMap(({ body }) => body?.settle ?? []);
  return settles.filter((settle: { action: string }) => settle.action === action);
}

test("returning acks, also from a handler that is not async", async () => {
  at.server.on("pull", deliver("r1.1", 2));
  const bus = await at.connect();
  const ids: string[] = [];
  void bus.handle("t", (message) => void ids.push(message.id));
  await eventually(() => eventsOf(at.server.settles(), "ack").length === 2);
  expect(ids).toEqual(["r1.1.0", "r1.1.1"]);
});

test("an event is acked when its handler is done, not before", async () => {
  at.server.on("pull", deliver("r1.1", 1));
  const bus = await at.connect();
  const { promise, resolve } = withResolvers();
  void bus.handle("t", () => promise);
  await eventually(() => bus.health().subscriptions[0]?.handedOut === 1);
  expect(at.server.settles()).toEqual([]);
  resolve();
  await at.server.settled("ack r1.1.0");
});

test.each([
  ["its code", Object.assign(new Error("duplicate key (name)=(Ada)"), { code: "23505" }), "23505"],
  ["its name", new TypeError("cannot read Ada"), "TypeError"],
  ["no text that is no code", Object.assign(new Error("x"), { code: "Ada Lovelace" }), "Error"],
  ["its type", "Ada", "a thrown string"],
])(
  "throwing brings the event again by the topic's backoff, with %s as reason and never its message",
  async (_what, error, reason) => {
    at.server.on("pull", deliver("r1.1", 1));
    const bus = await at.connect();
    void bus.handle("t", () => Promise.reject(error));
    await at.server.settled("nack r1.1.0");
    expect(sent("nack")).toEqual([{ token: "r1.1.0", action: "nack", reason }]);
    expect(inspect(at.lines)).not.toContain("Ada");
    expect(at.fields.at(-1)).toMatchObject({ topic: "t", id: "r1.1.0", attempt: 1, code: reason });
  },
);

test("the log names the line that threw", async () => {
  at.server.on("pull", deliver("r1.1", 1));
  const bus = await at.connect();
  void bus.handle("t", () => {
    throw new Error("Ada\n    at Lovelace");
  });
  await at.server.settled("nack r1.1.0");
  expect(at.fields.at(-1)!.at).toMatch(/handle\.test\.ts:\d+:\d+/);
});

test("throwing Permanent makes it a dead letter with the reason", async () => {
  at.server.on("pull", deliver("r1.1", 1));
  const bus = await at.connect();
  void bus.handle("t", () => {
    throw new Permanent("inspectionId: too large for INSP_NO");
  });
  await at.server.settled("term r1.1.0");
  expect(sent("term")).toEqual([
    { token: "r1.1.0", action: "term", reason: "inspectionId: too large for INSP_NO" },
  ]);
});

test("what the handler settles itself stands", async () => {
  at.server.on("pull", deliver("r1.1", 2));
  const bus = await at.connect();
  void bus.handle("t", (message) => {
    void message.nack({ delay: 5 });
    if (message.id === "r1.1.1") throw new Error("after it");
  });
  await eventually(() => eventsOf(at.server.settles(), "nack").length === 2);
  for (const nack of sent("nack")) expect(nack).toMatchObject({ delay_ms: 5 });
  expect(sent("ack")).toEqual([]);
});

test("one handler at a time unless told, and no more than told", async () => {
  for (const [concurrency, most] of [
    [undefined, 1],
    [4, 4],
  ] as const) {
    at.server.on("pull", deliver(`r${most}.1`, 30));
    const bus = await at.connect();
    let working = 0;
    let seen = 0;
    let done = 0;
    const handler = async () => {
      seen = Math.max(seen, ++working);
      await new Promise((resolve) => setTimeout(resolve, 2));
      working--;
      done++;
    };
    void bus.handle("t", handler, concurrency === undefined ? {} : { concurrency });
    await eventually(() => done === 30);
    expect(seen).toBe(most);
    await bus.close();
  }
});

test("an aborted signal lets handlers at work finish, stores their acks, gives back the rest and resolves", async () => {
  at.server.on("pull", deliver("r1.1", 5));
  const bus = await at.connect();
  const controller = new AbortController();
  const gates = Array.from({ length: 2 }, () => withResolvers());
  let begun = 0;
  const handling = bus.handle("t", () => gates[begun++]!.promise, {
    concurrency: 2,
    signal: controller.signal,
  });
  let resolved = false;
  void handling.then(() => {
    resolved = true;
  });
  await eventually(() => begun === 2);
  controller.abort();
  await at.server.settled("release r1.1.2-4");
  gates[0]!.resolve();
  await at.server.settled("ack r1.1.0");
  expect(resolved).toBe(false);
  gates[1]!.resolve();
  await handling;
  expect(eventsOf(at.server.settles(), "ack").sort()).toEqual(["r1.1.0", "r1.1.1"]);
  expect(begun).toBe(2);
});

test("one handler of two at work for longer than 5 s is waited for", { timeout: 15_000 }, async () => {
  at.server.on("pull", deliver("r1.1", 1));
  const bus = await at.connect();
  const controller = new AbortController();
  const gate = withResolvers();
  const handling = bus.handle("t", () => gate.promise, { concurrency: 2, signal: controller.signal });
  await eventually(() => bus.health().subscriptions[0]?.handedOut === 1);
  controller.abort();
  await new Promise((resolve) => setTimeout(resolve, 5_500)); // the patience with a bus that is away
  expect(at.server.settles()).toEqual([]);
  gate.resolve();
  await handling;
  expect(at.server.settles()).toEqual(["ack r1.1.0"]);
});

test("a drain waits for its handler also when there was nothing at all to do for a moment before", async () => {
  at.server.on("pull", deliver(), deliver(), deliver("r1.1", 1));
  const bus = await at.connect();
  const controller = new AbortController();
  const gate = withResolvers();
  const handling = bus.handle("t", () => gate.promise, { signal: controller.signal });
  await eventually(() => bus.health().subscriptions[0]?.handedOut === 1);
  controller.abort();
  await eventually(() => at.server.of("pull").length >= 3);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(bus.health().subscriptions).toHaveLength(1);
  gate.resolve();
  await handling;
  expect(at.server.settles()).toEqual(["ack r1.1.0"]);
});

test("a signal that was aborted before begins nothing", async () => {
  const bus = await at.connect();
  await bus.handle("t", () => undefined, { signal: AbortSignal.abort() });
  expect(at.server.of("pull")).toEqual([]);
});

test("closing the bus resolves", async () => {
  const bus = await at.connect();
  const handling = bus.handle("t", () => undefined, { concurrency: 3 });
  await eventually(() => at.server.of("pull").length > 0);
  await bus.close();
  await handling;
});

test("what will not get better rejects, when the handlers at work are done", async () => {
  at.server.on("pull", deliver("r1.1", 1), problem(403, "not_a_consumer"), problem(403, "not_a_consumer"));
  const bus = await at.connect();
  const gate = withResolvers();
  const handling = bus.handle("t", () => gate.promise, { concurrency: 2 });
  let ended = false;
  void handling.catch(() => {
    ended = true;
  });
  await eventually(() => bus.health().subscriptions.length === 0);
  expect(ended).toBe(false);
  gate.resolve();
  await expect(handling).rejects.toMatchObject({ code: "not_a_consumer" });
});

test("several topics are handled in one process, and drained together", async () => {
  const bus = await at.connect();
  at.server.on("pull", deliver("r1.1", 1));
  const handled: string[] = [];
  const all = ["a", "b", "c"].map((topic) =>
    bus.handle(topic, (message) => void handled.push(message.topic)),
  );
  await eventually(() => new Set(at.server.of("pull").map(({ url }) => url)).size === 3);
  await eventually(() => handled.length === 1);
  expect(bus.health().subscriptions.map(({ topic }) => topic)).toEqual(["a", "b", "c"]);
  await bus.close();
  await Promise.all(all);
  expect(bus.health().subscriptions).toEqual([]);
});

test("a passing reader's handler is called too, and its failures mean nothing", async () => {
  at.server.on("whoami", json({ system: "admin", admin: true }));
  at.server.on("events", (_request, response) => {
    response.writeHead(200).write(`${envelopes("a")}\n${envelopes("b")}\n`);
  });
  const bus = await at.connect();
  const ids: string[] = [];
  void bus.handle("t", (message) => {
    ids.push(message.id);
    throw new Error("no");
  });
  await eventually(() => ids.length === 2);
  expect(at.server.settles()).toEqual([]);
});

function envelopes(id: string): string {
  return `{"topic":"t","version":1,"payload":{},"id":"${id}","source":"s","time":"2024-04-23T15:02:11Z"}`;
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((kept) => {
    resolve = kept;
  });
  return { promise, resolve };
}
