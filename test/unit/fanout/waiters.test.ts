import { expect, test } from "vitest";
import type { Lease } from "../../../src/fanout/types.js";
import { Waiters } from "../../../src/fanout/waiters.js";

const never = new AbortController().signal;
const lease: Lease = {
  lease: "r1.1",
  attempt: 1,
  replayed: false,
  indexes: [0],
  bodies: [Buffer.from("{}")],
};

test("the pull whose time is up first is woken first, and of two alike the one that waits longer", async () => {
  const waiters = new Waiters();
  const woken: string[] = [];
  const wait = (name: string, max: number, waitMs: number) =>
    waiters.register(max, waitMs, never).woken.then(() => woken.push(name));
  const all = [wait("long", 1, 20_000), wait("longer", 2, 30_000), wait("short", 3, 10_000)];
  expect(waiters.nextMax).toBe(3);
  while (waiters.size > 0) waiters.wakeOne();
  await Promise.all(all);
  expect(woken).toEqual(["short", "long", "longer"]);
});

test("who was handed a lease has ended, and nobody is woken in vain", async () => {
  const waiters = new Waiters();
  const waiter = waiters.register(10, 20_000, never);
  expect(waiters.wakeOne(lease)).toBe(true);
  expect(waiter.cancel()).toBe(false);
  expect(await waiter.woken).toBe(lease);
  expect(waiters.wakeOne(lease)).toBe(false);
});

test("a signal ends the wait, also one that was aborted before", async () => {
  const waiters = new Waiters();
  const leaving = new AbortController();
  const waiter = waiters.register(10, 20_000, leaving.signal);
  leaving.abort();
  expect(await waiter.woken).toBeUndefined();
  expect(await waiters.register(10, 20_000, leaving.signal).woken).toBeUndefined();
  expect(waiters.size).toBe(0);
});
