import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Environment, readConfig, readContext } from "../../../src/config.js";
import { HmsSyncError } from "../../../src/errors.js";

const CWD = "/srv/agency/bus";

function refusal(env: Environment): HmsSyncError {
  try {
    readConfig(env, CWD);
  } catch (error) {
    if (error instanceof HmsSyncError) return error;
    throw error;
  }
  throw new Error("the configuration was accepted");
}

describe("readConfig", () => {
  test("an empty environment gives the documented defaults", () => {
    expect(readConfig({}, CWD)).toEqual({
      topicsFile: `${CWD}/topics.yaml`,
      stateDir: `${CWD}/.hms-sync`,
      contextDirs: [`${CWD}/.hms-sync`, "/srv/agency/.hms-sync", "/srv/.hms-sync", "/.hms-sync"],
      host: "127.0.0.1",
      port: 8480,
      redis: { kind: "embedded", port: 6380 },
      laravel: undefined,
      bodyLimit: 262_144,
      rateLimit: 1_000,
      logLevel: "info",
      production: false,
      adminToken: undefined,
      url: undefined,
      token: undefined,
    });
  });

  test("each variable replaces its default", () => {
    const config = readConfig(
      {
        HMS_SYNC_CONFIG: "conf/belt.yaml",
        HMS_SYNC_STATE: "/var/lib/hms-sync",
        HMS_SYNC_PORT: "0",
        HMS_SYNC_HOST: "::1",
        HMS_SYNC_REDIS_PORT: "0",
        HMS_SYNC_LARAVEL_PREFIX: "hms_database_",
        HMS_SYNC_LARAVEL_SOURCE: "hms-two",
        HMS_SYNC_LARAVEL_TIMEZONE: "America/Chicago",
        HMS_SYNC_BODY_LIMIT: "1048576",
        HMS_SYNC_RATE_LIMIT: "0",
        HMS_SYNC_LOG: "debug",
        NODE_ENV: "production",
        HMS_SYNC_URL: "https://bus.example/",
        HMS_SYNC_TOKEN: "hs_abc",
      },
      CWD,
    );
    expect(config).toMatchObject({
      topicsFile: `${CWD}/conf/belt.yaml`,
      stateDir: "/var/lib/hms-sync",
      contextDirs: ["/var/lib/hms-sync"],
      host: "::1",
      port: 0,
      redis: { kind: "embedded", port: 0 },
      laravel: { prefix: "hms_database_", source: "hms-two", timezone: "America/Chicago" },
      bodyLimit: 1_048_576,
      rateLimit: 0,
      logLevel: "debug",
      production: true,
      url: "https://bus.example",
      token: "hs_abc",
    });
  });

  test("an empty value counts as unset, but an empty Laravel prefix opens the door", () => {
    const config = readConfig(
      { HMS_SYNC_PORT: "", HMS_SYNC_REDIS_URL: "", HMS_SYNC_LARAVEL_PREFIX: "" },
      CWD,
    );
    expect(config.port).toBe(8480);
    expect(config.redis.kind).toBe("embedded");
    expect(config.laravel).toEqual({ prefix: "", source: "hms-api", timezone: "UTC" });
  });

  test("a configuration cannot be changed after it was read, at any depth", () => {
    const config = readConfig({ HMS_SYNC_REDIS_URL: "redis+sentinel://a,b/main" }, CWD);
    expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.redis, { db: 9 })).toThrow(TypeError);
    if (config.redis.kind !== "sentinel") throw new Error("not a sentinel target");
    const [first] = config.redis.sentinels;
    expect(() => Object.assign(first!, { port: 1 })).toThrow(TypeError);
  });

  test.each([
    [{ HMS_SYNC_PORT: "80a" }, 'HMS_SYNC_PORT: "80a" is not in range; write a whole number from 0 to 65535'],
    [{ HMS_SYNC_PORT: "-1" }, 'HMS_SYNC_PORT: "-1"'],
    [{ HMS_SYNC_PORT: "65536" }, 'HMS_SYNC_PORT: "65536"'],
    [{ HMS_SYNC_REDIS_PORT: "6380.5" }, 'HMS_SYNC_REDIS_PORT: "6380.5"'],
    [{ HMS_SYNC_BODY_LIMIT: "0" }, "a whole number from 1 to 536870912"],
    [{ HMS_SYNC_BODY_LIMIT: "256k" }, 'HMS_SYNC_BODY_LIMIT: "256k"'],
    [
      { HMS_SYNC_LOG: "verbose" },
      'HMS_SYNC_LOG: "verbose" is not a level; write one of debug, info, warn, error',
    ],
    [{ HMS_SYNC_HOST: "http://0.0.0.0" }, 'HMS_SYNC_HOST: "http://0.0.0.0" is not a host name'],
    [{ HMS_SYNC_HOST: "0.0.0.0:80" }, 'HMS_SYNC_HOST: "0.0.0.0:80"'],
    [{ HMS_SYNC_URL: "localhost:8480" }, "write one like http://127.0.0.1:8480"],
    [{ HMS_SYNC_LARAVEL_SOURCE: "HMS API" }, 'HMS_SYNC_LARAVEL_SOURCE: "HMS API"'],
    [{ HMS_SYNC_LARAVEL_TIMEZONE: "Mars/Base" }, 'HMS_SYNC_LARAVEL_TIMEZONE: "Mars/Base" is no time zone'],
    [
      { HMS_SYNC_REDIS_URL: "http://cache" },
      'HMS_SYNC_REDIS_URL: "http://cache" is not the address of a Redis',
    ],
  ])("a wrong value is refused with variable, value and remedy: %j", (env, message) => {
    const error = refusal(env);
    expect(error.code).toBe("invalid_config");
    expect(error.message).toContain(message);
  });

  test("a bad token is refused without being shown", () => {
    expect(refusal({ HMS_SYNC_TOKEN: "se cret" }).message).not.toContain("cret");
  });
});

