import { expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { CliFolder, inspections, printed } from "./cli-bus.js";

const topic = "inspections.status";

test.each([
  ["a kill -9 of the bus", "SIGKILL"],
  ["an ordinary end of the bus", "SIGTERM"],
] as const)(
  "a following subscribe survives %s and a new one on another port: no line lost, none repeated",
  async (_what, signal) => {
    const folder = new CliFolder();
    const first = await folder.start();
    await folder.post(first.url, topic, 1);
    const subscriber = await folder.spawn(["subscribe", topic]);
    await subscriber.waitForLine(/following/);
    for (const id of [2, 3]) await folder.post(first.url, topic, id);
    await printed(subscriber, [2, 3]);
    await first.process.kill(signal);
    await subscriber.waitForLine(/lost the bus/);
    const second = await folder.start();
    expect(second.url).not.toBe(first.url);
    await folder.post(second.url, topic, 4);
    await subscriber.waitForLine(/back: inspections\.status goes on/, 20_000);
    await folder.post(second.url, topic, 5);
    await printed(subscriber, [2, 3, 4, 5]);
    expect(await subscriber.kill("SIGTERM")).toEqual({ code: 0, signal: null });
  },
);

test("while the bus is killed again and again, subscribe prints each acknowledged event once", async () => {
  const folder = new CliFolder();
  let bus = await folder.start();
  const subscriber = await folder.spawn(["subscribe", topic, "--since=10m"]);
  await subscriber.waitForLine(/following/);
  const acknowledged: number[] = [];
  for (let id = 1; id <= 60; id++) {
    const posting = folder.post(bus.url, topic, id).then(
      () => acknowledged.push(id),
      () => undefined, // not acknowledged: it may be there or not
    );
    if (id % 20 === 0) {
      await bus.process.kill("SIGKILL");
      bus = await folder.start();
    }
    await posting;
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(57);
  await eventually(
    () => {
      const ids = inspections(subscriber.stdout());
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids).toEqual(expect.arrayContaining(acknowledged));
    },
    { timeoutMs: 20_000 },
  );
}, 60_000);
