import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { processesWorkingIn, sendSignal } from "../../support/process-table.js";
import { CliFolder } from "./cli-bus.js";

const redisServers = (folder: CliFolder) => processesWorkingIn(join(folder.path, ".hms-sync", "redis"));

describe("hms-sync start", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "prints one line when it is ready, and %s ends it and its Redis with 0",
    async (signal) => {
      const folder = new CliFolder();
      const { process, url } = await folder.start();
      expect((await fetch(`${url}/readyz`, { headers: { connection: "close" } })).status).toBe(200);
      expect(statSync(join(folder.path, ".hms-sync", "token")).mode & 0o777).toBe(0o600);
      expect(JSON.parse(readFileSync(join(folder.path, ".hms-sync", "context.json"), "utf8"))).toEqual({
        url,
      });
      expect(await process.kill(signal)).toEqual({ code: 0, signal: null });
      expect(process.stdout()).toBe(`ready ${url}\n`);
      expect(redisServers(folder)).toEqual([]);
      for (const line of process.stderr().trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("msg");
    },
  );

  test("runs on when nobody reads its output and its log any more", async () => {
    const folder = new CliFolder();
    const child = folder.detached(["start"]);
    await once(child.stdout!, "data");
    child.stdout!.destroy();
    child.stderr!.destroy();
    for (const { pid } of redisServers(folder)) sendSignal(pid, "SIGKILL"); // it has something to log now
    await eventually(async () => (await folder.hmsSync(["status"])).code === 0, { everyMs: 100 });
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
  });

  test("a second signal ends it at once with 1, whatever it waits for", async () => {
    const folder = new CliFolder();
    const { process } = await folder.start();
    const [redis] = redisServers(folder);
    sendSignal(redis!.pid, "SIGSTOP");
    const ended = { code: undefined as number | null | undefined };
    void process.exited.then(({ code }) => {
      ended.code = code;
    });
    await eventually(
      () => {
        sendSignal(process.pid, "SIGTERM");
        return ended.code !== undefined;
      },
      { everyMs: 100 },
    );
    expect(ended.code).toBe(1);
  });
});

describe("a bus that cannot start says why in a line of its own", () => {
  test("exit code 2: a variable that cannot be used", async () => {
    const { code, stdout, stderr } = await new CliFolder().hmsSync(["start"], {
      env: { HMS_SYNC_PORT: "web" },
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(
      'error: HMS_SYNC_PORT: "web" is not in range; write a whole number from 0 to 65535\n',
    );
  });

  test("exit code 1: an invalid topics.yaml, with all its problems", async () => {
    const folder = new CliFolder();
    writeFileSync(join(folder.path, "topics.yaml"), "a:\n  qos: exactly-once\n  retention: forever\n");
    const { code, stderr } = await folder.hmsSync(["start"]);
    expect(code).toBe(1);
    expect(stderr).toContain('"exactly-once"');
    expect(stderr).toContain('"forever"');
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test("exit code 1: a port that is taken, and the Redis it had started is gone again", async () => {
    const folder = new CliFolder();
    const stranger = createServer().listen(0, "127.0.0.1");
    await once(stranger, "listening");
    const { port } = stranger.address() as AddressInfo;
    const { code, stdout, stderr } = await folder.hmsSync(["start"], {
      env: { HMS_SYNC_PORT: String(port) },
    });
    await new Promise((closed) => stranger.close(closed));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(new RegExp(`^error: port ${port} on 127.0.0.1 is taken; .*HMS_SYNC_PORT$`, "m"));
    expect(redisServers(folder)).toEqual([]);
  });
});

describe("without a bus", () => {
  test("a folder that never had one says where it looked and what to do", async () => {
    const { code, stderr } = await new CliFolder().hmsSync(["status"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/context\.json.*npm start.*HMS_SYNC_URL/);
  });

  test("one that is stopped is named with the URL that was tried", async () => {
    const folder = new CliFolder();
    const { process, url } = await folder.start();
    await process.kill("SIGTERM");
    const { code, stderr } = await folder.hmsSync(["publish", "inspections.status", '{"inspectionId":1}']);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `error: no bus answers at ${url} (ECONNREFUSED); start it with npm start, or set HMS_SYNC_URL to where it is\n`,
    );
  });

  test("topics validate and topics ls work", async () => {
    const folder = new CliFolder();
    const valid = await folder.hmsSync(["topics", "validate"]);
    expect(valid.code).toBe(0);
    expect(valid.stdout).toMatch(/topics\.yaml is valid: 4 topics, 4 systems\n\nTOPIC/);
    const listed = await folder.hmsSync(["topics", "ls", "--json"]);
    const { topics } = JSON.parse(listed.stdout);
    expect(topics).toHaveLength(4);
    expect(topics).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          name: "inspections.status",
          qos: "exactly_once",
          version: 1,
          versions: [1],
          retention_ms: 604_800_000,
          producers: ["hms-api"],
          consumers: ["city-health", "ehr-clinic"],
        }),
      ]),
    );
  });

  test("topics validate prints every problem of a file and exits 1", async () => {
    const folder = new CliFolder();
    writeFileSync(join(folder.path, "other.yaml"), "a:\n  qos: exactly-once\n  retention: forever\n");
    const { code, stdout, stderr } = await folder.hmsSync(["topics", "validate", "other.yaml"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/other\.yaml:2.*"exactly-once"/);
    expect(stderr).toMatch(/other\.yaml:3.*"forever"/);
    const json = await folder.hmsSync(["topics", "validate", "other.yaml", "--json"]);
    expect(json.code).toBe(1);
    const { valid, problems } = JSON.parse(json.stdout);
    expect(valid).toBe(false);
    expect(problems.length).toBeGreaterThanOrEqual(2);
  });
});
