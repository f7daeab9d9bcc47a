import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { run, spawnNode, spawnProcess } from "../../support/process.js";
import { descendantsOf, processTable } from "../../support/process-table.js";
import { startRedis } from "../../support/redis.js";

const alive = (pid: number) => processTable().some((entry) => entry.pid === pid);

describe("startRedis", () => {
  test("with appendonly an acknowledged write outlives kill -9 and restart on the same port", async () => {
    const redis = await startRedis({ appendonly: true });
    const client = new Redis(redis.url);
    client.on("error", () => undefined);
    await client.set("k", "v");
    await redis.kill9();
    await redis.restart();
    expect(await client.get("k")).toBe("v");
    client.disconnect();
    await redis.stop();
  });

  test("servers started at the same time each get a port of their own", async () => {
    const servers = await Promise.all([startRedis(), startRedis(), startRedis()]);
    expect(new Set(servers.map(({ port }) => port)).size).toBe(3);
    await Promise.all(servers.map((server) => server.stop()));
  });

  test("a wrong argument rejects with what redis-server says", async () => {
    await expect(startRedis({ args: ["--no-such-option", "1"] })).rejects.toThrow(
      /Bad directive|ended at once/,
    );
  });
});

describe("spawnProcess", () => {
  test("waitForLine sees whole lines only, past ones and ones to come", async () => {
    const script =
      'process.stdout.write("port 1"); setTimeout(() => console.log("23"), 50); setInterval(() => {}, 1000)';
    const child = await spawnNode(["-e", script]);
    expect((await child.waitForLine(/^port (\d+)/))[1]).toBe("123");
    expect((await child.waitForLine(/^port (\d+)/))[1]).toBe("123");
    await child.kill();
  });

  test("waitForLine rejects with the output when the process ends without the line", async () => {
    const child = await spawnNode(["-e", 'console.error("no luck")']);
    await expect(child.waitForLine(/ready/)).rejects.toThrow(/no luck/);
  });

  test("killTree also ends what outlived its killed parent", async () => {
    const child = await spawnProcess("sh", ["-c", "sleep 100 & echo started; wait"]);
    await child.waitForLine(/started/);
    const [sleeper] = await eventually(() => {
      const below = descendantsOf(child.pid);
      return below.length > 0 && below;
    });
    await child.kill("SIGKILL");
    expect(alive(sleeper!.pid)).toBe(true);
    await child.killTree();
    await eventually(() => !alive(sleeper!.pid));
  });

  test("a program that does not exist rejects", async () => {
    await expect(spawnProcess("no-such-program-here")).rejects.toThrow(/ENOENT/);
  });
});

// each test runs a vitest of its own, which takes its time on a busy machine
describe("the leak check", { timeout: 120_000 }, () => {
  async function verdict(body: string): Promise<string> {
    const directory = mkdtempSync(join(tmpdir(), "leaky-"));
    const root = resolve(import.meta.dirname, "../../..");
    writeFileSync(join(directory, "leaky.test.js"), body);
    const config = `export default { test: { setupFiles: ["${root}/test/support/leaks.ts"], pool: "forks", globals: true } };`;
    writeFileSync(join(directory, "vitest.config.mjs"), config);
    const outcome = await run(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), "run"], {
      cwd: directory,
      env: { NODE_ENV: undefined, VITEST: undefined, VITEST_WORKER_ID: undefined, VITEST_POOL_ID: undefined },
    });
    return `exit ${outcome.code}\n${outcome.stdout}${outcome.stderr}`;
  }

  test("a test file that leaves a child process behind fails the run, and the child is killed", async () => {
    const body = `
      import { spawn } from "node:child_process";
      test("leaves a process", () => { console.log("left " + spawn("sleep", ["99"]).pid); });`;
    const text = await verdict(body);
    expect(text).toMatch(/exit 1.*leaves behind:.*process \d+: sleep 99/s);
    const pid = Number(/left (\d+)/.exec(text)![1]);
    expect(alive(pid)).toBe(false);
  });

  test("a test file that leaves an orphan or a listening socket behind fails the run", async () => {
    const body = `
      import { execSync } from "node:child_process";
      import { createServer } from "node:net";
      import { tmpdir } from "node:os";
      test("leaves both", async () => {
        execSync("sleep 98 >/dev/null 2>&1 &", { cwd: tmpdir() });
        await new Promise((listening) => createServer().listen(0, listening));
      });`;
    expect(await verdict(body)).toMatch(/exit 1.*leaves behind:.*sleep 98.*TCPServerWrap/s);
  });

  test("a test file that cleans up passes", async () => {
    const body = `
      import { spawn } from "node:child_process";
      import { once } from "node:events";
      test("cleans up", async () => { await once(spawn("true"), "exit"); });`;
    expect(await verdict(body)).toMatch(/^exit 0/);
  });
});
