import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { eventually } from "../../test/support/eventually.js";
import type { Subscription } from "../src/index.js";
import { fixture, next } from "./support/fixture.js";
import { envelope, json, lose, problem, type Script } from "./support/scripted-bus.js";

const at = fixture();

async function reading(options: { since?: string; max?: number } = {}): Promise<Subscription> {
  at.server.on("whoami", json({ system: "admin", admin: true }));
  const bus = await at.connect();
  return bus.subscribe("t", options);
}

/** Sends these lines and keeps the stream open, unless `then` does something else with it. */
function stream(ids: readonly string[], then: (response: ServerResponse) => void = () => undefined): Script {
  return (_request, response) => {
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    response.write(ids.map((id) => `${envelope(id, '{"n":1.0}')}\n`).join("") || "\n", () => then(response));
  };
}

const breaks = (response: ServerResponse) => void response.socket?.destroy();
const ends = (response: ServerResponse) => void response.end();

test("a passing reader gets the ledger's events, and its acks mean nothing", async () => {
  at.server.on("events", stream(["a", "b"]));
  const subscription = await reading({ since: "10m" });
  const messages = [await next(subscription), await next(subscription)];
  expect(messages.map(({ id, data, attempt }) => [id, data, attempt])).toEqual([
    ["a", '{"n":1.0}', 1],
    ["b", '{"n":1.0}', 1],
  ]);
  await Promise.all([
    messages[0]!.ack(),
    messages[0]!.nack(),
    messages[1]!.term("no"),
    messages[1]!.working(),
  ]);
  expect(at.server.of("events")[0]!.url).toBe("/v1/topics/t/events?follow=true&since=10m");
  expect(at.server.of("settle")).toEqual([]);
});

test.each([
  ["breaks off", breaks],
  ["ends", ends],
])("a stream that %s is taken up again without a gap or an event twice", async (_how, then) => {
  at.server.on(
    "events",
    stream(["a", "b"], then),
    lose,
    problem(503, "unavailable"),
    stream(["a", "b", "c"]),
  );
  const subscription = await reading();
  const ids = [];
  for (let i = 0; i < 3; i++) ids.push((await next(subscription)).id);
  expect(ids).toEqual(["a", "b", "c"]);
  const asked = at.server.of("events").map(({ url }) => new URL(url, "http://x").searchParams.get("since"));
  expect(asked[0]).toBeNull();
  expect(asked.at(-1)).toBe("2024-04-23T15:02:06.000Z"); // some seconds before the last event's time
});

test("a reader that saw nothing yet goes on from when it began", async () => {
  at.server.on("events", stream([], breaks), stream(["a"]));
  const before = Date.now() - 1_000;
  const subscription = await reading();
  await next(subscription);
  const since = new URL(at.server.of("events")[1]!.url, "http://x").searchParams.get("since")!;
  expect(Date.parse(since)).toBeGreaterThanOrEqual(before - 1_000);
  expect(Date.parse(since)).toBeLessThanOrEqual(Date.now());
});

test("a reader that does not read makes the stream wait", async () => {
  const all = 6_000; // 60 MB, far more than sockets buffer
  let sent = 0;
  const flood: Script = (_request, response) => {
    const payload = `{"x":"${"x".repeat(10_000)}"}`;
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    const more = (): void => {
      while (sent < all && response.write(`${envelope(`e${sent++}`, payload)}\n`));
      response.once("drain", more);
    };
    more();
  };
  at.server.on("events", flood);
  const subscription = await reading({ max: 10 });
  await next(subscription);
  await stands(() => sent);
  expect(sent).toBeLessThan(all / 2);
  for (let i = 1; i < 100; i++) expect((await next(subscription)).id).toBe(`e${i}`);
});

/** Waits until a number has not changed for half a second. */
async function stands(read: () => number): Promise<void> {
  let last = -1;
  await eventually(
    () => {
      const same = read() === last;
      last = read();
      return same;
    },
    { everyMs: 500 },
  );
}

test("what the gateway refuses ends the loop with its error", async () => {
  at.server.on("events", problem(404, "unknown_topic"));
  const subscription = await reading();
  await expect(subscription.next()).rejects.toMatchObject({ code: "unknown_topic" });
  expect(await subscription.next()).toEqual({ done: true, value: undefined });
});

test("a line that is no envelope is said and tried again", async () => {
  const broken: Script = (_request, response) => void response.writeHead(200).end("{}\n");
  at.server.on("events", broken, stream(["a"]));
  expect((await next(await reading())).id).toBe("a");
  expect(at.lines[0]).toMatch(/without source, id or time/);
});

test("leaving the loop ends the stream", async () => {
  let closed = false;
  at.server.on("events", (request, response) => {
    response.on("close", () => {
      closed = true;
    });
    stream(["a"])(request, response);
  });
  for await (const _message of await reading()) break;
  await eventually(() => closed);
});

test.each(["10 minutes", "yesterday", "10", ""])("since %j is refused with what it may be", async (since) => {
  await expect(reading({ since })).rejects.toMatchObject({ code: "invalid_option" });
});