describe("secrets", () => {
  let folder: string;
  const long = "0123456789abcdef0123456789abcdef";

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hms-sync-secrets-"));
    for (const [name, content] of Object.entries({
      token: `${long}\n`,
      url: "redis://:pw@r:6379/0\n",
      empty: " \n",
    }))
      writeFileSync(join(folder, name), content);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test("are taken from the file that NAME_FILE names, without the white space around them", () => {
    const config = readConfig(
      {
        HMS_SYNC_ADMIN_TOKEN_FILE: join(folder, "token"),
        HMS_SYNC_TOKEN_FILE: "token",
        HMS_SYNC_REDIS_URL_FILE: "url",
      },
      folder,
    );
    expect(config).toMatchObject({ adminToken: long, token: long, redis: { host: "r", password: "pw" } });
  });

  test("stand in one place: variable and file together are refused", () => {
    expect(refusal({ HMS_SYNC_TOKEN: long, HMS_SYNC_TOKEN_FILE: join(folder, "token") }).message).toBe(
      "HMS_SYNC_TOKEN and HMS_SYNC_TOKEN_FILE are both set; leave one of them out",
    );
  });

  test.each([
    ["none", "cannot be read (ENOENT); name a file that this user may read"],
    ["empty", "is empty; write the secret there"],
    [".", "cannot be read (EISDIR)"],
  ])("a file that holds none is named: %s", (name, problem) => {
    const error = refusal({ HMS_SYNC_REDIS_URL_FILE: join(folder, name) });
    expect(error.code).toBe("invalid_config");
    expect(error.message).toMatch(/^HMS_SYNC_REDIS_URL_FILE: /);
    expect(error.message).toContain(problem);
  });

  test.each(["short", `${long} ${long}`, `${long}\u00e9`, "x".repeat(513)])(
    "an admin token that is short or cannot be sent is refused without being shown: %#",
    (token) => {
      const { message } = refusal({ HMS_SYNC_ADMIN_TOKEN: token });
      expect(message).toContain("HMS_SYNC_ADMIN_TOKEN");
      expect(message).toContain("openssl rand -hex 32");
      expect(message).not.toContain(token);
    },
  );
});

describe("readContext", () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "hms-sync-context-"));
    mkdirSync(join(root, ".hms-sync"));
    mkdirSync(join(root, "adapters", "city"), { recursive: true });
    writeFileSync(join(root, ".hms-sync", "context.json"), '{"url":"http://127.0.0.1:8481"}');
    writeFileSync(join(root, ".hms-sync", "token"), "dev-token\n");
  });

  afterEach(() => rmSync(root, { recursive: true }));

  test("the state directory is found from a folder further down", () => {
    expect(readContext(readConfig({}, join(root, "adapters", "city")))).toEqual({
      url: "http://127.0.0.1:8481",
      token: "dev-token",
    });
  });

  test("the environment goes before the files, each value on its own", () => {
    expect(readContext(readConfig({ HMS_SYNC_URL: "http://bus:1" }, root))).toEqual({
      url: "http://bus:1",
      token: "dev-token",
    });
    expect(readContext(readConfig({ HMS_SYNC_TOKEN: "own" }, root))).toEqual({
      url: "http://127.0.0.1:8481",
      token: "own",
    });
  });

  test("HMS_SYNC_STATE is the only place looked at when it is set", () => {
    const config = readConfig({ HMS_SYNC_STATE: join(root, "elsewhere") }, root);
    expect(() => readContext(config)).toThrow(/no running bus is known.*elsewhere\/context.json;.*npm start/);
  });

  test("a missing development token names the way to make one", () => {
    rmSync(join(root, ".hms-sync", "token"));
    expect(() => readContext(readConfig({}, root))).toThrow(/hms-sync keys create NAME/);
  });

  test("a context file without an address is named", () => {
    writeFileSync(join(root, ".hms-sync", "context.json"), '{"url":');
    expect(() => readContext(readConfig({}, root))).toThrow(/\.hms-sync\/context\.json holds no "url"/);
  });

  test("a token that cannot be read is an error, not a missing token", () => {
    rmSync(join(root, ".hms-sync", "token"));
    mkdirSync(join(root, ".hms-sync", "token"));
    expect(() => readContext(readConfig({}, root))).toThrow(/token cannot be read \(EISDIR\)/);
  });
});
