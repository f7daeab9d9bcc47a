import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import type { Config } from "./config.js";
import { normalizeBroadcast, normalizeEvent } from "./envelope/normalize.js";
import { createView } from "./envelope/view.js";
import { parsePubSubMessage, parseStreamEntry } from "./envelope/wire.js";
import { HmsSyncError } from "./errors.js";
import { DeliveryRecords, loadDeliveryScripts } from "./fanout/delivery-records.js";
import { Fanout } from "./fanout/fanout.js";
import { LeavingConsumers } from "./fanout/leaving.js";
import { Retirement } from "./fanout/retirement.js";
import type { Subscription } from "./fanout/types.js";
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
import { LedgerWatch } from "./ledger/watch.js";
import type { Logger } from "./log.js";
import { LedgerLosses } from "./ops/ledger-losses.js";
import { SidecarOperations } from "./ops/operations.js";
import { connectRedis, letGo, type RemoteTarget } from "./redis/connection.js";
import { checkRedis, readDurability } from "./redis/durability.js";
import { startEmbeddedRedis } from "./redis/embedded.js";
import { nameOf, parseRedisUrl } from "./redis/target.js";
import { WakeStream } from "./redis/wake.js";
import { RegistryInForce } from "./registry/in-force.js";
import { joinedVersionProblems } from "./registry/joined-versions.js";
import { loadRegistry } from "./registry/load.js";
import { Reloading } from "./registry/reloading.js";
import type { Registry } from "./registry/types.js";
import { RegistryWatcher } from "./registry/watcher.js";
import { StateDirectory } from "./state-dir.js";

export interface Sidecar {
  /** Base URL of the gateway. */
  readonly url: string;
  /** Reads topics.yaml anew; resolves when it is in force or refused, which the log and the status say. */
  reload(): Promise<void>;
  /** Stops in the order of an event's way, so that nothing is left half done; resolves when all is closed. */
  close(): Promise<void>;
}

/** What still waits for Redis this long (ms) after the stop began is given up: service managers kill after 10 s. */
const stopMs = 5_000;

/** Ids are remembered for at least this long (ms), however short the topic's retention. */
const minRememberMs = 24 * 3_600_000;

/**
 * The composition root: starts every part of the bus and wires the stages to each other. Resolves when all are up.
 * Rejects with HmsSyncError when topics.yaml, Redis or the port is not as it must be, and when `signal` aborts before
 * they are; what was started is stopped.
 */
