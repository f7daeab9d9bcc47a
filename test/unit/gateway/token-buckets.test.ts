import { describe, expect, test } from "vitest";
import { FailedAttempts } from "../../../src/gateway/failed-attempts.js";
import { RateLimit } from "../../../src/gateway/rate-limit.js";
import { TokenBuckets } from "../../../src/gateway/token-buckets.js";

const rate = { perSecond: 10, burst: 30 };

function clocked() {
  const clock = { ms: 0 };
  return { clock, buckets: new TokenBuckets(() => clock.ms) };
}

/** What `call` throws: code and seconds of Retry-After. */
function refusal(call: () => void): unknown {
  try {
    call();
    return undefined;
  } catch (error) {
    const { code, status, details } = error as { code: string; status: number; details: object };
    return { code, status, ...details };
  }
}

describe("token buckets", () => {
  test("the burst passes at once, then what comes per second", () => {
    const { clock, buckets } = clocked();
    for (let n = 0; n < 30; n++) expect(buckets.take("a", 1, rate)).toBe(0);
    expect(buckets.take("a", 1, rate)).toBe(100);
    clock.ms += 99;
    expect(buckets.take("a", 1, rate)).toBeGreaterThan(0);
    clock.ms += 2;
    expect(buckets.take("a", 1, rate)).toBe(0);
    expect(buckets.take("a", 1, rate)).toBeGreaterThan(95);
  });

  test("a refused call costs nothing", () => {
    const { clock, buckets } = clocked();
    buckets.take("a", 30, rate);
    for (let n = 0; n < 1_000; n++) expect(buckets.take("a", 1, rate)).toBe(100);
    clock.ms += 100;
    expect(buckets.take("a", 1, rate)).toBe(0);
  });

  test("what costs more than a bucket holds passes when it is full, and is paid off before the next", () => {
    const { clock, buckets } = clocked();
    expect(buckets.take("a", 50, rate)).toBe(0);
    expect(buckets.take("a", 1, rate)).toBe(2_100); // 20 of debt and 1 for itself
    expect(buckets.take("a", 50, rate)).toBe(5_000);
    clock.ms += 5_000;
    expect(buckets.take("a", 50, rate)).toBe(0);
  });

  test("a quiet time never saves up more than the burst", () => {
    const { clock, buckets } = clocked();
    buckets.take("a", 30, rate);
    clock.ms += 3_600_000;
    buckets.take("a", 30, rate);
    expect(buckets.take("a", 1, rate)).toBeGreaterThan(0);
  });

  test("each name has its own, and 100,000 names do not stay", () => {
    const { buckets } = clocked();
    buckets.take("first", 30, rate);
    expect(buckets.take("second", 1, rate)).toBe(0);
    for (let n = 0; n < 100_000; n++) buckets.take(`n${n}`, 1, rate);
    expect(buckets.take("first", 1, rate)).toBe(0); // forgotten, so full again
    expect((buckets as unknown as { buckets: Map<string, unknown> }).buckets.size).toBeLessThanOrEqual(
      10_000,
    );
  });
});

describe("the rate of a system", () => {
  const directory = {
    limitsOf: (system: string) => ({ slow: { rate: 0.5 }, free: { rate: 0 } })[system] ?? {},
  };
  const limit = () => {
    const { clock, buckets } = clocked();
    return { clock, limit: new RateLimit(directory, 10, buckets) };
  };
  const who = (system: string, admin = false) => ({ system, admin });

  test("is that of topics.yaml, else the default; Retry-After is whole seconds, at least one", () => {
    const { limit: rates } = limit();
    rates.take(who("other"), 30);
    expect(refusal(() => rates.take(who("other"), 1))).toEqual({
      code: "rate_limited",
      status: 429,
      retry_after: 1,
    });
    rates.take(who("slow"), 1);
    expect(refusal(() => rates.take(who("slow"), 1))).toMatchObject({ retry_after: 1 });
    expect(refusal(() => rates.take(who("slow"), 500))).toMatchObject({ retry_after: 2 });
  });

  test("admin and a system without a limit post freely", () => {
    const { limit: rates } = limit();
    for (let n = 0; n < 100; n++) {
      rates.take(who("free"), 500);
      rates.take(who("admin", true), 500);
    }
  });
});

describe("failed authentications", () => {
  const failing = () => {
    const { clock, buckets } = clocked();
    const attempts = new FailedAttempts(buckets);
    for (let n = 0; n < 60; n++) {
      attempts.check("10.0.0.1", `guess ${n}`);
      attempts.failed("10.0.0.1");
    }
    return { clock, attempts };
  };

  test("of one address are refused after 60, and one a second from then on", () => {
    const { clock, attempts } = failing();
    const next = () => attempts.check("10.0.0.1", "another");
    expect(refusal(next)).toEqual({ code: "too_many_failures", status: 429, retry_after: 1 });
    clock.ms += 1_000;
    expect(refusal(next)).toBeUndefined();
    attempts.failed("10.0.0.1");
    expect(refusal(next)).toMatchObject({ status: 429 });
  });

  test("do not lock out another address, nor what has worked from this one", () => {
    const { attempts } = failing();
    attempts.succeeded("10.0.0.1", "good");
    attempts.check("10.0.0.2", "another");
    attempts.check("10.0.0.1", "good");
    expect(refusal(() => attempts.check("10.0.0.2x", "good"))).toBeUndefined();
    expect(refusal(() => attempts.check("10.0.0.1", "goo"))).toMatchObject({ status: 429 });
  });
});
