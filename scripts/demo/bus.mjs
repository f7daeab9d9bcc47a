import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { root } from "../lib/paths.mjs";
import { Problem } from "./problem.mjs";
import { endedEarly } from "./processes.mjs";

const PORT = 8480;

/** The environment without what may be set for another bus of the user's. */
export function plainEnvironment() {
  const names = Object.keys(process.env).filter((name) => !/^(HMS_SYNC_|NODE_ENV$)/.test(name));
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

/** Starts a bus with a Redis of its own on the demo's folder, and resolves when it is ready. */
export async function startBus(processes) {
  const { folder } = processes;
  const portIsFree = await canListen(PORT);
  const started = processes.start("bus", process.execPath, [join(root, "dist/cli/main.js"), "start"], {
    ...plainEnvironment(),
    HMS_SYNC_CONFIG: join(root, "topics.yaml"),
    HMS_SYNC_STATE: folder,
    HMS_SYNC_PORT: String(portIsFree ? PORT : 0),
    HMS_SYNC_REDIS_PORT: "0",
  });
  const url = await readyUrl(started);
  const token = readFileSync(join(folder, "token"), "utf8").trim();
  const redis = JSON.parse(readFileSync(join(folder, "redis", "connection.json"), "utf8"));
  return {
    process: started,
    url,
    portIsFree,
    redis,
    call: (method, path, body) => call(url + path, method, token, body),
  };
}

async function readyUrl({ lines, ended, ...started }) {
  const ready = (async () => {
    for await (const line of lines) if (line.startsWith("ready ")) return line.slice("ready ".length);
    throw endedEarly(started, await ended);
  })();
  return await ready;
}

async function call(url, method, token, body) {
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((error) => {
    throw new Problem(`the bus does not answer at ${url}: ${error.cause?.message ?? error.message}`);
  });
  const text = await response.text();
  if (!response.ok) throw new Problem(`${method} ${url} answered ${response.status}: ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

/** A new key for a system; the keys of earlier demos are revoked, since a system has two at most. */
export async function freshKey(bus, system) {
  const { keys } = await bus.call("GET", "/v1/keys");
  const old = keys.filter((key) => key.system === system);
  for (const { id } of old) await bus.call("DELETE", `/v1/keys/${id}`);
  return { ...(await bus.call("POST", "/v1/keys", { system })), revoked: old.length };
}

/** Resolves when these consumers wait for events of a topic: else the first event would be timed with their start. */
export async function consumersWaiting(bus, topic, adapters, timeoutMs) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const { topics } = await bus.call("GET", "/v1/status");
    const { consumers } = topics[topic];
    const missing = adapters.filter(({ name }) => !(consumers[name]?.waiting_pulls > 0));
    if (missing.length === 0) return;
    if (Date.now() > deadline) {
      const [{ name, process: started }] = missing;
      throw new Problem(`${name} does not ask the bus for events; its log: ${started.logFile}`);
    }
    await delay(20);
  }
}

async function canListen(port) {
  const server = createServer();
  try {
    await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
    return true;
  } catch (error) {
    if (error.code === "EADDRINUSE") return false;
    throw error;
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
