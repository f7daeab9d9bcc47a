import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import type { Config } from "./config.js";
import { normalizeBroadcast, normalizeEvent } from "./envelope/normalize.js";
import { parsePubSubMessage, parseStreamEntry } from "./envelope/wire.js";
import { HmsSyncError } from "./errors.js";
import { Fanout, type Subscription } from "./fanout/fanout.js";
import { AccessKeys } from "./gateway/access-keys.js";
import { Gateway } from "./gateway/server.js";
import type { Publish } from "./gateway/types.js";
import { WebhookKeys } from "./gateway/webhook-keys.js";
import { type Door, Intake } from "./intake/intake.js";
import { Leadership } from "./intake/leadership.js";
import { Probes, probeChannel } from "./intake/probes.js";
import { IntakeProcessor } from "./intake/processor.js";
import { PubSubDoor } from "./intake/pubsub-door.js";
import { Rejects } from "./intake/rejects.js";
import { StreamDoor } from "./intake/stream-door.js";
import type { IntakeOutcome } from "./intake/types.js";
import { LedgerFollower } from "./ledger/follow.js";
import { Recorder } from "./ledger/recorder.js";
import { Retention } from "./ledger/retention.js";
import { StreamLedger } from "./ledger/stream-ledger.js";
import type { Logger } from "./log.js";
import { SidecarOperations } from "./ops/operations.js";
import { connectRedis, type RemoteTarget } from "./redis/connection.js";
import { checkRedis } from "./redis/durability.js";
import { startEmbeddedRedis } from "./redis/embedded.js";
import { parseRedisUrl } from "./redis/target.js";
import { WakeStream } from "./redis/wake.js";
import { loadRegistry } from "./registry/load.js";
import type { Registry } from "./registry/types.js";
import { StateDirectory } from "./state-dir.js";

export interface Sidecar {
  /** Base URL of the gateway. */
  readonly url: string;
  /** Stops in the order of an event's way, so that nothing is left half done; resolves when all is closed. */
  close(): Promise<void>;
}

/** Ids are remembered for at least this long (ms), however short the topic's retention. */
const minRememberMs = 24 * 3_600_000;

/**
 * The composition root: starts every part of the bus and wires the stages to each other. Resolves when all are up.
 * Rejects with HmsSyncError when topics.yaml, Redis or the port is not as it must be; what was started is stopped.
 */
