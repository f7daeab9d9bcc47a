import { readConfig } from "../../../src/config.js";
import { createLogger } from "../../../src/log.js";
import { type Sidecar, startSidecar } from "../../../src/sidecar.js";
import { StateDirectory } from "../../../src/state-dir.js";
import { type BusFolder, busFolder } from "../../support/bus.js";
import { startRedis, type TestRedis } from "../../support/redis.js";

export const topics = `
inspections.status:
  qos: exactly_once
  retention: 7d
  schema: v1
  producers: [hms-api]
  consumers: [city-health, ehr-clinic]
notes.added:
  qos: at_least_once
  retention: 1h
  schema: v1
  producers: [ehr-clinic]
  consumers: [city-health]
`;

const inspection = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  required: ["inspectionId"],
  properties: { inspectionId: { type: "integer" }, newStatus: { type: "string", default: "Completed" } },
};

/** A sidecar inside the test's process, on a real Redis of its own. */
export interface Running {
  readonly redis: TestRedis;
  readonly folder: BusFolder;
  readonly sidecar: Sidecar;
  readonly logLines: string[];
  readonly adminToken: string;
  /** One more sidecar on the same Redis. */
  another(): Promise<Sidecar>;
  close(): Promise<void>;
}

/** `systems` is the text of `$systems`, put before the topics. */
export async function running(env: Record<string, string> = {}, systems = ""): Promise<Running> {
  const redis = await startRedis();
  const folder = await busFolder(systems + topics, ["inspections.status", "notes.added"], {
    "inspections.status": inspection,
  });
  const config = readConfig({ ...folder.env, HMS_SYNC_REDIS_URL: redis.url, ...env }, folder.path);
  const logLines: string[] = [];
  const log = createLogger({ level: "debug", write: (line) => void logLines.push(line) });
  const sidecars = [await startSidecar(config, log)];
  const adminToken = (await new StateDirectory(config.stateDir).developmentToken(false))!;
  return {
    redis,
    folder,
    sidecar: sidecars[0]!,
    logLines,
    adminToken,
    async another() {
      const sidecar = await startSidecar(config, log);
      sidecars.push(sidecar);
      return sidecar;
    },
    async close() {
      for (const sidecar of sidecars) await sidecar.close();
      await redis.stop();
      folder.remove();
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the wire is looked at freely in tests
export type Answer = { status: number; headers: Headers; body: any };

export interface CallOptions {
  readonly token?: string;
  readonly consumer?: string;
  readonly headers?: Record<string, string>;
  /** Sent as it is when text or bytes, else as JSON. */
  readonly body?: unknown;
}

export async function call(
  base: string,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Answer> {
  const { body } = options;
  const raw =
    body === undefined || typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const response = await fetch(`${base}${path}`, {
    method,
    headers: {
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...(options.consumer === undefined ? {} : { "hms-sync-consumer": options.consumer }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...options.headers,
    },
    ...(raw === undefined ? {} : { body: raw as string }),
  });
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  const isJson = /[/+]json/.test(type) && text !== "";
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}
