import { expect, test } from "vitest";
import { eventually } from "../../test/support/eventually.js";
import { fixture, next } from "./support/fixture.js";
import { deliver, json, lose, problem } from "./support/scripted-bus.js";

const at = fixture();

test.each([
  ["10m", "10m"],
  ["0", "0"],
  ["2024-04-23T15:02:11Z", "2024-04-23T15:02:11Z"],
  [new Date(Date.UTC(2024, 3, 23)), "2024-04-23T00:00:00.000Z"],
])("since %s asks the bus for a replay, and then for events", async (since, asked) => {
  at.server.on("whoami", json({ system: "admin", admin: true }));
  at.server.on("pull", deliver("r1.1", 1, { redo: "rp1" }));
  const bus = await at.connect({ consumer: "ehr-clinic" });
  const message = await next(bus.subscribe("t", { since }));
  expect(message).toMatchObject({ replayed: true, redo: "rp1", consumer: "ehr-clinic" });
  const routes = at.server.received.map(({ route }) => route);
  expect(routes.slice(0, 3)).toEqual(["whoami", "replay", "pull"]);
  expect(at.server.of("replay")).toMatchObject([
    {
      url: "/v1/topics/t/replay",
      body: { since: asked },
      headers: { "hms-sync-consumer": "ehr-clinic", "content-type": "application/json" },
    },
  ]);
});

test("nothing is fetched until the bus has answered, and the question is repeated until it has", async () => {
  const problems = [problem(503, "unavailable"), lose];
  at.server.on("replay", ...problems, (request, response) => {
    expect(at.server.of("pull")).toEqual([]);
    json({ replay: "rp1" })(request, response);
  });
  at.server.on("pull", deliver("r1.1", 1));
  const bus = await at.connect();
  await next(bus.subscribe("t", { since: "10m" }));
  expect(at.server.of("replay")).toHaveLength(3);
});

test("a replay that runs already is left to run", async () => {
  at.server.on("replay", problem(409, "replay_running")).on("pull", deliver("r1.1", 1));
  const bus = await at.connect();
  expect((await next(bus.subscribe("t", { since: "10m" }))).id).toBe("r1.1.0");
  expect(at.lines).toContain("a replay runs already, no other is begun");
});

test.each([
  [409, "replay_of_ordered_consumer"],
  [404, "not_found"],
  [403, "not_a_consumer"],
])("a replay that the bus refuses (%i %s) ends the loop with its error", async (status, code) => {
  at.server.on("replay", problem(status, code));
  const bus = await at.connect();
  await expect(bus.handle("t", () => undefined, { since: "10m" })).rejects.toMatchObject({ code });
  expect(at.server.of("pull")).toEqual([]);
});

test("a loop that is ended while the bus has not answered ends at once", async () => {
  at.server.on("replay", at.server.park);
  const bus = await at.connect();
  const subscription = bus.subscribe("t", { since: "10m" });
  const waiting = subscription.next();
  await eventually(() => at.server.of("replay").length === 1);
  await subscription.close();
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(at.server.of("pull")).toEqual([]);
});

test("since is checked before anything is sent", async () => {
  const bus = await at.connect();
  expect(() => bus.subscribe("t", { since: "yesterday" })).toThrow(
    expect.objectContaining({ code: "invalid_option" }),
  );
});
