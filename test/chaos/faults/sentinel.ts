import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { eventually } from "../../support/eventually.js";
import { freePort } from "../../support/port.js";
import { ManagedProcess } from "../managed-process.js";
import { RedisNode } from "../redis-node.js";

/** A master, a replica and a sentinel that decides alone. */
export interface SentinelGroup {
  /** For HMS_SYNC_REDIS_URL. */
  readonly url: string;
  readonly master: RedisNode;
  readonly replica: RedisNode;
  /** From now on the replica gets nothing of what the master writes. Resolves when it had all of before. */
  lag(): Promise<void>;
  /** Kills the master and lets the lagging replica go on; resolves when it is the master. */
  failOver(): Promise<void>;
  /** Starts the old master again; resolves when it follows the new one. */
  oldMasterReturns(): Promise<void>;
  close(): Promise<void>;
}

const NAME = "hms";

export async function startSentinelGroup(): Promise<SentinelGroup> {
  const master = await RedisNode.create();
  const replica = await RedisNode.create(["--replicaof", "127.0.0.1", String(master.port)]);
  const sentinel = new ManagedProcess();
  const port = await freePort();
  await launchSentinel(sentinel, port, master.port);
  const client = new Redis(port, "127.0.0.1").on("error", () => undefined); // it ends with its server
  await eventually(
    async () => ((await client.call("SENTINEL", "replicas", NAME)) as unknown[]).length === 1,
    {
      timeoutMs: 30_000,
    },
  );
  return {
    url: `redis+sentinel://127.0.0.1:${port}/${NAME}`,
    ...{ master, replica },
    async lag() {
      await eventually(async () => Number(await master.client.call("WAIT", 1, 1_000)) === 1, {
        timeoutMs: 30_000,
      });
      replica.pause();
      await master.client.call("CLIENT", "KILL", "TYPE", "replica"); // what is under way would still reach it
    },
    async failOver() {
      await master.kill9();
      replica.resume();
      await eventually(async () => (await roleOf(replica)) === "master", { timeoutMs: 60_000 });
    },
    async oldMasterReturns() {
      await master.start();
      await eventually(async () => (await roleOf(master)) === "slave", { timeoutMs: 60_000 });
    },
    async close() {
      client.disconnect();
      await sentinel.kill9();
      await replica.close();
      await master.close();
    },
  };
}

async function launchSentinel(sentinel: ManagedProcess, port: number, master: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "sentinel-"));
  const file = join(directory, "sentinel.conf");
  const settings = [
    `port ${port}`,
    `dir ${directory}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${master} 1`,
    `sentinel down-after-milliseconds ${NAME} 1000`,
    `sentinel failover-timeout ${NAME} 3000`,
  ];
  writeFileSync(file, `${settings.join("\n")}\n`);
  const args = [file, "--sentinel"];
  await sentinel.launch({ title: "sentinel", command: "redis-server", args, cwd: directory });
  await sentinel.waitFor(/\+monitor master/, 20_000);
}

async function roleOf({ client }: RedisNode): Promise<string> {
  return ((await client.call("ROLE")) as [string])[0];
}
