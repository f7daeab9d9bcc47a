import fc from "fast-check";
import { expect, test } from "vitest";
import { readConfig } from "../../../src/config.js";
import { formatInstant, isTimezone, localToUtc, parseInstant } from "../../../src/envelope/local-time.js";
import { HmsSyncError } from "../../../src/errors.js";
import { readSince } from "../../../src/gateway/events-route.js";
import { describeRedis, parseRedisUrl } from "../../../src/redis/target.js";
import { parseDuration } from "../../../src/registry/duration.js";
import { fuzz, fuzzTimeout, orRefusal, spoiled, textLike } from "./fuzz.js";

test("durations and points in time: none, or a number", { timeout: fuzzTimeout }, async () => {
  const now = Date.UTC(2024, 3, 23);
  await fuzz(
    textLike("7d", "1h 30m", "500ms", "2h30m", "0", "2024-04-23T15:02:11Z", "999999999d"),
    (text) => {
      const duration = parseDuration(text);
      if (duration !== undefined) expect([Number.isInteger(duration), duration >= 0]).toEqual([true, true]);
      const since = orRefusal(HmsSyncError, () => readSince(text, now));
      if (since !== undefined) expect(Number.isFinite(since)).toBe(true);
    },
  );
});

test("date-times: none, or one that comes back the same", { timeout: fuzzTimeout }, async () => {
  const zone = spoiled("America/Chicago", "UTC", "+02:00", "Europe/Dublin");
  const times = [
    "2024-04-23T15:02:11.123456+02:00",
    "9999-12-31T23:59:59Z",
    "0000-01-01T00:00:00Z",
    "2024-03-10 02:30:00",
    "2024-11-03T01:30:00.5",
  ];
  await fuzz(fc.tuple(spoiled(...times), zone), ([text, timezone]) => {
    const instant = parseInstant(text);
    if (instant !== undefined) expect(parseInstant(formatInstant(instant))).toBe(instant);
    const utc = orRefusal(HmsSyncError, () => localToUtc(text, timezone));
    if (utc !== undefined)
      expect([isTimezone(timezone), parseInstant(utc)]).toEqual([true, expect.any(Number)]);
  });
});

test("addresses of Redis: refused, or told without their secrets", { timeout: fuzzTimeout }, async () => {
  const good = [
    "redis://user:sEcReT@host:6379/3",
    "rediss://:sEcReT@[::1]:7000",
    "redis+sentinel://u:sEcReT@a:26379,b/main/2?sentinel_username=s&sentinel_password=p",
  ];
  await fuzz(spoiled(...good), (url) => {
    const read = () => parseRedisUrl("HMS_SYNC_REDIS_URL", url);
    try {
      const target = read();
      if (target.kind !== "embedded") expect(describeRedis(target)).not.toContain("sEcReT");
    } catch (error) {
      expect(error).toMatchObject({ code: "invalid_config" });
      if (/^rediss?(\+sentinel)?:\/\/[^/?#\s]*sEcReT[^/?#\s]*@/.test(url))
        expect((error as Error).message).not.toContain("sEcReT");
    }
  });
});

test("the environment: refused, or a configuration that can be used", { timeout: fuzzTimeout }, async () => {
  const variables = {
    ...{
      HMS_SYNC_PORT: "8480",
      HMS_SYNC_HOST: "127.0.0.1",
      HMS_SYNC_URL: "http://127.0.0.1:8480/",
      HMS_SYNC_TOKEN: "hms_a",
    },
    ...{
      HMS_SYNC_BODY_LIMIT: "262144",
      HMS_SYNC_RATE_LIMIT: "0",
      HMS_SYNC_LOG: "info",
      HMS_SYNC_LARAVEL_TIMEZONE: "UTC",
    },
    ...{ HMS_SYNC_LARAVEL_SOURCE: "hms-api", HMS_SYNC_REDIS_PORT: "0", HMS_SYNC_CONFIG: "topics.yaml" },
  };
  const changes = fc.array(
    fc.tuple(fc.constantFrom(...Object.keys(variables)), spoiled(...Object.values(variables))),
    { maxLength: 3 },
  );
  await fuzz(changes, (changed) => {
    const config = orRefusal(HmsSyncError, () =>
      readConfig({ ...variables, ...Object.fromEntries(changed) }, "/nowhere"),
    );
    if (config === undefined) return;
    expect([config.port >= 0 && config.port < 65_536, config.bodyLimit > 0, config.rateLimit >= 0]).toEqual([
      true,
      true,
      true,
    ]);
    if (config.url !== undefined) expect(URL.canParse(config.url)).toBe(true);
  });
});