export async function startSidecar(
  config: Config,
  log: Logger,
  signal: AbortSignal = new AbortController().signal,
): Promise<Sidecar> {
  const closers: (() => Promise<void> | void)[] = [];
  const connections = new Set<Redis>();
  const letGoOfRedis = () => connections.forEach(letGo);
  const close = async () => {
    const late = setTimeout(() => {
      log.warn("stopping waits for Redis in vain; what was under way is left to the next start", { stopMs });
      letGoOfRedis();
    }, stopMs);
    for (const closer of closers.splice(0).reverse()) {
      try {
        await closer();
      } catch (error) {
        log.warn("a part did not stop in order; the others are stopped all the same", {
          error: String(error),
        });
      }
    }
    clearTimeout(late);
  };
  signal.addEventListener("abort", letGoOfRedis);
  try {
    return { ...(await start(config, log, closers, connections)), close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    signal.removeEventListener("abort", letGoOfRedis);
  }
}

async function start(
  config: Config,
  log: Logger,
  closers: (() => Promise<void> | void)[],
  connections: Set<Redis>,
): Promise<Omit<Sidecar, "close">> {
  const registry = new RegistryInForce(await loadRegistry(config.topicsFile));
  const target = await redisTarget(config, log, closers);
  const connect = (name: string): Redis => {
    const redis = connectRedis(target, name, (error) =>
      log.warn("redis connection", { name, error: String(error) }),
    );
    connections.add(redis);
    closers.push(() => redis.disconnect());
    return redis;
  };
  const redis = connect("main");
  const durability = await checkRedis(redis);
  for (const warning of durability.warnings) log.warn(warning);

  const ledger = new StreamLedger(redis);
  const deliveryScripts = loadDeliveryScripts();
  const problemsOf = (next: Registry) =>
    joinedVersionProblems(next, (consumer, topic) =>
      new DeliveryRecords(redis, deliveryScripts, consumer, topic).joinedVersion(),
    );
  refuse(await problemsOf(registry));
  const wake = new WakeStream(redis, connect("wake"), log);
  wake.goBy(registry.digest);
  const follower = new LedgerFollower(ledger);
  const mayServe = () => !intake.state.otherRegistry;
  const mayJoin = () => intake.goesByTheOneInForce();
  const queueConnection = connect("queues");
  const fanout = new Fanout(
    { redis, queueConnection, ledger, waker: wake, mayServe, mayJoin, log },
    subscriptions(registry),
  );
  const losses = new LedgerLosses(redis, wake.id, log);
  ledger.onWentBack = (loss) => {
    losses.report(loss);
    fanout.ledgerWentBack(loss.topic, loss.end);
  };
  const leaving = new LeavingConsumers(redis, deliveryScripts, ledger);
  await leaving.remember([...registry.topics.keys()]);
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
  const intake = new Intake(new Leadership(redis, wake.id), doors, registry.digest, log);

  const reloading = new Reloading({
    inForce: () => registry.digest,
    load: () => loadRegistry(config.topicsFile),
    problemsOf,
    apply: async (next) => {
      registry.put(next);
      const served = fanout.replace(subscriptions(next));
      await Promise.all([served, intake.adopt(next.digest), leaving.remember([...next.topics.keys()])]);
      await wake.registryChanged(next.digest);
    },
    log,
  });

  const state = new StateDirectory(config.stateDir);
  const adminTokens = [await state.developmentToken(config.production), config.adminToken];
  const accessKeys = new AccessKeys(
    redis,
    adminTokens.filter((token) => token !== undefined),
    () => wake.accessKeysChanged(),
  );
  const webhookKeys = new WebhookKeys(redis, () => wake.accessKeysChanged());
  const operations = new SidecarOperations({
    redis,
    registry: () => ({ digest: registry.digest, ...reloading.state }),
    durability: () => readDurability(redis),
    topics: () => [...registry.topics.values()],
    leaving: () => leaving.list(subscriptions(registry)),
    queues: () => fanout.all(),
    tail: (topic) => ledger.tail(topic),
    rejects,
    losses,
    removedEvents: () => fanout.removedEvents(),
    acknowledgeRemoved: (removed) => fanout.acknowledgeRemoved(removed),
    intake: async () => ({ ...intake.state, backlog: await stream.backlog(), doors: doorsInWords(pubsub) }),
    sidecars: () => wake.otherSidecars + 1,
    problems: () => registryProblems(intake.state.otherRegistry, wake.otherRegistries),
  });
  const checkRegistry = () => {
    if (intake.state.otherRegistry) throw registryMismatch();
  };
  const retirement = new Retirement({
    ...{ redis, queueConnection, ledger, leaving, log },
    scripts: deliveryScripts,
    subscriptions: () => subscriptions(registry),
    confirmRegistry: async () => {
      if (!(await intake.goesByTheOneInForce())) throw registryMismatch();
    },
  });
  const gateway = new Gateway({
    directory: registry,
    queue: (consumer, topic) => fanout.queue(consumer, topic),
    publish: publisher(registry, recorder, checkRegistry),
    checkRegistry,
    events: follower,
    operations,
    retirement,
    probe: (id) => probes.find(id),
    accessKeys,
    webhookKeys,
    bodyLimit: config.bodyLimit,
    rateLimit: config.rateLimit,
    available: () => redis.status === "ready",
    log,
  });
  const retention = new Retention(
    ledger,
    () => retained(registry),
    (topic) => raiseFloors(fanout, topic),
    log,
  );

  await wake.start((message) => {
    if (message.kind === "access-keys") {
      accessKeys.forget();
      webhookKeys.forget();
    } else if (message.kind === "registry") {
      intake
        .check()
        .catch((error: unknown) =>
          log.warn("looking for the registry in force failed", { error: String(error) }),
        );
    } else fanout.woken(message.consumer, message.topic);
  });
  closers.push(() => wake.close());
  closers.push(() => fanout.close());
  await intake.goesByTheOneInForce(); // fan-out must not begin by another one
  await fanout.start();
  const saveLosses = () => losses.save();
  const watch = new LedgerWatch({ redis, ledger, saveLosses, state, name: nameOf(config.redis), log });
  closers.push(() => watch.close());
  await watch.start();
  retention.start();
  closers.push(() => retention.close());
  closers.push(() => intake.close());
  await intake.start();
  closers.push(() => gateway.close());
  const url = await gateway.listen(config.host, config.port);
  await state.writeContext(url);
  gateway.markReady();
  const reload = () => reloading.reload();
  const watcher = new RegistryWatcher(config.topicsFile, () => void reload(), log);
  closers.push(() => watcher.close());
  watcher.start();
  return { url, reload };
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
    topic.consumers.map((consumer) => ({
      consumer: consumer.name,
      topic: topic.name,
      policy: consumer,
      ...(consumer.version === undefined ? {} : { version: consumer.version }),
      currentVersion: topic.version,
      view: (version) => createView(topic, version, consumer.filter),
    })),
  );
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0)
    throw new HmsSyncError("invalid_registry", problems.join("\n"), { details: { problems } });
}

function registryProblems(otherInForce: boolean, others: number): string[] {
  if (otherInForce) {
    return [
      "another topics.yaml than this sidecar's is in force: it neither reads, cuts nor hands out; give it the same file, or stop the sidecar that has the other one and start this one anew",
    ];
  }
  if (others === 0) return [];
  return [
    `${others} of the sidecars go by another topics.yaml and do nothing until they have the one in force`,
  ];
}

function registryMismatch(): HmsSyncError {
  return new HmsSyncError(
    "registry_mismatch",
    "another topics.yaml than this sidecar's is in force; nothing was stored, ask another sidecar or try again",
    { status: 503, retryable: true },
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

function publisher(registry: Registry, recorder: Recorder, checkRegistry: () => void): Publish {
  return async (posted) => {
    checkRegistry();
    const event = normalizeEvent(posted, registry);
    const { status } = await recorder.record(posted.topic, event);
    if (status === "conflict") throw idReused(posted.id, posted.topic);
    return { version: event.version, duplicate: status === "duplicate" };
  };
}

function idReused(id: string, topic: string): HmsSyncError {
  return new HmsSyncError(
    "id_reused",
    `${topic} has an event "${id}" of this source with another body; give each event a key of its own`,
    { status: 422 },
  );
}
