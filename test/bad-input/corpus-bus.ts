import { createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { rejectsKey } from "../../src/redis/keys.js";
import { streamFields } from "../../src/redis/stream-fields.js";
import { type BusFolder, busFolder, type RunningBus, startBus } from "../support/bus.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { type Bytes, bytesOf } from "./bytes.js";

export const goodTopics = `$systems: {hms-api: {timezone: UTC}}
notes: {qos: at_least_once, retention: 7d, schema: v1, producers: [hms-api, partner], consumers: [city-health, ehr-clinic]}
strict: {qos: exactly_once, retention: 7d, schema: v1, producers: [hms-api], consumers: [city-health, stranger]}
`;

const note = {
  type: "object",
  required: ["note"],
  properties: { note: { type: "string" }, at: { type: "string", format: "date-time" } },
};

/** Redis prefix of the Laravel application whose pub/sub channels the bus listens to. */
export const laravelPrefix = "app_";

export interface CorpusBus {
  readonly bus: RunningBus;
  readonly folder: BusFolder;
  readonly redis: Redis;
  readonly port: number;
  /** What `{{name}}` of the corpus stands for: tokens of systems and of deliveries. */
  readonly values: Readonly<Record<string, string>>;
  /** Webhook secrets: of a producer, of a system that is none, of a producer but revoked. */
  readonly secrets: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** One bus in a process of its own whose heap is small, so that what it hoards ends it. */
export async function corpusBus(): Promise<CorpusBus> {
  const server = await startRedis();
  const folder = await busFolder(goodTopics, ["notes", "strict"], { notes: note, strict: note });
  const bus = await startBus(folder, {
    HMS_SYNC_REDIS_URL: server.url,
    HMS_SYNC_LARAVEL_PREFIX: laravelPrefix,
    HMS_SYNC_LOG: "debug",
    NODE_OPTIONS: "--max-old-space-size=384",
  });
  const redis = new Redis(server.url);
  const secrets = await secretsOf(bus);
  const tokens = await tokensOf(bus);
  const values = { ...tokens, ...(await deliveriesOf(bus, tokens.partner!)) };
  const close = () => closeAll(bus, redis, server, folder);
  return { bus, folder, redis, port: Number(new URL(bus.url).port), values, secrets, close };
}

async function closeAll(bus: RunningBus, redis: Redis, server: TestRedis, folder: BusFolder): Promise<void> {
  redis.disconnect();
  await bus.process.kill();
  await server.stop();
  folder.remove();
}

async function tokensOf(bus: RunningBus): Promise<Record<string, string>> {
  const tokens: Record<string, string> = { admin: bus.token };
  for (const [name, system] of [
    ["city", "city-health"],
    ["partner", "partner"],
    ["stranger", "stranger"],
  ] as const) {
    tokens[name] = (await bus.call("POST", "/v1/keys", { system })).body.token;
  }
  return tokens;
}

async function secretsOf(bus: RunningBus): Promise<Record<string, string>> {
  const create = async (system: string) =>
    (await bus.call("POST", "/v1/keys", { system, kind: "webhook" })).body as { id: string; secret: string };
  const revoked = await create("partner");
  await bus.call("DELETE", `/v1/keys/${revoked.id}`);
  const secret = async (system: string) => (await create(system)).secret;
  return { partner: await secret("partner"), stranger: await secret("stranger"), revoked: revoked.secret };
}

/** Good events, and tokens of deliveries of them: held by city-health, settled by it before, held by another. */
async function deliveriesOf(bus: RunningBus, partner: string): Promise<Record<string, string>> {
  await post(bus, "strict", "good-1");
  await post(bus, "notes", "good-2", partner);
  const [stale] = await pull(bus, "notes", "city-health");
  await bus.call("POST", "/v1/topics/notes/settle", settle(stale!, "nack"), "city-health");
  const [own] = await pull(bus, "notes", "city-health");
  const [foreign] = await pull(bus, "strict", "stranger");
  const [run, generation] = own!.split(".");
  return { stale: stale!, own: own!, own_run: run!, own_lease: `${run}.${generation}`, foreign: foreign! };
}

function settle(token: string, action: string): object {
  return { settle: [{ token, action, delay_ms: 0 }] };
}

/** Publishes `{"note":"good"}` over HTTP under the id. */
export async function post(bus: RunningBus, topic: string, id: string, token = bus.token): Promise<number> {
  const response = await fetch(`${bus.url}/v1/topics/${topic}/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "idempotency-key": id,
      "content-type": "application/json",
    },
    body: '{"note":"good"}',
  });
  return response.status;
}

/** Tokens of what the consumer is owed; waits until there is something. */
export async function pull(bus: RunningBus, topic: string, consumer: string): Promise<string[]> {
  const { body } = await bus.call("POST", `/v1/topics/${topic}/pull`, { wait_ms: 10_000 }, consumer);
  return body.deliveries.map(({ token }: { token: string }) => token);
}

export interface Signing {
  readonly id?: Bytes;
  /** Seconds from now. */
  readonly at?: number;
  /** Whose secrets sign; partner's unless given. */
  readonly with?: readonly string[];
  /** What is signed instead of the body. */
  readonly over?: string;
}

/** Headers of Standard Webhooks. */
export function signed(corpus: CorpusBus, signing: Signing, body: Buffer): Record<string, string> {
  const id = signing.id === undefined ? randomBytes(8).toString("hex") : bytesOf(signing.id).toString();
  const timestamp = String(Math.floor(Date.now() / 1_000) + (signing.at ?? 0));
  const signatures = (signing.with ?? ["partner"]).map((name) => {
    const key = Buffer.from(corpus.secrets[name]!.slice("whsec_".length), "base64");
    const hmac = createHmac("sha256", key)
      .update(`${id}.${timestamp}.`)
      .update(signing.over ?? body);
    return `v1,${hmac.digest("base64")}`;
  });
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}

export interface KeptReject {
  readonly code: string;
  readonly original: Buffer;
}

/** Rejects, the newest first. */
export async function rejectsOf(redis: Redis, count: number): Promise<KeptReject[]> {
  const entries = await redis.xrevrangeBuffer(rejectsKey, "+", "-", "COUNT", count);
  return entries.map(([, fields]) => {
    const named = streamFields(fields);
    return { code: String(named.get("code")), original: named.get("original") ?? Buffer.alloc(0) };
  });
}

/** Resident memory of a process in MiB, now and at its highest. */
export function residentMiB(pid: number): { now: number; highest: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const read = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
  return { now: read("VmRSS"), highest: read("VmHWM") };
}
