import { HmsSyncError } from "../errors.js";

/** What every Redis that is not the embedded one needs. */
interface RemoteRedis {
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Database index. */
  readonly db: number;
  readonly tls: boolean;
}

/** `redis://` or `rediss://`: one server, or a proxy that hides several. */
export interface StandaloneRedis extends RemoteRedis {
  readonly kind: "standalone";
  readonly host: string;
  readonly port: number;
}

/** `redis+sentinel://`: the master of that name, asked from the sentinels again after each failover. */
export interface SentinelRedis extends RemoteRedis {
  readonly kind: "sentinel";
  readonly master: string;
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
}

/** The private redis-server that the sidecar starts itself; port 0 asks for any free one. */
export interface EmbeddedRedisTarget {
  readonly kind: "embedded";
  readonly port: number;
}

export type RedisTarget = EmbeddedRedisTarget | StandaloneRedis | SentinelRedis;

/** Which Redis it is, without a secret in it. */
export function nameOf(target: RedisTarget): string {
  if (target.kind === "embedded") return "embedded";
  const { master, sentinels } = target.kind === "sentinel" ? target : { master: "", sentinels: [target] };
  return `${[master, ...sentinels.map(({ host, port }) => `${host}:${port}`)].join(" ").trim()}/${target.db}`;
}

const FORMS =
  "write redis://[user:password@]host[:6379][/db], rediss://… for TLS, or " +
  "redis+sentinel://[user:password@]host[:26379],host…/master-name[/db][?sentinel_username=…&sentinel_password=…]";

/**
 * Reads the address of a Redis. Forms: `redis://user:password@host:port/db`, `rediss://…` (TLS), and
 * `redis+sentinel://user:password@host:port,host:port/master-name/db` (`rediss+sentinel://…` with TLS), where user
 * and password are the data node's and `?sentinel_username=` and `?sentinel_password=` the sentinels' own. Characters
 * that a URL reserves are percent-encoded.
 * @param variable name of the variable it came from, for the message.
 * @throws HmsSyncError `invalid_config`; the password is not in the message.
 */
export function parseRedisUrl(variable: string, url: string): RedisTarget {
  const match = /^(rediss?)(\+sentinel)?:\/\/(?:([^/?#]*)@)?([^/?#@]*)(\/[^?#@]*)?(\?[^#]*)?$/.exec(url);
  const refuse = (problem: string): HmsSyncError =>
    new HmsSyncError("invalid_config", `${variable}: "${withoutSecrets(url)}" ${problem}; ${FORMS}`);
  if (match === null) throw refuse("is not the address of a Redis");
  const [, scheme, sentinel, userInfo = "", hosts = "", path = "", query = ""] = match;
  const read = (part: string): string => decode(part, refuse);
  const segments = path.split("/").slice(1).map(read);
  const remote = { ...credentials(userInfo, read), tls: scheme === "rediss" };
  return sentinel === undefined
    ? standalone(remote, hosts, segments, query, refuse)
    : sentinels(remote, hosts, segments, query, refuse);
}

/** The address of a Redis as it may be logged: no user, no password. */
export function describeRedis(target: RedisTarget): string {
  if (target.kind === "embedded") return "embedded";
  const scheme = target.tls ? "rediss" : "redis";
  if (target.kind === "standalone") return `${scheme}://${hostPort(target)}/${target.db}`;
  return `${scheme}+sentinel://${target.sentinels.map(hostPort).join(",")}/${target.master}/${target.db}`;
}

type Refuse = (problem: string) => HmsSyncError;
type Credentials = Pick<RemoteRedis, "username" | "password">;

function standalone(
  remote: Credentials & { tls: boolean },
  hosts: string,
  segments: readonly string[],
  query: string,
  refuse: Refuse,
): StandaloneRedis {
  if (query !== "") throw refuse("has options after ?, which only a Sentinel address takes");
  if (segments.length > 1) throw refuse("has more than a database index after the host");
  const { host, port } = parseHost(hosts, 6379, refuse);
  return { kind: "standalone", host, port, ...remote, db: parseDb(segments[0], refuse) };
}

function sentinels(
  remote: Credentials & { tls: boolean },
  hosts: string,
  segments: readonly string[],
  query: string,
  refuse: Refuse,
): SentinelRedis {
  const [master = "", db, ...rest] = segments;
  if (master === "") throw refuse("names no master after the sentinels");
  if (rest.length > 0) throw refuse("has more than master name and database index after the sentinels");
  const options = new URLSearchParams(query);
  const unknown = [...options.keys()].find(
    (key) => key !== "sentinel_username" && key !== "sentinel_password",
  );
  if (unknown !== undefined) throw refuse(`has the unknown option "${unknown}"`);
  return {
    kind: "sentinel",
    master,
    sentinels: hosts.split(",").map((host) => parseHost(host, 26_379, refuse)),
    ...remote,
    db: parseDb(db, refuse),
    sentinelUsername: options.get("sentinel_username") || undefined,
    sentinelPassword: options.get("sentinel_password") || undefined,
  };
}

function credentials(userInfo: string, read: (part: string) => string): Credentials {
  const colon = userInfo.indexOf(":");
  const user = colon < 0 ? userInfo : userInfo.slice(0, colon);
  const password = colon < 0 ? "" : userInfo.slice(colon + 1);
  return { username: read(user) || undefined, password: read(password) || undefined };
}

function parseHost(value: string, defaultPort: number, refuse: Refuse): { host: string; port: number } {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(value);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? defaultPort);
  if (host === undefined || port < 1 || port > 65_535)
    throw refuse(`has no usable host and port in "${value}"`);
  return { host, port };
}

function parseDb(value: string | undefined, refuse: Refuse): number {
  if (value === undefined || value === "") return 0;
  if (!/^\d{1,5}$/.test(value)) throw refuse(`has "${withoutSecrets(value)}" where a database index belongs`);
  return Number(value);
}

function decode(part: string, refuse: Refuse): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw refuse("has a % that is not part of a percent-encoding; write %25 for it");
  }
}

/** Everything that may hold a secret: what stands before the last @ of the authority, and the options. */
function withoutSecrets(url: string): string {
  return url
    .replace(/^([a-z+]*:\/\/)?.*@/i, "$1***@")
    .replace(/\?.*$/, "?***")
    .replace(/(_password).*$/i, "$1***"); // options behind a mistyped question mark
}

function hostPort({ host, port }: { host: string; port: number }): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
