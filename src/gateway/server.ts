import { setMaxListeners } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { HmsSyncError } from "../errors.js";
import type { AccessKeys } from "./access-keys.js";
import { adminRoutes } from "./admin-routes.js";
import { Authenticator } from "./authenticator.js";
import { topicNamed } from "./authorize.js";
import { answerClientError } from "./client-error.js";
import { DeliveryRoutes } from "./delivery-routes.js";
import { eventsRoute } from "./events-route.js";
import { FailedAttempts } from "./failed-attempts.js";
import { Ingress } from "./ingress/ingress.js";
import { problemOf, sendProblem } from "./problem.js";
import { RateLimit } from "./rate-limit.js";
import { badEncoding, checkHost, decodeSegment, notFound, pathOf } from "./request-target.js";
import type { Retirement } from "./retire-routes.js";
import type {
  CheckRegistry,
  Directory,
  EventReader,
  FindProbe,
  GatewayLog,
  GatewayQueue,
  Identity,
  Operations,
  Publish,
} from "./types.js";
import type { WebhookKeys } from "./webhook-keys.js";

export interface GatewayParts {
  readonly directory: Directory;
  readonly queue: (consumer: string, topic: string) => GatewayQueue | undefined;
  readonly publish: Publish;
  readonly checkRegistry: CheckRegistry;
  readonly events: EventReader;
  readonly operations: Operations;
  readonly retirement: Retirement;
  /** Whether a probe has come through the intake. */
  readonly probe: FindProbe;
  readonly accessKeys: AccessKeys;
  readonly webhookKeys: WebhookKeys;
  /** Largest request body in bytes. */
  readonly bodyLimit: number;
  /** Events per second that a system may post, where topics.yaml does not say otherwise; 0 for any number. */
  readonly rateLimit: number;
  readonly timeouts?: Timeouts;
  /** Whether Redis can be reached right now. */
  readonly available: () => boolean;
  readonly log: GatewayLog;
}

/** Milliseconds. */
export interface Timeouts {
  /** Until the headers of a request must be there. */
  readonly headersMs: number;
  /** Until all of a request must be there; a waiting pull has sent its body long before. */
  readonly requestMs: number;
  /** Between two looks for connections that are too slow. */
  readonly checkMs: number;
}

const defaultTimeouts: Timeouts = { headersMs: 10_000, requestMs: 30_000, checkMs: 2_000 };

type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  identity: Identity,
  url: URL,
) => Promise<void>;

/**
 * The HTTP side of the bus. Every route but /healthz and /readyz wants a bearer token; POST …/events takes a signature
 * over the body too.
 */
export class Gateway {
  private readonly server: Server;
  private readonly closing = new AbortController();
  private readonly deliveries: DeliveryRoutes;
  private readonly authenticator: Authenticator;
  private readonly ingress: Ingress;
  private readonly admin: ReturnType<typeof adminRoutes>;
  /** The newest response of each connection. */
  private readonly responses = new WeakMap<Duplex, ServerResponse>();
  private ready = false;

  constructor(private readonly parts: GatewayParts) {
    setMaxListeners(0, this.closing.signal);
    this.deliveries = new DeliveryRoutes({ ...parts, closing: this.closing.signal });
    const { accessKeys, webhookKeys, directory, timeouts = defaultTimeouts } = parts;
    this.authenticator = new Authenticator(accessKeys, webhookKeys, new FailedAttempts());
    const rateLimit = new RateLimit(directory, parts.rateLimit);
    this.ingress = new Ingress({ ...parts, authenticator: this.authenticator, rateLimit });
    this.admin = adminRoutes({ ...parts, closing: this.closing.signal });
    this.server = createServer(
      {
        headersTimeout: timeouts.headersMs,
        requestTimeout: timeouts.requestMs,
        connectionsCheckingInterval: timeouts.checkMs,
        keepAliveTimeout: 65_000,
        maxHeaderSize: 16 * 1024,
        requireHostHeader: false, // checked here, so that the refusal is a problem like any other
      },
      (request, response) => void this.answer(request, response),
    );
    // RFC 9110, 10.1.1: a server may ignore an expectation that it does not know.
    this.server.on("checkExpectation", (request, response) => void this.answer(request, response));
    this.server.maxRequestsPerSocket = 0;
    this.server.on("clientError", (error, socket) =>
      answerClientError(error, socket, this.responses.get(socket)),
    );
  }

