import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { eventually } from "../../../test/support/eventually.js";

export type Route = "whoami" | "pull" | "settle" | "events" | "publish" | "replay";

export interface Received {
  readonly route: Route;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: the wire is looked at freely in tests
  readonly body: any;
}

export type Script = (request: Received, response: ServerResponse) => void;

/**
 * A server that plays the wire as a test tells it to, for what a real bus does not do on demand. Each request takes the
 * next script of its route; without one whoami answers as city-health, a pull waits, settles are ok.
 */
export class ScriptedBus {
  readonly received: Received[] = [];
  private readonly waiting: { request: Received; response: ServerResponse }[] = [];
  /** Sees the text of each request's body. */
  raw: (text: string) => void = () => undefined;
  private readonly scripts = new Map<Route, Script[]>();
  private readonly server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      this.raw(text);
      const url = request.url ?? "";
      const route = routeOf(request.method ?? "", url);
      const body = text === "" ? undefined : JSON.parse(text);
      this.play({ route, url, headers: request.headers, body }, response);
    });
  });

  async start(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Adds scripts for the next requests of a route. */
  on(route: Route, ...scripts: Script[]): this {
    this.scripts.set(route, [...(this.scripts.get(route) ?? []), ...scripts]);
    return this;
  }

  of(route: Route): Received[] {
    return this.received.filter((request) => request.route === route);
  }

  /** Keeps a request waiting. */
  readonly park: Script = (request, response) => void this.waiting.push({ request, response });

  /** Answers the request that waits longest. */
  answer(script: Script): void {
    const { request, response } = this.waiting.shift()!;
    script(request, response);
  }

  /** All settles that came, alone or with a pull, as `action token-to`. */
  settles(): string[] {
    const entries = this.received.flatMap(({ body }) => body?.settle ?? []);
    return entries.map(({ action, token, to }) => `${action} ${token}${to === undefined ? "" : `-${to}`}`);
  }

  /** Waits until a settle came that starts so. */
  async settled(start: string): Promise<void> {
    await eventually(() => this.settles().some((settle) => settle.startsWith(start)));
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private play(request: Received, response: ServerResponse): void {
    this.received.push(request);
    const script = this.scripts.get(request.route)?.shift() ?? usual(request);
    (script ?? this.park)(request, response);
  }
}

function usual({ route, body }: Received): Script | undefined {
  if (route === "whoami") return json({ system: "city-health", admin: false });
  if (route === "settle") return settleOk;
  if (route === "replay") return replayBegun;
  return route === "pull" && body.settle.length > 0 ? deliver() : undefined;
}

function routeOf(method: string, url: string): Route {
  if (url === "/v1/whoami") return "whoami";
  if (url.endsWith("/pull")) return "pull";
  if (url.endsWith("/settle")) return "settle";
  if (url.endsWith("/replay")) return "replay";
  return method === "POST" ? "publish" : "events";
}

export function json(value: unknown, status = 200): Script {
  return (_request, response) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  };
}

/** The answer of the bus to a replay that it has begun. */
export const replayBegun: Script = json({ from: "0-1", to: "7-0", events: 7, replay: "rp1" });

export function problem(status: number, code: string, headers: Record<string, string> = {}): Script {
  return (_request, response) => {
    response
      .writeHead(status, { "content-type": "application/problem+json", ...headers })
      .end(JSON.stringify({ type: "about:blank", title: code, status, detail: `scripted ${code}`, code }));
  };
}

/** Ends the connection without an answer, though the request was taken. */
export const lose: Script = (_request, response) => {
  response.socket?.destroy();
};

export const settleOk: Script = (request, response) =>
  json({ settled: answersTo(request, "ok") })(request, response);

export function settleAs(result: "stale" | "unknown"): Script {
  return (request, response) => json({ settled: answersTo(request, result) })(request, response);
}

function answersTo({ body }: Received, result: string): object[] {
  return body.settle.map(({ token, to }: { token: string; to?: number }) => ({ token, to, result }));
}

export function envelope(id: string, payload = "{}"): string {
  return `{"topic":"t","version":1,"payload":${payload},"qos":"at_least_once","replayable_until":"2030-01-01T00:00:00Z","id":"${id}","source":"hms-api","type":"T","time":"2024-04-23T15:02:11Z"}`;
}

export interface FrameOptions {
  readonly ackWaitMs?: number;
  readonly attempt?: number;
  readonly settled?: object[];
  /** The replay that asked for the events to count as new. */
  readonly redo?: string;
  /** The envelope of the event with this id. */
  readonly envelope?: (id: string) => string;
}

/** The framed answer to a pull: one lease, whose events have the ids `<lease>.0`, `<lease>.1`, … */
export function frame(lease: string, count: number, options: FrameOptions = {}): Buffer {
  const { ackWaitMs = 30_000, attempt = 1, settled = [], redo } = options;
  const write = options.envelope ?? envelope;
  const bodies = Array.from({ length: count }, (_, i) => Buffer.from(write(`${lease}.${i}`)));
  const leases = [
    {
      lease,
      attempt,
      replayed: redo !== undefined,
      redo,
      ack_wait_ms: ackWaitMs,
      indexes: [[0, count - 1]],
      lengths: bodies.map(({ length }) => length),
    },
  ];
  const head = { leases: count === 0 ? [] : leases, settled };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...bodies]);
}

/** Answers a pull with a run of `count` events, and ok to what it carries. */
export function deliver(lease = "r0.1", count = 0, options: FrameOptions = {}): Script {
  return (request, response) => {
    const settled = answersTo(request, "ok");
    response
      .writeHead(200, { "content-type": "application/vnd.hms-sync.deliveries" })
      .end(frame(lease, count, { settled, ...options }));
  };
}
