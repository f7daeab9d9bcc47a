import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Redis } from "ioredis";
import { type SpawnedProcess, spawnNode } from "./process.js";

export const cli = resolve(import.meta.dirname, "../../dist/cli/main.js");

/** A folder with topics.yaml, schemas/ and a state directory, for one or more real sidecars. */
export interface BusFolder {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
  remove(): void;
}

const anything = { $schema: "https://json-schema.org/draft/2020-12/schema", type: "object" };

/** `topics` is the text of topics.yaml; each topic gets a schema v1 that takes any object, unless one is given. */
export async function busFolder(
  topics: string,
  names: readonly string[],
  schemas: Readonly<Record<string, object>> = {},
): Promise<BusFolder> {
  const path = mkdtempSync(join(tmpdir(), "hms-sync-bus-"));
  await writeFile(join(path, "topics.yaml"), topics);
  for (const name of names) {
    await mkdir(join(path, "schemas", name), { recursive: true });
    await writeFile(join(path, "schemas", name, "v1.json"), JSON.stringify(schemas[name] ?? anything));
  }
  return {
    path,
    env: {
      HMS_SYNC_CONFIG: join(path, "topics.yaml"),
      HMS_SYNC_STATE: join(path, ".hms-sync"),
      HMS_SYNC_PORT: "0",
      HMS_SYNC_REDIS_PORT: "0",
      HMS_SYNC_LOG: "info",
      NODE_ENV: "development",
    },
    remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }),
  };
}

export interface RunningBus {
  readonly process: SpawnedProcess;
  readonly url: string;
  /** The development token: admin's. */
  readonly token: string;
  /** A call with that token, acting as `consumer` when given. Rejects when the bus is gone. */
  call(method: string, path: string, body?: unknown, consumer?: string): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the wire is looked at freely in tests
  readonly body: any;
}

/** Starts `hms-sync start` as a process of its own and resolves when it says ready. */
export async function startBus(
  folder: BusFolder,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningBus> {
  const child = await spawnNode([cli, "start"], { cwd: folder.path, env: { ...folder.env, ...env } });
  const [, url] = await child.waitForLine(/^ready (http:\/\/\S+)$/, 30_000);
  const token = (await readFile(join(folder.path, ".hms-sync", "token"), "utf8")).trim();
  return {
    process: child,
    url: url!,
    token,
    call: (method, path, body, consumer) => call(`${url}${path}`, method, token, body, consumer),
  };
}

async function call(
  url: string,
  method: string,
  token: string,
  body: unknown,
  consumer?: string,
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(consumer === undefined ? {} : { "hms-sync-consumer": consumer }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  return {
    status: response.status,
    body: type.includes("json") && !type.includes("ndjson") ? JSON.parse(text) : text,
  };
}

/** Writes event `n` (payload `{"n": n}`) to the intake, as the PHP driver does. Resolves when Redis has it: accepted. */
export async function acceptEvent(redis: Redis, topic: string, n: number): Promise<void> {
  await redis.xadd(
    ...(["hms-sync:intake", "*", "id", `id-${n}`, "channels", `["${topic}"]`, "event", "Done"] as const),
    ...["data", `{"n":${n}}`, "time", "2024-04-23T15:02:11Z", "source", "hms-api", "timezone", "UTC"],
  );
}
