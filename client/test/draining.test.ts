import { cp, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

test("SIGTERM drains the handlers of all topics, and the process ends when they are done", async () => {
  at.server.on("pull", deliver("r1.1", 4));
  const handler = fileURLToPath(new URL("./support/handler.mjs", import.meta.url));
  const process = await spawnNode([handler, at.server.url, "500"]);
  await process.waitForLine(/^begin r1\.1\.1$/);
  expect(await process.kill("SIGTERM")).toEqual({ code: 0, signal: null });
  const lines = process.stdout().trim().split("\n");
  expect(lines.slice(0, -1).sort()).toEqual([
    ...["begin r1.1.0", "begin r1.1.1", "end r1.1.0", "end r1.1.1"],
  ]);
  expect(lines.at(-1)).toBe("handle resolved");
  const settles = at.server.settles().sort();
  expect(settles.at(-1)).toBe("release r1.1.2-3");
  expect(settles.slice(0, -1).join()).toMatch(/^ack r1\.1\.0(-1$|,ack r1\.1\.1$)/);
});

test("without @opentelemetry/api the client works as well, and says nothing of it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "plain-"));
  const client = join(folder, "node_modules/@hms-sync/client");
  const root = fileURLToPath(new URL("../", import.meta.url));
  await cp(join(root, "dist"), join(client, "dist"), { recursive: true });
  await cp(join(root, "package.json"), join(client, "package.json"));
  await cp(join(root, "test/support/handler.mjs"), join(folder, "handler.mjs"));
  at.server.on("pull", deliver("r1.1", 1));
  const process = await spawnNode([join(folder, "handler.mjs"), at.server.url, "0"]);
  await at.server.settled("ack r1.1.0");
  await process.kill("SIGTERM");
  expect(process.stderr()).not.toMatch(/opentelemetry/i);
});

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