  /** Listens; resolves to the base URL. Rejects with `port_in_use` naming HMS_SYNC_PORT. */
  async listen(host: string, port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
      this.server.listen(port, host, resolve);
    });
    const address = this.server.address() as AddressInfo;
    return `http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
  }

  /** From now on /readyz answers 200. */
  markReady(): void {
    this.ready = true;
  }

  /** Answers waiting pulls at once, lets running requests end, then closes. */
  async close(): Promise<void> {
    this.ready = false;
    this.closing.abort();
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeIdleConnections();
    const force = setTimeout(() => this.server.closeAllConnections(), 5_000);
    await closed;
    clearTimeout(force);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.responses.set(request.socket, response);
    // A kept connection would bring one pull after another to a gateway that is going away.
    if (this.closing.signal.aborted) response.setHeader("connection", "close");
    try {
      await this.route(request, response);
    } catch (error) {
      const problem = problemOf(error);
      if (problem.status >= 500) {
        const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
        this.parts.log.error("request failed", {
          method: request.method,
          path: pathOf(request),
          code: problem.code,
          cause,
        });
      }
      sendProblem(response, error);
    }
  }

  private async route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    checkHost(request);
    const path = pathOf(request);
    if (path === "/healthz") return plain(response, 200, "ok");
    const ready = this.ready && this.parts.available();
    if (path === "/readyz") return plain(response, ready ? 200 : 503, ready ? "ready" : "not ready");
    if (!this.parts.available()) throw unavailable();
    const match = /^\/v1\/topics\/([^/]+)\/(pull|settle|events|replay)$/.exec(path);
    if (request.method === "POST" && match?.[2] === "events")
      return await this.ingress.post(request, response, decodeSegment(match[1]!));
    const identity = await this.authenticator.byToken(request);
    if (path === "/v1/pull") return await this.pullMany(request, response, identity);
    if (match === null) return await this.toAdmin(request, response, identity);
    const topic = decodeSegment(match[1]!);
    const handler = this.handlerFor(request.method ?? "GET", match[2]!, topic);
    await handler(request, response, identity, new URL(request.url ?? "/", "http://gateway"));
  }

  private async pullMany(
    request: IncomingMessage,
    response: ServerResponse,
    identity: Identity,
  ): Promise<void> {
    if (request.method === "POST") return await this.deliveries.pullMany(request, response, identity);
    throw new HmsSyncError("method_not_allowed", `${request.method} is not a method of /v1/pull; use POST`, {
      status: 405,
    });
  }

  private handlerFor(method: string, action: string, topic: string): Handler {
    if (method === "POST" && action === "pull")
      return (req, res, who) => this.deliveries.pull(req, res, who, topic);
    if (method === "POST" && action === "settle")
      return (req, res, who) => this.deliveries.settle(req, res, who, topic);
    if (action === "replay" && ["POST", "GET", "DELETE"].includes(method))
      return (req, res, who) => this.deliveries.replay(req, res, who, topic);
    if (method === "GET" && action === "events") {
      const parts = { ...this.parts, closing: this.closing.signal };
      return (_req, res, who, url) => eventsRoute(parts, url.searchParams, res, who, topic);
    }
    topicNamed(this.parts.directory, topic);
    throw new HmsSyncError("method_not_allowed", `${method} is not a method of …/${action}`, { status: 405 });
  }

  private async toAdmin(
    request: IncomingMessage,
    response: ServerResponse,
    identity: Identity,
  ): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      response.once("close", resolve);
      (request as IncomingMessage & { identity: Identity }).identity = identity;
      this.admin(request, response, (error: unknown) => {
        reject(error instanceof URIError ? badEncoding(request) : (error ?? notFound(request)));
      });
    });
  }
}

function unavailable(): HmsSyncError {
  return new HmsSyncError("unavailable", "Redis cannot be reached; nothing was stored, try again", {
    status: 503,
    retryable: true,
  });
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain", "content-length": text.length + 1 });
  response.end(`${text}\n`);
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code !== "EADDRINUSE") return error;
  return new HmsSyncError(
    "port_in_use",
    `port ${port} on ${host} is taken; stop what uses it or set HMS_SYNC_PORT`,
    { cause: error },
  );
}
