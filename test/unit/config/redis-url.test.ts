import { describe, expect, test } from "vitest";
import { describeRedis, parseRedisUrl } from "../../../src/redis/target.js";

const parse = (url: string) => parseRedisUrl("HMS_SYNC_REDIS_URL", url);
const noCredentials = { username: undefined, password: undefined };

describe("the address of a Redis", () => {
  test("host alone takes the usual port and database 0", () => {
    expect(parse("redis://cache")).toEqual({
      kind: "standalone",
      host: "cache",
      port: 6379,
      ...noCredentials,
      db: 0,
      tls: false,
    });
  });

  test("an ACL user, a password with reserved characters, a database and TLS are read", () => {
    expect(parse("rediss://bus:p%40ss%2F%3A%25:x@cache.example:6390/3")).toEqual({
      kind: "standalone",
      host: "cache.example",
      port: 6390,
      username: "bus",
      password: "p@ss/:%:x",
      db: 3,
      tls: true,
    });
  });

  test("a password without a user signs in as the default user", () => {
    expect(parse("redis://:secret@cache")).toMatchObject({ username: undefined, password: "secret" });
  });

  test("an IPv6 address is read and described in brackets", () => {
    const target = parse("redis://[::1]:6379/0");
    expect(target).toMatchObject({ host: "::1", port: 6379 });
    expect(describeRedis(target)).toBe("redis://[::1]:6379/0");
  });

  test("a Sentinel address gives every sentinel, the master's name and both sets of credentials", () => {
    const url =
      "redis+sentinel://bus:pw@h1:26379,h2/mymaster/2?sentinel_username=watch&sentinel_password=w%40w";
    expect(parse(url)).toEqual({
      kind: "sentinel",
      master: "mymaster",
      sentinels: [
        { host: "h1", port: 26_379 },
        { host: "h2", port: 26_379 },
      ],
      username: "bus",
      password: "pw",
      db: 2,
      tls: false,
      sentinelUsername: "watch",
      sentinelPassword: "w@w",
    });
  });

  test("rediss+sentinel asks for TLS", () => {
    expect(parse("rediss+sentinel://h1/main")).toMatchObject({ kind: "sentinel", tls: true, db: 0 });
  });

  test.each([
    ["cache:6379", "is not the address of a Redis"],
    ["redis://", "no usable host"],
    ["redis://cache:0", "no usable host and port"],
    ["redis://cache:65536", "no usable host and port"],
    ["redis://a,b", "no usable host"],
    ["redis://cache/one", 'has "one" where a database index belongs'],
    ["redis://cache/0/1", "more than a database index"],
    ["redis://cache?db=1", "only a Sentinel address takes"],
    ["redis://:50%@cache", "write %25 for it"],
    ["redis+sentinel://h1:26379", "names no master"],
    ["redis+sentinel://h1,,h2/main", "no usable host"],
    ["redis+sentinel://h1/main/0/1", "more than master name"],
    ["redis+sentinel://h1/main?passwd=x", 'unknown option "passwd"'],
  ])("%s is refused", (url, problem) => {
    expect(() => parse(url)).toThrow(problem);
    expect(() => parse(url)).toThrow(/^HMS_SYNC_REDIS_URL: .*write redis:/);
  });

  test("no refusal and no description shows a password", () => {
    for (const url of [
      "redis://bus:hunter2@cache/x",
      "redis:/bus:hunter2@cache",
      "redis://bus:hunter2/x@cache",
      "redis+sentinel://bus:a@h/main/x?sentinel_password=hunter2",
      "redis+sentinel://bus:a@h/main/&sentinel_password=hunter2",
    ]) {
      expect(refusal(url)).toContain("***");
      expect(refusal(url)).not.toContain("hunter2");
    }
    expect(describeRedis(parse("redis://bus:hunter2@cache"))).toBe("redis://cache:6379/0");
  });
});

function refusal(url: string): string {
  try {
    return JSON.stringify(parse(url));
  } catch (error) {
    return (error as Error).message;
  }
}