export async function startSidecar(config: Config, log: Logger): Promise<Sidecar> {
  const closers: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const url = await start(config, log, closers);
    return { url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(config: Config, log: Logger, closers: (() => Promise<void> | void)[]): Promise<string> {
  const registry = await loadRegistry(config.topicsFile);
  const target = await redisTarget(config, log, closers);
  const connect = (name: string): Redis => {
    const redis = connectRedis(target, name, (error) =>
      log.warn("redis connection", { name, error: String(error) }),
    );
    closers.push(() => redis.disconnect());
    return redis;
  };
  const redis = connect("main");
  const durability = await checkRedis(redis);
  for (const warning of durability.warnings) log.warn(warning);

  const ledger = new StreamLedger(redis);
  const wake = new WakeStream(redis, connect("wake"), log);
  const follower = new LedgerFollower(ledger);
  const fanout = new Fanout(
    { redis, queueConnection: connect("queues"), ledger, waker: wake, log },
    subscriptions(registry),
  );
  const onRecorded = (topic: string, last: string) => {
    fanout.recorded(topic, last);
    follower.recorded(topic);
  };
  const rememberMs = (topic: string) => Math.max(minRememberMs, registry.topics.get(topic)?.retentionMs ?? 0);
  const recorder = new Recorder(ledger, rememberMs, onRecorded);

  const rejects = new Rejects(redis);
  const probes = new Probes(redis);
  const processor = new IntakeProcessor({ redis, ledger, rejects, probes, rememberMs, onRecorded, log });
  const stream = new StreamDoor({
    redis,
    blocking: connect("intake"),
    processor,
    read: (fields) => broadcast(withinLimit(parseStreamEntry(fields), config.bodyLimit), registry),
    log,
  });
  await stream.open();
  const pubsub = pubSubDoor(config, registry, processor, connect, log);
  const doors: Door[] = pubsub === undefined ? [stream] : [stream, pubsub];
  const intake = new Intake(new Leadership(redis, wake.id, registry.digest), doors, registry.digest, log);

  const state = new StateDirectory(config.stateDir);
  const token = await state.developmentToken(config.production);
  const accessKeys = new AccessKeys(redis, token, () => wake.accessKeysChanged());
  const webhookKeys = new WebhookKeys(redis, () => wake.accessKeysChanged());
  const operations = new SidecarOperations({
    redis,
    registryDigest: registry.digest,
    durability: durability.level,
    topics: [...registry.topics.values()],
    queues: () => fanout.all(),
    tail: (topic) => ledger.tail(topic),
    rejects,
    intake: async () => ({ ...intake.state, backlog: await stream.backlog(), doors: doorsInWords(pubsub) }),
    sidecars: () => wake.otherSidecars + 1,
    problems: () =>
      intake.state.otherRegistry ? ["another sidecar reads the intake with another topics.yaml"] : [],
  });
  const gateway = new Gateway({
    directory: registry,
    queue: (consumer, topic) => fanout.queue(consumer, topic),
    publish: publisher(registry, recorder),
    events: follower,
    operations,
    probe: (id) => probes.find(id),
    accessKeys,
    webhookKeys,
    bodyLimit: config.bodyLimit,
    rateLimit: config.rateLimit,
    available: () => redis.status === "ready",
    log,
  });
  const retention = new Retention(ledger, retained(registry), (topic) => raiseFloors(fanout, topic), log);

  await wake.start((message) => {
    if (message.kind === "access-keys") {
      accessKeys.forget();
      webhookKeys.forget();
    } else fanout.woken(message.consumer, message.topic);
  });
  closers.push(() => wake.close());
  closers.push(() => fanout.close());
  await fanout.start();
  retention.start();
  closers.push(() => retention.close());
  closers.push(() => intake.close());
  await intake.start();
  closers.push(() => gateway.close());
  const url = await gateway.listen(config.host, config.port);
  await state.writeContext(url);
  gateway.markReady();
  return url;
}

async function redisTarget(
  config: Config,
  log: Logger,
  closers: (() => Promise<void> | void)[],
): Promise<RemoteTarget> {
  if (config.redis.kind !== "embedded") return config.redis;
  const embedded = await startEmbeddedRedis({ stateDir: config.stateDir, port: config.redis.port, log });
  closers.push(() => embedded.stop());
  return parseRedisUrl("embedded Redis", embedded.url) as RemoteTarget;
}

function subscriptions(registry: Registry): Subscription[] {
  return [...registry.topics.values()].flatMap((topic) =>
    topic.consumers.map((consumer) => ({ consumer: consumer.name, topic: topic.name, policy: consumer })),
  );
}

function retained(registry: Registry): { name: string; retentionMs: number; consumers: string[] }[] {
  return [...registry.topics.values()].map(({ name, retentionMs, consumers }) => ({
    name,
    retentionMs,
    consumers: consumers.map((consumer) => consumer.name),
  }));
}

async function raiseFloors(fanout: Fanout, topic: string): Promise<void> {
  await Promise.all(
    fanout
      .all()
      .filter((queue) => queue.topic === topic)
      .map((queue) => queue.raiseFloor()),
  );
}

function broadcast(parsed: Parameters<typeof normalizeBroadcast>[0], registry: Registry): IntakeOutcome {
  const { source, channels, id } = parsed;
  if (channels.length === 1 && channels[0] === probeChannel)
    return { source, events: [], rejects: [], ignored: [], probe: id };
  return { source, ...normalizeBroadcast(parsed, registry) };
}

function withinLimit<T extends { data: string }>(parsed: T, limit: number): T {
  if (Buffer.byteLength(parsed.data) <= limit) return parsed;
  throw new HmsSyncError(
    "body_too_large",
    `the payload has more than ${limit} bytes (HMS_SYNC_BODY_LIMIT); broadcast less, or raise the limit`,
    { status: 413 },
  );
}

function pubSubDoor(
  config: Config,
  registry: Registry,
  processor: IntakeProcessor,
  connect: (name: string) => Redis,
  log: Logger,
): PubSubDoor | undefined {
  const { laravel } = config;
  if (laravel === undefined) return undefined;
  const options = { ...laravel, mintId: randomUUID, now: () => new Date() };
  const read = (channel: Buffer, message: Buffer) =>
    broadcast(withinLimit(parsePubSubMessage(channel, message, options), config.bodyLimit), registry);
  return new PubSubDoor({ subscriber: connect("pubsub"), prefix: laravel.prefix, processor, read, log });
}

function doorsInWords(pubsub: PubSubDoor | undefined): Record<string, string> {
  return {
    stream: "at least once: what the hms-sync driver has written is kept until the ledger has it",
    pubsub:
      pubsub === undefined
        ? "closed (HMS_SYNC_LARAVEL_PREFIX is not set)"
        : `best effort: events are lost while no sidecar listens and may double at a handover; dropped so far: ${pubsub.lost}`,
  };
}

function publisher(registry: Registry, recorder: Recorder): Publish {
  return async (posted) => {
    const event = normalizeEvent(posted, registry);
    const { status } = await recorder.record(posted.topic, event);
    if (status === "conflict") throw idReused(posted.id, posted.topic);
    return { version: registry.topics.get(posted.topic)!.version, duplicate: status === "duplicate" };
  };
}

function idReused(id: string, topic: string): HmsSyncError {
  return new HmsSyncError(
    "id_reused",
    `${topic} has an event "${id}" of this source with another body; give each event a key of its own`,
    { status: 422 },
  );
}
