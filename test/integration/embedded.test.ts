import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLogger } from "../../src/log.js";
import { checkRedis } from "../../src/redis/durability.js";
import { type EmbeddedRedis, startEmbeddedRedis } from "../../src/redis/embedded.js";
import { eventually } from "../support/eventually.js";
import { freePort } from "../support/port.js";
import { type SpawnedProcess, spawnNode } from "../support/process.js";
import { processesWorkingIn, sendSignal } from "../support/process-table.js";
import { startRedis } from "../support/redis.js";

let stateDir: string;
let lines: string[];
let running: EmbeddedRedis[];
let clients: Redis[];

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "state with space-"));
  lines = [];
  running = [];
  clients = [];
});

afterEach(async () => {
  for (const client of clients) client.disconnect();
  for (const redis of running) await redis.stop();
});

async function start(port = 0): Promise<EmbeddedRedis> {
  const log = createLogger({ level: "debug", write: (line) => lines.push(line) });
  const redis = await startEmbeddedRedis({ stateDir, port, log });
  running.push(redis);
  return redis;
}

function clientOf(url: string): Redis {
  const client = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  client.on("error", () => undefined);
  clients.push(client);
  return client;
}

async function sidecar(port = 0): Promise<{ process: SpawnedProcess; url: string; stop(): Promise<void> }> {
  const script = resolve(import.meta.dirname, "embedded-sidecar.mjs");
  const process = await spawnNode([script, stateDir, String(port)]);
  const [, url] = await process.waitForLine(/^ready (\S+)/);
  const stop = async () => {
    expect(await process.kill("SIGTERM")).toEqual({ code: 0, signal: null });
    expect(process.stdout()).toContain("stopped");
  };
  return { process, url: url!, stop };
}

/** The redis-servers that work on the data of this test. */
const servers = () => processesWorkingIn(join(stateDir, "redis")).map(({ pid }) => pid);

/** Resolves when they are dead: a command sent earlier could still be carried out, and then be sent again. */
async function killServers(): Promise<void> {
  const killed = servers();
  for (const pid of killed) sendSignal(pid, "SIGKILL");
  await eventually(() => !servers().some((pid) => killed.includes(pid)));
}

describe("the embedded Redis", () => {
  test("syncs each write before it answers, evicts nothing and listens on loopback only", async () => {
    const redis = await start();
    const client = clientOf(redis.url);
    expect(await checkRedis(client)).toEqual({ level: "always", evictionPolicy: "noeviction", warnings: [] });
    expect(await client.config("GET", "bind")).toEqual(["bind", "127.0.0.1"]);
  });

  test("nobody gets in without the password, and no other user can read password or data", async () => {
    const redis = await start();
    const stranger = clientOf(`redis://127.0.0.1:${redis.port}`);
    await expect(stranger.get("k")).rejects.toThrow(/NOAUTH/);
    expect(statSync(join(stateDir, "redis")).mode & 0o777).toBe(0o700);
    const secrets = ["password", "connection.json", "redis.conf"].map((name) =>
      join(stateDir, "redis", name),
    );
    expect(secrets.map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600, 0o600]);
  });

  test("the password is neither in the list of processes nor in the log", async () => {
    const redis = await start();
    const password = new URL(redis.url).password;
    expect(password).toMatch(/^[0-9a-f]{64}$/);
    const commands = processesWorkingIn(join(stateDir, "redis")).map(({ command }) => command);
    expect(commands).toHaveLength(1);
    expect([...commands, ...lines].join("\n")).not.toContain(password);
  });

  test("stop ends the server, and the next start finds its data", async () => {
    const first = await start();
    await clientOf(first.url).set("k", "v");
    await first.stop();
    expect(servers()).toEqual([]);
    expect(await clientOf((await start()).url).get("k")).toBe("v");
  });

  test("Ctrl-C at the terminal does not reach the server before the bus has done its work", async () => {
    await start();
    const groupOf = (pid: number | "self") =>
      readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ")[2];
    expect(groupOf(servers()[0]!)).not.toBe(groupOf("self"));
  });

  test("a connection file tells local programs how to reach it", async () => {
    const redis = await start();
    const connection = JSON.parse(readFileSync(join(stateDir, "redis", "connection.json"), "utf8"));
    expect(connection).toMatchObject({ url: redis.url, port: redis.port });
  });

  test("killed with -9 while the bus runs, it is started again on its port with all acknowledged writes", async () => {
    const redis = await start();
    const client = clientOf(redis.url);
    for (let round = 1; round <= 3; round++) {
      await client.rpush("rounds", round);
      await killServers();
      await eventually(() => lines.filter((line) => line.includes("answers again")).length === round);
    }
    expect(await client.lrange("rounds", 0, -1)).toEqual(["1", "2", "3"]);
    expect(lines.filter((line) => /"level":"error".*starting it again/.test(line))).toHaveLength(3);
  });

  test("stop while the server is down and cannot start ends the attempts", async () => {
    const redis = await start();
    const [aof] = readdirSync(join(stateDir, "redis", "appendonlydir")).filter((name) =>
      name.endsWith(".manifest"),
    );
    writeFileSync(join(stateDir, "redis", "appendonlydir", aof!), "broken\n");
    await killServers();
    await eventually(() => lines.some((line) => line.includes("does not start; trying again")));
    await redis.stop();
    expect(servers()).toEqual([]);
  });
});

