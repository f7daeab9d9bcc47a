import { HmsSyncError } from "../errors.js";

/** What a Redis keeps of an acknowledged write when it is killed: all; all but about 2 s; no promise. */
export type DurabilityLevel = "always" | "everysec" | "none";

/** Settings as `CONFIG GET` names them. One that could not be read is left out. */
export type RedisSettings = Readonly<
  Partial<Record<"appendonly" | "appendfsync" | "maxmemory-policy", string>>
>;

export interface Durability {
  readonly level: DurabilityLevel;
  /** `maxmemory-policy`, or "unknown" where Redis does not tell. */
  readonly evictionPolicy: string;
  /** Whole sentences for the log and for `hms-sync status`. */
  readonly warnings: readonly string[];
  /** Why the bus must not run on this Redis. */
  readonly refusal?: string;
}

/** The part of an ioredis client that the check needs. */
export interface CommandClient {
  call(command: string, ...args: string[]): Promise<unknown>;
}

/** Judges the settings of a Redis: what it may lose, and whether it may throw owed events away. */
export function assessDurability(settings: RedisSettings): Durability {
  const evictionPolicy = settings["maxmemory-policy"] ?? "unknown";
  const { level, warning } = appendOnly(settings);
  const warnings = warning === undefined ? [] : [warning];
  if (evictionPolicy === "unknown") {
    warnings.push(
      "Redis does not tell its maxmemory-policy; make sure that it is noeviction, or owed events may vanish",
    );
  }
  if (evictionPolicy === "unknown" || evictionPolicy === "noeviction")
    return { level, evictionPolicy, warnings };
  const refusal =
    `Redis has maxmemory-policy "${evictionPolicy}" and may throw owed events away; ` +
    "set it to noeviction (CONFIG SET maxmemory-policy noeviction, and in redis.conf or the provider's settings)";
  return { level, evictionPolicy, warnings, refusal };
}

/** Reads the settings as they are now, and judges them; does not reject for what it finds. */
export async function readDurability(client: CommandClient): Promise<Durability> {
  return assessDurability((await fromConfig(client)) ?? (await fromInfo(client)));
}

/**
 * Reads the settings with CONFIG GET, or from INFO where an ACL or a provider forbids CONFIG, and judges them.
 * @throws HmsSyncError `eviction_policy` unless the policy is noeviction or nowhere to be read.
 */
export async function checkRedis(client: CommandClient): Promise<Durability> {
  const durability = await readDurability(client);
  if (durability.refusal !== undefined) {
    throw new HmsSyncError("eviction_policy", durability.refusal, {
      details: { evictionPolicy: durability.evictionPolicy },
    });
  }
  return durability;
}

function appendOnly(settings: RedisSettings): { level: DurabilityLevel; warning?: string } {
  if (settings.appendonly !== "yes") {
    const found =
      settings.appendonly === undefined ? "Redis does not tell whether its AOF is on" : "the AOF is off";
    return { level: "none", warning: `${found}: a restart of Redis may lose events; set appendonly yes` };
  }
  const remedy = "set appendfsync always to lose nothing";
  switch (settings.appendfsync) {
    case "always":
      return { level: "always" };
    case "everysec":
      return {
        level: "everysec",
        warning: `appendfsync is everysec: a crash may lose about 2 s of events; ${remedy}`,
      };
    case undefined:
      return {
        level: "everysec",
        warning: `Redis does not tell its appendfsync, everysec is assumed: a crash may lose about 2 s of events; ${remedy}`,
      };
    default:
      return {
        level: "none",
        warning: `appendfsync is "${settings.appendfsync}": a crash may lose all that the system had not written; ${remedy}`,
      };
  }
}

async function fromConfig(client: CommandClient): Promise<RedisSettings | undefined> {
  const settings: Record<string, string> = {};
  for (const name of ["appendonly", "appendfsync", "maxmemory-policy"]) {
    // one name a call: Redis 6 takes no more
    const reply = await unlessRefused(client.call("CONFIG", "GET", name));
    if (reply === undefined) return undefined;
    Object.assign(settings, pairs(reply));
  }
  return settings;
}

async function fromInfo(client: CommandClient): Promise<RedisSettings> {
  const replies = [await infoSection(client, "persistence"), await infoSection(client, "memory")].join("\n");
  const aof = /^aof_enabled:(\d)/m.exec(replies)?.[1];
  const policy = /^maxmemory_policy:(\S+)/m.exec(replies)?.[1];
  return {
    ...(aof === undefined ? {} : { appendonly: aof === "1" ? "yes" : "no" }),
    ...(policy === undefined ? {} : { "maxmemory-policy": policy }),
  };
}

async function infoSection(client: CommandClient, section: string): Promise<string> {
  return String((await unlessRefused(client.call("INFO", section))) ?? "");
}

/** Undefined when Redis answers with an error (NOPERM, unknown command); a lost connection still rejects. */
async function unlessRefused(reply: Promise<unknown>): Promise<unknown> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof Error && error.name === "ReplyError") return undefined;
    throw error;
  }
}

/** CONFIG GET answers a flat list in RESP2 and a map in RESP3. */
function pairs(reply: unknown): Record<string, string> {
  if (!Array.isArray(reply)) return { ...(reply as Record<string, string>) };
  return Object.fromEntries(
    reply.flatMap((item, index) => (index % 2 === 0 ? [[item, reply[index + 1]]] : [])),
  );
}
