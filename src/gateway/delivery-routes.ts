import type { IncomingMessage, ServerResponse } from "node:http";
import { HmsSyncError } from "../errors.js";
import { consumerFor, topicNamed, topicsConsumedBy } from "./authorize.js";
import { bodyObject, readBody } from "./body.js";
import {
  framedDeliveries,
  framedType,
  jsonDeliveries,
  type LeaseAnswer,
  readPull,
  readPullMany,
  readSettles,
  type SettledAnswer,
  type TopicSettle,
} from "./deliveries.js";
import { answerReplay, cancelReplay, requestReplay } from "./replay-route.js";
import type { CheckRegistry, Directory, GatewayLog, GatewayQueue, Identity, Lease } from "./types.js";

export interface DeliveryRouteParts {
  readonly directory: Directory;
  readonly queue: (consumer: string, topic: string) => GatewayQueue | undefined;
  /** Asked before events are handed out; settles are taken by any sidecar. */
  readonly checkRegistry: CheckRegistry;
  /** Largest body in bytes. */
  readonly bodyLimit: number;
  /** Aborted when the gateway closes: waiting pulls then answer at once. */
  readonly closing: AbortSignal;
  readonly log: GatewayLog;
}

/**
 * The routes every event passes: POST /v1/topics/{topic}/pull and …/settle, and /v1/pull for several topics. Served on
 * node:http directly, since a framework costs more here than the work itself. Stateless: any sidecar takes any call.
 */
export class DeliveryRoutes {
  constructor(private readonly parts: DeliveryRouteParts) {}

  /** Settles what rides along, then leases, waiting as long as the pull may. */
  async pull(
    request: IncomingMessage,
    response: ServerResponse,
    identity: Identity,
    topic: string,
  ): Promise<void> {
    const queue = this.queueFor(request, identity, topic);
    const { max, waitMs, settle } = readPull(bodyObject(await readBody(request, this.parts.bodyLimit)));
    if (settle.length === 0) this.parts.checkRegistry();
    const settled = settle.length > 0 ? await queue.settle(settle) : [];
    const gone = abortOn(response, this.parts.closing);
    const leases = await queue.pull(max, waitMs, gone.signal);
    gone.done();
    if (response.destroyed || response.socket?.destroyed) return await this.giveBack(queue, leases, topic);
    const { ackWaitMs } = queue.policy;
    answerPull(
      request,
      response,
      leases.map((lease) => ({ ...lease, ackWaitMs })),
      settled,
    );
  }

  /**
   * A pull of several topics at once, for a consumer that serves them in one place: settles first, then leases, and
   * waits, as long as the pull may, until something is owed in one of them. At most `max` events in all but for what
   * two topics were handed in the same moment.
   */
  async pullMany(request: IncomingMessage, response: ServerResponse, identity: Identity): Promise<void> {
    const asked = readPullMany(bodyObject(await readBody(request, this.parts.bodyLimit)));
    const names = asked.topics ?? consumedBy(request, identity, this.parts.directory);
    const queues = new Map(names.map((name) => [name, this.queueFor(request, identity, name)]));
    for (const { topic } of asked.settle)
      if (!queues.has(topic)) queues.set(topic, this.queueFor(request, identity, topic));
    if (asked.settle.length === 0) this.parts.checkRegistry();
    const settled = await settleMany(queues, asked.settle);
    const gone = abortOn(response, this.parts.closing);
    const pulled = await pullFirst(
      names.map((name) => [name, queues.get(name)!] as const),
      asked.max,
      asked.waitMs,
      gone.signal,
    );
    gone.done();
    if (response.destroyed || response.socket?.destroyed) {
      for (const lease of pulled) await this.giveBack(queues.get(lease.topic)!, [lease], lease.topic);
      return;
    }
    answerPull(request, response, pulled, settled);
  }

  async settle(
    request: IncomingMessage,
    response: ServerResponse,
    identity: Identity,
    topic: string,
  ): Promise<void> {
    const queue = this.queueFor(request, identity, topic);
    const settles = readSettles(bodyObject(await readBody(request, this.parts.bodyLimit)));
    const settled = await queue.settle(settles);
    send(response, "application/json", Buffer.from(JSON.stringify({ settled })));
  }

  /** POST, GET and DELETE …/replay; see replay-route.ts. */
  async replay(
    request: IncomingMessage,
    response: ServerResponse,
    identity: Identity,
    topic: string,
  ): Promise<void> {
    const queue = this.queueFor(request, identity, topic);
    if (request.method === "GET") return await answerReplay(response, queue);
    this.parts.checkRegistry();
    if (request.method === "DELETE") return await cancelReplay(response, queue);
    await requestReplay(response, queue, bodyObject(await readBody(request, this.parts.bodyLimit)));
  }

