// Starts the bench's processes and ends them with it.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";

const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A child process whose lines on stdout can be waited for. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"], ...options });
  running.add(child);
  const lines = [];
  const waiting = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    for (const check of waiting.splice(0)) check();
  });
  const exited = new Promise((resolve) => child.on("exit", resolve)).then((code) => {
    running.delete(child);
    for (const check of waiting.splice(0)) check();
    return code;
  });
  const line = (pattern) =>
    new Promise((resolve, reject) => {
      const check = () => {
        const found = lines.find((each) => pattern.test(each));
        if (found !== undefined) resolve(found);
        else if (child.exitCode !== null)
          reject(new Error(`${command} ${args[0]} ended without printing ${pattern}`));
        else waiting.push(check);
      };
      check();
    });
  return { child, line, exited, kill: (signal = "SIGTERM") => child.kill(signal) };
}

/** A role of a rival in a process of its own (role.mjs): `call` runs one of its methods there. */
export async function startRole(rival, role, access) {
  const args = [join(import.meta.dirname, "role.mjs"), rival, role, JSON.stringify(access)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  running.add(child);
  const calls = new Map();
  const ready = new Promise((resolve, reject) => calls.set("ready", { resolve, reject }));
  child.on("message", ({ ready, call = "ready", result, error }) => {
    const { resolve, reject } = calls.get(call);
    calls.delete(call);
    if (error === undefined) resolve(result ?? ready);
    else reject(new Error(`${rival}, ${role}: ${error}`));
  });
  const exited = new Promise((resolve) => child.on("exit", resolve)).then((code) => {
    running.delete(child);
    for (const { reject } of calls.values()) reject(new Error(`${rival}, ${role}: ended with ${code}`));
    return code;
  });
  await ready;
  let last = 0;
  const call = (method, options = {}) =>
    new Promise((resolve, reject) => {
      calls.set(++last, { resolve, reject });
      child.send({ call: last, method, options });
    });
  return { child, call, exited, kill: () => child.kill("SIGKILL") }; // nothing in it outlives the run
}

/** CPU seconds a process has used so far (Linux: clock ticks of 10 ms). */
export function processCpu(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Bytes of a process that are in memory (Linux). */
export function processMemory(pid) {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) * 1024;
}

/** A Redis of its own with the settings the bus asks for; its data is in `directory`. */
export async function startRedis(directory, { fsync = "always" } = {}) {
  const port = await freePort();
  const redis = start("redis-server", [
    ...["--port", port, "--bind", "127.0.0.1", "--dir", directory, "--save", ""],
    ...["--appendonly", "yes", "--appendfsync", fsync, "--maxmemory-policy", "noeviction"],
  ]);
  await redis.line(/Ready to accept connections/);
  return { url: `redis://127.0.0.1:${port}`, process: redis };
}

/** A port of loopback that nothing listens on just now. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The bus on the topics.yaml at `config`, its state in `directory`; `redis` is the URL of a Redis, else its private one. */
export async function startBus(
  directory,
  { config = join(directory, "topics.yaml"), redis, nodeArgs = [] } = {},
) {
  const env = {
    ...process.env,
    HMS_SYNC_CONFIG: config,
    HMS_SYNC_STATE: directory,
    ...(redis === undefined ? { HMS_SYNC_REDIS_PORT: "0" } : { HMS_SYNC_REDIS_URL: redis }),
    HMS_SYNC_PORT: "0",
    HMS_SYNC_LOG: "error",
    NODE_ENV: "development",
  };
  const main = join(import.meta.dirname, "../dist/cli/main.js");
  const bus = start(process.execPath, [...nodeArgs, main, "start"], { env });
  const url = (await bus.line(/^ready /)).slice("ready ".length);
  return { process: bus, url, token: readFileSync(join(directory, "token"), "utf8").trim() };
}