describe("a port taken by another program", () => {
  test("is an error that names HMS_SYNC_REDIS_PORT, and the state directory stays usable", async () => {
    const stranger = createServer((socket) => strangers.push(socket)).listen(0, "127.0.0.1");
    const strangers: Socket[] = [];
    await once(stranger, "listening");
    const { port } = stranger.address() as AddressInfo;
    await expect(start(port)).rejects.toMatchObject({
      code: "redis_port_taken",
      message: expect.stringMatching(new RegExp(`port ${port} .*taken.*HMS_SYNC_REDIS_PORT`)),
    });
    for (const socket of strangers) socket.destroy();
    await new Promise((closed) => stranger.close(closed));
    expect((await start(port)).port).toBe(port);
  });

  test("even by a Redis without a password, is not taken for ours", async () => {
    const stranger = await startRedis();
    await expect(start(stranger.port)).rejects.toMatchObject({ code: "redis_port_taken" });
    await stranger.stop();
  });
});

describe("damaged data", () => {
  test("is an error with the server's own last words", async () => {
    await (await start()).stop();
    const folder = join(stateDir, "redis", "appendonlydir");
    for (const name of readdirSync(folder)) writeFileSync(join(folder, name), "broken\n");
    await expect(start()).rejects.toMatchObject({
      code: "redis_start",
      message: expect.stringMatching(/redis\.log:\n.+/s),
    });
  });
});

describe("two sidecars on one state directory", () => {
  test("share one server; the first may stop, the last one stops it", async () => {
    const first = await sidecar();
    const second = await sidecar();
    expect(second.url).toBe(first.url);
    expect(servers()).toHaveLength(1);
    const client = clientOf(first.url);
    await client.set("k", "v");
    const [server] = servers();
    await first.stop();
    expect(await client.get("k")).toBe("v");
    expect(servers()).toEqual([server]);
    await second.stop();
    expect(servers()).toEqual([]);
  });

  test("started at the same moment, they start one server", async () => {
    const all = await Promise.all([sidecar(), sidecar(), sidecar()]);
    expect(new Set(all.map(({ url }) => url)).size).toBe(1);
    expect(servers()).toHaveLength(1);
  });

  test("stopped at the same moment, they leave none running and no data unreadable", async () => {
    const all = await Promise.all([sidecar(), sidecar(), sidecar()]);
    await clientOf(all[0]!.url).set("k", "v");
    await Promise.all(all.map(({ stop }) => stop()));
    await eventually(() => servers().length === 0);
    expect(await clientOf((await start()).url).get("k")).toBe("v");
  });

  test("if the server is killed, they start one server again, not two", async () => {
    const [first] = await Promise.all([sidecar(), sidecar()]);
    const client = clientOf(first!.url);
    await client.set("k", "v");
    await killServers();
    expect(await client.get("k")).toBe("v");
    expect(servers()).toHaveLength(1);
  });
});

describe("after a kill -9 of the sidecar", () => {
  test("the server it left is joined by the next one and stopped with it", async () => {
    const killed = await sidecar();
    await clientOf(killed.url).set("k", "v");
    const [server] = servers();
    await killed.process.kill("SIGKILL");
    expect(servers()).toEqual([server]);
    const next = await sidecar();
    expect(next.url).toBe(killed.url);
    expect(servers()).toEqual([server]);
    expect(await clientOf(next.url).get("k")).toBe("v");
    await next.stop();
    expect(servers()).toEqual([]);
  });

  test("the server it left moves to the port that the next one asks for", async () => {
    const killed = await sidecar();
    await clientOf(killed.url).set("k", "v");
    await killed.process.kill("SIGKILL");
    const port = await freePort();
    const next = await start(port);
    expect(next.port).toBe(port);
    expect(await clientOf(next.url).get("k")).toBe("v");
    expect(servers()).toHaveLength(1);
  });

  test("a port asked for by a second sidecar does not move the server away from the first", async () => {
    const first = await sidecar();
    const second = await start(await freePort());
    expect(second.url).toBe(first.url);
    expect(lines.join("")).toContain("stays on its port");
  });
});

describe("without redis-server", () => {
  test("one line says what to install", async () => {
    const script = resolve(import.meta.dirname, "embedded-sidecar.mjs");
    const flockOnly = mkdtempSync(join(tmpdir(), "bin-"));
    writeFileSync(join(flockOnly, "flock"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
    const process = await spawnNode([script, stateDir, "0"], { env: { PATH: flockOnly } });
    expect((await process.exited).code).not.toBe(0);
    expect(process.stderr()).toMatch(
      /redis-server is not installed; install it \(apt-get install redis-server/,
    );
  });
});