  private queueFor(request: IncomingMessage, identity: Identity, name: string): GatewayQueue {
    const topic = topicNamed(this.parts.directory, name);
    const asked = request.headers["hms-sync-consumer"];
    const consumer = consumerFor(identity, Array.isArray(asked) ? asked[0] : asked, topic);
    const queue = this.parts.queue(consumer, name);
    if (queue === undefined) {
      throw new HmsSyncError("unavailable", `${consumer} of ${name} is not served yet; try again`, {
        status: 503,
        retryable: true,
      });
    }
    return queue;
  }

  // The client went away while it waited: its events go to the next pull instead of waiting for the lease to lapse.
  private async giveBack(queue: GatewayQueue, leases: readonly Lease[], topic: string): Promise<void> {
    for (const { lease, indexes } of leases) {
      await queue.settle(
        indexes.map((index) => ({ token: `${lease}.${index}`, action: "release" as const })),
      );
    }
    if (leases.length > 0)
      this.parts.log.info("client was gone before its answer; events given back", { topic });
  }
}

function consumedBy(request: IncomingMessage, identity: Identity, directory: Directory): string[] {
  const asked = request.headers["hms-sync-consumer"];
  const consumer = identity.admin && typeof asked === "string" ? asked : identity.system;
  const names = topicsConsumedBy(consumer, directory);
  if (names.length > 0) return names;
  throw new HmsSyncError(
    "not_a_consumer",
    `${consumer.slice(0, 100)} is a consumer of no topic; topics.yaml would need it under consumers`,
    { status: 403 },
  );
}

async function settleMany(
  queues: ReadonlyMap<string, GatewayQueue>,
  settles: readonly TopicSettle[],
): Promise<SettledAnswer[]> {
  const topics = [...new Set(settles.map(({ topic }) => topic))];
  const answers = await Promise.all(
    topics.map(async (topic) => {
      const settled = await queues.get(topic)!.settle(settles.filter((settle) => settle.topic === topic));
      return settled.map((answer) => ({ topic, ...answer }));
    }),
  );
  return answers.flat();
}

/** Takes what is there, topic by topic; when there is nothing, waits in all and takes what the first one brings. */
async function pullFirst(
  queues: readonly (readonly [string, GatewayQueue])[],
  max: number,
  waitMs: number,
  signal: AbortSignal,
): Promise<(LeaseAnswer & { topic: string })[]> {
  const pulled = async (
    [topic, queue]: readonly [string, GatewayQueue],
    room: number,
    ms: number,
    until: AbortSignal,
  ) =>
    (await queue.pull(room, ms, until)).map((lease) => ({
      ...lease,
      topic,
      ackWaitMs: queue.policy.ackWaitMs,
    }));
  const found: (LeaseAnswer & { topic: string })[] = [];
  let room = max;
  // Beginning anywhere, so that a topic under full load does not starve the others.
  for (const each of rotated(queues, Math.floor(Math.random() * queues.length))) {
    const leases = room > 0 ? await pulled(each, room, 0, signal) : [];
    for (const lease of leases) room -= lease.indexes.length;
    found.push(...leases);
  }
  if (found.length > 0 || waitMs === 0 || signal.aborted) return found;
  const first = new AbortController();
  const until = AbortSignal.any([signal, first.signal]);
  const waits = queues.map(async (each) => {
    const leases = await pulled(each, max, waitMs, until);
    if (leases.length > 0) first.abort();
    return leases;
  });
  const waited = await Promise.allSettled(waits);
  const leased = waited.flatMap((wait) => (wait.status === "fulfilled" ? wait.value : []));
  // What one topic handed out is answered even when another one failed: nobody else would know of these leases.
  const failed = waited.find((wait) => wait.status === "rejected");
  if (leased.length === 0 && failed !== undefined) throw failed.reason;
  return leased;
}

function rotated<T>(items: readonly T[], by: number): T[] {
  return [...items.slice(by), ...items.slice(0, by)];
}

function answerPull(
  request: IncomingMessage,
  response: ServerResponse,
  leases: readonly LeaseAnswer[],
  settled: readonly SettledAnswer[],
): void {
  const framed = request.headers.accept?.includes(framedType) === true;
  const answer = (framed ? framedDeliveries : jsonDeliveries)(leases, settled);
  send(response, framed ? framedType : "application/json", answer);
}

function send(response: ServerResponse, type: string, body: Buffer): void {
  response.writeHead(200, { "content-type": type, "content-length": body.length });
  response.end(body);
}

function abortOn(response: ServerResponse, closing: AbortSignal): { signal: AbortSignal; done(): void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  response.on("close", abort);
  closing.addEventListener("abort", abort);
  if (closing.aborted || response.destroyed) abort();
  return {
    signal: controller.signal,
    done() {
      response.off("close", abort);
      closing.removeEventListener("abort", abort);
    },
  };
}
