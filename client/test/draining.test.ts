import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { eventually } from "../../test/support/eventually.js";
import { spawnNode } from "../../test/support/process.js";
import { fixture, next } from "./support/fixture.js";
import { deliver } from "./support/scripted-bus.js";

const at = fixture();
const adapter = fileURLToPath(new URL("./support/adapter.mjs", import.meta.url));

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s lets the handler finish, stores its ack, gives back the rest, ends the loop and the process",
  async (signal) => {
    at.server.on("pull", deliver("r1.1", 3));
    const process = await spawnNode([adapter, at.server.url, "500"]);
    await process.waitForLine(/^begin r1\.1\.0$/);
    const exit = await process.kill(signal);
    expect(process.stdout()).toBe("begin r1.1.0\nend r1.1.0\nloop ended\n");
    expect(exit).toEqual({ code: 0, signal: null });
    expect(at.server.settles().sort()).toEqual(["ack r1.1.0", "release r1.1.1-2"]);
  },
);

test("a signal while the adapter waits for events ends it at once", async () => {
  const process = await spawnNode([adapter, at.server.url, "0"]);
  await eventually(() => at.server.of("pull").length === 2);
  const started = Date.now();
  expect(await process.kill("SIGTERM")).toEqual({ code: 0, signal: null });
  expect(Date.now() - started).toBeLessThan(3_000);
});

test("a second signal ends the process though a handler is at work", async () => {
  at.server.on("pull", deliver("r1.1", 1));
  const process = await spawnNode([adapter, at.server.url, "60000"]);
  await process.waitForLine(/^begin/);
  const ending = process.kill("SIGTERM");
  await process.waitForLine(/SIGTERM: finishing/);
  void process.kill("SIGTERM");
  expect(await ending).toEqual({ code: null, signal: "SIGTERM" });
});

test("draining waits for handlers that work side by side", async () => {
  at.server.on("pull", deliver("r1.1", 2));
  const bus = await at.connect();
  const subscription = bus.subscribe("t");
  const [one, two] = [await next(subscription), await next(subscription)];
  const last = subscription.next();
  const closing = bus.close();
  let closed = false;
  void closing.then(() => {
    closed = true;
  });
  await one.ack();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(closed).toBe(false);
  await two.ack();
  await closing;
  expect(await last).toEqual({ done: true, value: undefined });
});

test("a forgotten message holds closing up for no more than 5 s", async () => {
  at.server.on("pull", deliver("r1.1", 1));
  const bus = await at.connect();
  const message = await next(bus.subscribe("t"));
  const started = performance.now();
  await bus.close();
  expect(performance.now() - started).toBeLessThan(6_000);
  await expect(message.ack()).rejects.toMatchObject({ code: "closed" });
});
