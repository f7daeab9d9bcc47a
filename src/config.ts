import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { HmsSyncError } from "./errors.js";
import { LOG_LEVELS, type LogLevel } from "./log.js";
import { parseRedisUrl, type RedisTarget } from "./redis/target.js";
import { secretSetting } from "./secret-settings.js";

export type { RedisTarget } from "./redis/target.js";

/** The environment as `process.env` has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The zero-change door: what the stock `redis` broadcast driver of one Laravel application publishes. */
export interface LaravelDoor {
  /** Redis prefix of the application (`database.redis.options.prefix`); may be empty. */
  readonly prefix: string;
  /** Producer name given to its events. */
  readonly source: string;
  /** IANA name of the application's `app.timezone`, for date-times without an offset. */
  readonly timezone: string;
}

/** Everything the sidecar and the CLI take from their environment: read once, validated, frozen. Paths are absolute. */
export interface Config {
  readonly topicsFile: string;
  readonly stateDir: string;
  /** State directories in which the CLI looks for a running bus, nearest first. */
  readonly contextDirs: readonly string[];
  readonly host: string;
  /** 0 asks for any free port. */
  readonly port: number;
  readonly redis: RedisTarget;
  /** Undefined keeps the pub/sub door closed. */
  readonly laravel: LaravelDoor | undefined;
  /** Largest request body in bytes. */
  readonly bodyLimit: number;
  /** Events that a system may post per second, where topics.yaml does not say otherwise; 0 for no limit. */
  readonly rateLimit: number;
  readonly logLevel: LogLevel;
  readonly production: boolean;
  /** Speaks for admin beside the keys that Redis holds; undefined where none is set. */
  readonly adminToken: string | undefined;
  /** HMS_SYNC_URL and HMS_SYNC_TOKEN: where the CLI finds the gateway and how it signs in. */
  readonly url: string | undefined;
  readonly token: string | undefined;
}

/** Where a running bus is found and the bearer token for it. */
export interface Context {
  readonly url: string;
  readonly token: string;
}

const MAX_BODY_LIMIT = 512 * 1024 * 1024; // the largest string Redis stores (proto-max-bulk-len)

/**
 * Reads the variables of the page "Environment" in the documentation. An empty value counts as unset, but for
 * HMS_SYNC_LARAVEL_PREFIX: a Laravel application may well have the empty prefix.
 * @throws HmsSyncError `invalid_config` naming the variable, its value (secrets left out) and the remedy.
 */
export function readConfig(env: Environment = process.env, cwd: string = process.cwd()): Config {
  const state = text(env, "HMS_SYNC_STATE");
  const stateDir = resolve(cwd, state ?? ".hms-sync");
  return deepFreeze({
    topicsFile: resolve(cwd, text(env, "HMS_SYNC_CONFIG") ?? "topics.yaml"),
    stateDir,
    contextDirs: state === undefined ? upwards(cwd).map((dir) => join(dir, ".hms-sync")) : [stateDir],
    host: readHost(env),
    port: integer(env, "HMS_SYNC_PORT", 8480, 0, 65_535),
    redis: readRedis(env, cwd),
    laravel: readLaravelDoor(env),
    bodyLimit: integer(env, "HMS_SYNC_BODY_LIMIT", 262_144, 1, MAX_BODY_LIMIT),
    rateLimit: integer(env, "HMS_SYNC_RATE_LIMIT", 1_000, 0, 1_000_000),
    logLevel: readLogLevel(env),
    production: env.NODE_ENV === "production",
    adminToken: readAdminToken(env, cwd),
    url: readGatewayUrl(env),
    token: readToken(env, cwd),
  });
}

/**
 * Finds the running bus: the environment first, else what `hms-sync start` wrote in the nearest state directory.
 * @throws HmsSyncError `no_context` when the address or the token is nowhere, or a file there cannot be used.
 */
export function readContext(config: Config): Context {
  return { url: config.url ?? contextUrl(config), token: config.token ?? contextToken(config) };
}

function contextUrl(config: Config): string {
  const file = firstFile(config.contextDirs, "context.json");
  if (file === undefined) {
    throw noContext(
      `no running bus is known: HMS_SYNC_URL is not set and there is no ${config.contextDirs[0]}/context.json` +
        `${config.contextDirs.length > 1 ? " or one further up" : ""}; start the bus with npm start or set HMS_SYNC_URL`,
    );
  }
  const url = urlOf(file.content);
  if (url === undefined) {
    throw noContext(`${file.path} holds no "url" with an http(s) address; remove it and start the bus again`);
  }
  return url;
}

function contextToken(config: Config): string {
  const token = firstFile(config.contextDirs, "token")?.content.trim();
  if (token) return token;
  throw noContext(
    "no token: HMS_SYNC_TOKEN is not set and the bus left no development token" +
      ` in ${config.contextDirs[0]} (in production it makes none); make one with hms-sync keys create NAME`,
  );
}

