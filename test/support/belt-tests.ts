import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { type Belt, belt } from "./belt.js";
import { startRedis, type TestRedis } from "./redis.js";

/** What the tests of one file have: its Redis, and a belt of their own on it, emptied. */
export interface BeltTest {
  readonly server: TestRedis;
  readonly bus: Belt;
  /** What the belt logged as errors so far. */
  readonly errors: string[];
}

/** Gives every test of the file a belt; the test fails when errors are left in its log. */
export function eachOnABelt(give: (given: BeltTest) => void): void {
  let server: TestRedis;
  let given: BeltTest;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    const errors: string[] = [];
    given = { server, bus: belt(server.url, { errors }), errors };
    await given.bus.redis.flushall();
    give(given);
  });
  afterEach(async () => {
    await given.bus.close();
    expect(given.errors).toEqual([]);
  });
}
