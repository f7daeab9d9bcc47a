import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import type { RedisNode } from "../redis-node.js";
import type { Fault } from "../world.js";
import { canMount, putBack, putOnSmallDisk } from "./small-disk.js";

/** maxmemory is reached under noeviction: Redis refuses every write that needs memory. */
export const memoryFull: Fault = {
  name: "maxmemory of Redis is reached",
  touches: ["redis"],
  async inject({ redis }) {
    await redis.client.config("SET", "maxmemory", "1mb");
    return async () => void (await redis.client.config("SET", "maxmemory", "0"));
  },
};

/** Redis may throw owed events away from now on. Its memory is not full, so that it does not yet. */
export const evicting: Fault = {
  name: "somebody sets an eviction policy",
  touches: ["redis"],
  async inject({ redis }) {
    await redis.client.config("SET", "maxmemory-policy", "allkeys-lru");
    return async () => void (await redis.client.config("SET", "maxmemory-policy", "noeviction"));
  },
};

/** The password is changed under way, and everybody is put out. It comes back when the rotation is undone. */
export const passwordRotated: Fault = {
  name: "the password of Redis is rotated",
  touches: ["redis"],
  async inject({ redis }) {
    await redis.client.call("ACL", "SETUSER", "rotation", "on", ">rotation", "~*", "&*", "+@all");
    await redis.client.call("AUTH", "rotation", "rotation");
    await redis.client.call("ACL", "SETUSER", "default", "resetpass", ">another");
    await redis.client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    return async () => void (await redis.client.call("ACL", "SETUSER", "default", "nopass"));
  },
};

/** How a disk is made full here: by a small tmpfs where that can be mounted, else by a limit on the size of files. */
export const fullBy = canMount() ? "a small tmpfs, ENOSPC" : "RLIMIT_FSIZE, EFBIG: no right to mount";

/** Disk full where the append-only file is: with appendfsync always Redis exits rather than acknowledge. */
export const diskFull: Fault = {
  name: `the disk of the append-only file is full (${fullBy})`,
  touches: ["redis"],
  inject: ({ redis }) => (fullBy.startsWith("RLIMIT") ? fillByLimit(redis) : fillTmpfs(redis)),
};

/** Room for some more events; Redis keeps its port and its data. */
async function fillTmpfs(redis: RedisNode): Promise<() => Promise<void>> {
  await redis.stop();
  putOnSmallDisk(redis.aofDirectory, 64_000);
  await redis.start();
  return async () => {
    await redis.kill9();
    putBack(redis.aofDirectory);
    await redis.start();
  };
}

async function fillByLimit(redis: RedisNode): Promise<() => Promise<void>> {
  const { size } = statSync(redis.aofTail);
  limitFileSize(redis.process.pid, size + 2_000);
  return async () => {
    if (!redis.process.isRunning) await redis.start();
    else limitFileSize(redis.process.pid, undefined);
  };
}

/** What was stopped longer than its connections' timeouts goes on as if nothing had been. */
export const redisStopped: Fault = {
  name: "Redis stands still",
  touches: ["redis"],
  async inject({ redis }) {
    redis.pause();
    return async () => redis.resume();
  },
};

/** RLIMIT_FSIZE of a running process, in bytes; undefined for no limit. A write beyond it fails, as on a full disk. */
function limitFileSize(pid: number, bytes: number | undefined): void {
  const limit = bytes ?? "unlimited";
  execFileSync("prlimit", ["--pid", String(pid), `--fsize=${limit}:unlimited`]);
}