function urlOf(content: string): string | undefined {
  try {
    const { url } = JSON.parse(content) as { url?: unknown };
    return typeof url === "string" && isHttpUrl(url) ? url.replace(/\/+$/, "") : undefined;
  } catch {
    return undefined; // the caller names the file and the remedy
  }
}

function firstFile(dirs: readonly string[], name: string): { path: string; content: string } | undefined {
  for (const dir of dirs) {
    const path = join(dir, name);
    try {
      return { path, content: readFileSync(path, "utf8") };
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code;
      if (code === "ENOENT" || code === "ENOTDIR") continue;
      throw noContext(`${path} cannot be read (${code}); run as the user who started the bus`, cause);
    }
  }
  return undefined;
}

function readHost(env: Environment): string {
  const host = text(env, "HMS_SYNC_HOST") ?? "127.0.0.1";
  if (/^[A-Za-z0-9.:_%-]+$/.test(host) && !/^[^:]+:\d+$/.test(host)) return host;
  throw invalid("HMS_SYNC_HOST", host, "is not a host name or address; write one like 127.0.0.1 or 0.0.0.0");
}

function readRedis(env: Environment, cwd: string): RedisTarget {
  const url = secretSetting(env, "HMS_SYNC_REDIS_URL", cwd);
  if (url !== undefined) return parseRedisUrl("HMS_SYNC_REDIS_URL", url);
  return { kind: "embedded", port: integer(env, "HMS_SYNC_REDIS_PORT", 6380, 0, 65_535) };
}

function readLaravelDoor(env: Environment): LaravelDoor | undefined {
  const source = text(env, "HMS_SYNC_LARAVEL_SOURCE") ?? "hms-api";
  if (!/^[a-z0-9][a-z0-9._-]{0,99}$/.test(source)) {
    throw invalid("HMS_SYNC_LARAVEL_SOURCE", source, "is not a system name; write a producer of topics.yaml");
  }
  const timezone = text(env, "HMS_SYNC_LARAVEL_TIMEZONE") ?? "UTC";
  if (!isTimezone(timezone)) {
    throw invalid(
      "HMS_SYNC_LARAVEL_TIMEZONE",
      timezone,
      "is no time zone; write an IANA name like America/Chicago",
    );
  }
  const prefix = env.HMS_SYNC_LARAVEL_PREFIX;
  return prefix === undefined ? undefined : { prefix, source, timezone };
}

function readLogLevel(env: Environment): LogLevel {
  const level = text(env, "HMS_SYNC_LOG") ?? "info";
  const known = LOG_LEVELS.find((candidate) => candidate === level);
  if (known !== undefined) return known;
  throw invalid("HMS_SYNC_LOG", level, `is not a level; write one of ${LOG_LEVELS.join(", ")}`);
}

function readGatewayUrl(env: Environment): string | undefined {
  const url = text(env, "HMS_SYNC_URL");
  if (url === undefined || isHttpUrl(url)) return url?.replace(/\/+$/, "");
  throw invalid("HMS_SYNC_URL", url, "is not an http(s) address; write one like http://127.0.0.1:8480");
}

/** As long as 128 random bits in hexadecimal, and what an Authorization header can carry (RFC 6750). */
const ADMIN_TOKEN = /^[A-Za-z0-9._~+/-]{32,512}=*$/;

function readAdminToken(env: Environment, cwd: string): string | undefined {
  const token = secretSetting(env, "HMS_SYNC_ADMIN_TOKEN", cwd);
  if (token === undefined || ADMIN_TOKEN.test(token)) return token;
  throw invalid(
    "HMS_SYNC_ADMIN_TOKEN",
    "(not shown)",
    "is not 32 to 512 letters, digits and . _ ~ + / -; make one with openssl rand -hex 32",
  );
}

function readToken(env: Environment, cwd: string): string | undefined {
  const token = secretSetting(env, "HMS_SYNC_TOKEN", cwd);
  if (token === undefined || /^[\x21-\x7e]+$/.test(token)) return token;
  throw invalid(
    "HMS_SYNC_TOKEN",
    "(not shown)",
    "is not one word of ASCII; copy the token that hms-sync keys create printed",
  );
}

function text(env: Environment, name: string): string | undefined {
  const value = env[name];
  return value === "" ? undefined : value;
}

function integer(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const value = text(env, name);
  if (value === undefined) return fallback;
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw invalid(name, value, `is not in range; write a whole number from ${min} to ${max}`);
}

function isHttpUrl(value: string): boolean {
  return /^https?:\/\/[^\s/]/.test(value) && URL.canParse(value);
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function upwards(dir: string): string[] {
  const parent = dirname(dir);
  return parent === dir ? [dir] : [dir, ...upwards(parent)];
}

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) {
    if (typeof member === "object" && member !== null) deepFreeze(member);
  }
  return Object.freeze(value);
}

function invalid(name: string, value: string, problem: string): HmsSyncError {
  return new HmsSyncError("invalid_config", `${name}: "${value}" ${problem}`);
}

function noContext(message: string, cause?: unknown): HmsSyncError {
  return new HmsSyncError("no_context", message, { cause });
}
