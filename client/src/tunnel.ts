import http, { type ClientRequest, type IncomingMessage } from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import tls, { type SecureContext } from "node:tls";
import { HmsSyncClientError } from "./errors.js";
import { type ProxyAddress, shownProxy } from "./proxy.js";

/** How long (ms) a proxy may take to answer CONNECT. */
const CONNECT_TIMEOUT_MS = 15_000;

interface Target {
  readonly host: string;
  readonly port: number;
}

type Connected = (error: Error | null, socket: Socket) => void;

/** Agents whose connections go through a proxy that is asked with CONNECT; the proxy sees bytes of TLS, no token. */
export function tunnelAgent(
  proxy: ProxyAddress,
  secure: boolean,
  trust: SecureContext | undefined,
): http.Agent {
  const tunnels = new Tunnels(proxy, trust);
  return secure ? new SecureTunnelAgent(tunnels, trust) : new PlainTunnelAgent(tunnels);
}

const KEPT = { keepAlive: true, maxFreeSockets: 16 };

class PlainTunnelAgent extends http.Agent {
  constructor(private readonly tunnels: Tunnels) {
    super(KEPT);
  }

  override createConnection(options: http.ClientRequestArgs, connected?: Connected): undefined {
    this.tunnels.open(targetOf(options)).then(
      (socket) => connected?.(null, socket as Socket),
      (error) => connected?.(error, undefined as never),
    );
  }

  override destroy(): void {
    this.tunnels.destroy();
    super.destroy();
  }
}

class SecureTunnelAgent extends https.Agent {
  constructor(
    private readonly tunnels: Tunnels,
    private readonly trust: SecureContext | undefined,
  ) {
    super(KEPT);
  }

  override createConnection(options: https.RequestOptions, connected?: Connected): undefined {
    const target = targetOf(options);
    const { servername } = options;
    this.tunnels.open(target).then(
      (socket) =>
        connected?.(
          null,
          tls.connect({
            socket,
            host: target.host, // what the certificate has to be for
            ...(servername ? { servername } : {}),
            ...(this.trust === undefined ? {} : { secureContext: this.trust }),
          }),
        ),
      (error) => connected?.(error, undefined as never),
    );
  }

  override destroy(): void {
    this.tunnels.destroy();
    super.destroy();
  }
}

function targetOf({ host, port }: http.ClientRequestArgs): Target {
  return { host: host ?? "localhost", port: Number(port) };
}

/** Opens tunnels through one proxy (RFC 9110, CONNECT). */
class Tunnels {
  private readonly opening = new Set<ClientRequest>();

  constructor(
    private readonly proxy: ProxyAddress,
    private readonly trust: SecureContext | undefined,
  ) {}

  /** @throws HmsSyncClientError `proxy_refused`, or `unreachable` when the proxy itself cannot be reached. */
  open(target: Target): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const request = this.request(target);
      const timer = setTimeout(() => request.destroy(this.silent()), CONNECT_TIMEOUT_MS);
      this.opening.add(request);
      request.once("connect", (answer, socket) => {
        if (isSuccess(answer)) return resolve(socket);
        socket.destroy();
        reject(this.refused(target, answer));
      });
      request.on("error", (error: NodeJS.ErrnoException) => reject(this.unreachable(error)));
      request.once("close", () => {
        clearTimeout(timer);
        this.opening.delete(request);
      });
      request.end();
    });
  }

  /** Gives up tunnels that are not open yet. */
  destroy(): void {
    for (const request of this.opening) request.destroy();
  }

  private request({ host, port }: Target): ClientRequest {
    const { url, authorization } = this.proxy;
    const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    return (url.protocol === "https:" ? https : http).request({
      method: "CONNECT",
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port || (url.protocol === "https:" ? 443 : 80),
      path: authority,
      headers: {
        host: authority,
        ...(authorization === undefined ? {} : { "proxy-authorization": authorization }),
      },
      agent: false,
      ...(this.trust === undefined ? {} : { secureContext: this.trust }),
    });
  }

  private refused({ host, port }: Target, answer: IncomingMessage): HmsSyncClientError {
    const status = answer.statusCode ?? 0;
    const said = `${status} ${answer.statusMessage ?? ""}`.trim();
    return new HmsSyncClientError(
      "proxy_refused",
      `the proxy ${shownProxy(this.proxy.url)} does not connect to ${host}:${port} (${said}); ${remedy(status)}`,
      { status, retryable: status >= 500 || status === 408 || status === 429 },
    );
  }

  private silent(): HmsSyncClientError {
    return this.unreachable({ name: "", message: `silent for ${CONNECT_TIMEOUT_MS} ms` });
  }

  private unreachable(cause: NodeJS.ErrnoException): HmsSyncClientError {
    if (cause instanceof HmsSyncClientError) return cause;
    return new HmsSyncClientError(
      "unreachable",
      `no answer from the proxy ${shownProxy(this.proxy.url)} (${cause.code ?? cause.message}); check HTTPS_PROXY, or` +
        " name the bus in NO_PROXY when it can be reached without",
      { retryable: true, cause },
    );
  }
}

function isSuccess({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function remedy(status: number): string {
  if (status === 407) return "give it a user and password: HTTPS_PROXY=http://user:password@host:port";
  if (status >= 500) return "it is tried again";
  return "ask who runs it to allow this address, or name the bus in NO_PROXY";
}
