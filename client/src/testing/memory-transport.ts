import { Readable } from "node:stream";
import type { Identity } from "../bus.js";
import { HmsSyncClientError } from "../errors.js";
import type { Answer, Call, OpenAnswer, Transport } from "../transport.js";
import type { Gateway, GatewayTopic } from "./gateway.js";
import type { TestClock } from "./test-clock.js";
import { FRAMED_HEADERS, framedBody } from "./wire.js";

interface Response {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

type Route = (topic: GatewayTopic, call: Call) => Promise<Response> | Response;

/** The routes of the gateway that a consumer's client uses, answered in the same process. */
export class MemoryTransport implements Transport {
  private readonly routes: Readonly<Record<string, Route>> = {
    pull: (topic, call) => this.pull(topic, call),
    settle: (topic, call) => json({ settled: topic.settle(bodyOf(call).settle) }),
    events: (topic, call) => json(this.publish(topic, call), 202),
    replay: (topic, call) => json(topic.replay(bodyOf(call).since, false), 202),
  };

  constructor(
    private readonly gateway: Gateway,
    private readonly clock: TestClock,
    private readonly identity: Identity,
    /** Told of each call and each answer. */
    private readonly onTraffic: () => void,
  ) {}

  async call(call: Call): Promise<Answer> {
    call.signal?.throwIfAborted();
    this.onTraffic();
    try {
      this.gateway.mustBeUp();
      return { ...(await this.answer(call)), arrivedAt: this.clock.now() };
    } finally {
      this.onTraffic();
    }
  }

  async open(call: Call): Promise<OpenAnswer> {
    const { status, headers, body } = await this.call(call);
    return { status, headers, body: Readable.from([body]) };
  }

  async read({ status, headers, body }: OpenAnswer): Promise<Answer> {
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk);
    return { status, headers, body: Buffer.concat(chunks), arrivedAt: this.clock.now() };
  }

  close(): void {}

  private async answer(call: Call): Promise<Response> {
    if (call.path === "/v1/whoami") return json(this.identity);
    const [, name, action] = /^\/v1\/topics\/([^/]+)\/(\w+)$/.exec(call.path) ?? [];
    const route = call.method === "POST" ? this.routes[action ?? ""] : undefined;
    if (name === undefined || route === undefined) {
      return problem(new HmsSyncClientError("not_found", `the test bus has no route ${call.path}`));
    }
    try {
      return await route(this.gateway.topic(decodeURIComponent(name)), call);
    } catch (error) {
      if (error instanceof HmsSyncClientError && error.status !== undefined) return problem(error);
      throw error;
    }
  }

  /** Settles first. It does not wait then, as the bus does not unless told: its answers are waited for. */
  private async pull(topic: GatewayTopic, call: Call): Promise<Response> {
    const { max, wait_ms: waitMs, settle } = bodyOf(call);
    const settled = topic.settle(settle);
    const leases = await topic.pull(max, settle.length === 0 && waitMs > 0, call.signal);
    return { status: 200, headers: FRAMED_HEADERS, body: framedBody(leases, topic.queue.ackWaitMs, settled) };
  }

  private publish(topic: GatewayTopic, { headers = {}, body = "" }: Call): object {
    const {
      "idempotency-key": id,
      "hms-sync-type": type,
      "hms-sync-version": version,
      traceparent,
    } = headers;
    return topic.publish({
      id: id!,
      source: this.identity.admin ? "cli" : this.identity.system,
      data: body,
      type,
      version: version === undefined ? undefined : Number(version),
      traceparent,
    });
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the client of this package wrote it
function bodyOf(call: Call): any {
  return JSON.parse(call.body ?? "{}");
}

function json(value: object, status = 200): Response {
  return {
    status,
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify(value)),
  };
}

function problem({ code, detail, errors, status = 404 }: HmsSyncClientError): Response {
  const body = { type: "about:blank", title: code, status, detail, code, errors };
  const headers = { "content-type": "application/problem+json" };
  return { status, headers, body: Buffer.from(JSON.stringify(body)) };
}
