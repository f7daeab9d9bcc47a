import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HmsSyncClientError } from "../src/errors.js";
import { backoffMs, Outage, parseRetryAfter, persist, retryDelayMs } from "../src/retry.js";
import { recorder } from "./support/recorder.js";

const refused = new HmsSyncClientError("unreachable", "refused", { retryable: true });

describe("backoff", () => {
  test("the ceiling doubles from 50 ms to 5 s", () => {
    const ceilings = [1, 2, 3, 7, 8, 1_000].map((failures) => backoffMs(failures, () => 1));
    expect(ceilings).toEqual([50, 100, 200, 3_200, 5_000, 5_000]);
  });

  test("the whole range below the ceiling is used", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, random) => {
          const delay = backoffMs(failures, () => random);
          expect(delay).toBe(backoffMs(failures, () => 1) * random);
        },
      ),
    );
  });

  test("Retry-After is waited for, with jitter on top, but not for hours", () => {
    expect(retryDelayMs(1, 2_000, () => 0.5)).toBe(2_025);
    expect(retryDelayMs(1, 86_400_000, () => 0)).toBe(300_000);
  });
});

test.each([
  ["3", 3_000],
  ["Tue, 01 Jan 2030 00:00:10 GMT", 10_000],
  ["Tue, 01 Jan 2019 00:00:00 GMT", 0],
  ["soon", undefined],
  [undefined, undefined],
])("Retry-After %s is %s ms", (header, expected) => {
  expect(parseRetryAfter(header, Date.UTC(2030, 0, 1))).toBe(expected);
});

describe("Outage", () => {
  test("says so once, then at growing intervals, then when it is over", () => {
    const { lines, log } = recorder();
    let now = 0;
    const outage = new Outage("pulling t", log, undefined, () => now);
    const spoke: number[] = [];
    for (; now <= 600_000; now += 1_000) {
      const before = lines.length;
      outage.failed(refused);
      if (lines.length > before) spoke.push(now / 1_000);
    }
    outage.over();
    outage.over();
    expect(spoke).toEqual([0, 10, 30, 90, 270]);
    expect(lines[0]).toBe("pulling t failed, trying again until it succeeds: refused");
    expect(lines.slice(-1)).toEqual(["pulling t works again after 601.0 s and 601 failed tries"]);
  });
});

describe("persist", () => {
  test("repeats what is retryable until it succeeds", async () => {
    let tries = 0;
    const outage = new Outage("x", recorder().log);
    const value = await persist(
      () => (++tries < 3 ? Promise.reject(refused) : Promise.resolve("there")),
      outage,
    );
    expect([value, tries, outage.going]).toEqual(["there", 3, false]);
  });

  test("gives up at once on what is not, at the deadline, and on abort with the signal's reason", async () => {
    const never = new HmsSyncClientError("unauthorized", "no");
    const outage = () => new Outage("x", recorder().log);
    await expect(persist(() => Promise.reject(never), outage())).rejects.toBe(never);
    await expect(persist(() => Promise.reject(refused), outage(), { deadline: 0 })).rejects.toBe(refused);
    const reason = new Error("enough");
    const controller = new AbortController();
    const waiting = persist(() => Promise.reject(refused), outage(), { signal: controller.signal });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });
});
