import type { Writable } from "node:stream";
import { Redis, type RedisOptions } from "ioredis";
import type { EmbeddedRedisTarget, RedisTarget } from "./target.js";

/** A Redis that can be connected to: the embedded one has an address by the time it runs. */
export type RemoteTarget = Exclude<RedisTarget, EmbeddedRedisTarget>;

/**
 * A connection that reconnects for ever (50 ms to 2 s) and repeats what was under way: every script of ours may be
 * repeated. BullMQ requires `maxRetriesPerRequest: null`. TLS, ACL user and Sentinel as the target says.
 */
export function connectRedis(target: RemoteTarget, name: string, onError: (error: Error) => void): Redis {
  const options: Omit<RedisOptions, "replyMapping"> = {
    ...addressOf(target),
    ...credentialsOf(target),
    ...behaviour,
  };
  options.connectionName = `hms-sync:${name}`;
  const redis = new Redis(options);
  redis.on("error", onError);
  redis.on("connect", () => joinWrites((redis as unknown as { stream: Writable }).stream));
  return redis;
}

/** Ends a connection for good: commands that wait for it reject, also while Redis is away. */
export function letGo(redis: Redis): void {
  // Between two attempts to connect ioredis forgets its waiting commands when it is told to disconnect; a last attempt ends them.
  redis.options.retryStrategy = () => null;
  if (redis.status !== "reconnecting") redis.disconnect();
}

// Commands issued in one turn of the event loop leave in one system call: at small runs those calls are what costs most.
function joinWrites(socket: Writable): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let corked = false;
  socket.write = ((...args: unknown[]) => {
    if (!corked) {
      corked = true;
      socket.cork();
      setImmediate(() => {
        corked = false;
        socket.uncork();
      });
    }
    return write(...args);
  }) as typeof socket.write;
}

const behaviour: RedisOptions = {
  maxRetriesPerRequest: null,
  retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2_000),
  enableReadyCheck: true,
  disconnectTimeout: 100,
};

function addressOf(target: RemoteTarget): RedisOptions {
  if (target.kind === "standalone") return { host: target.host, port: target.port };
  return {
    sentinels: target.sentinels.map(({ host, port }) => ({ host, port })),
    name: target.master,
    ...(target.sentinelUsername === undefined ? {} : { sentinelUsername: target.sentinelUsername }),
    ...(target.sentinelPassword === undefined ? {} : { sentinelPassword: target.sentinelPassword }),
  };
}

function credentialsOf(target: RemoteTarget): RedisOptions {
  return {
    db: target.db,
    ...(target.username === undefined ? {} : { username: target.username }),
    ...(target.password === undefined ? {} : { password: target.password }),
    ...(target.tls ? { tls: {} } : {}),
  };
}
