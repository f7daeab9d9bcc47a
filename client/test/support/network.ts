import { createServer as createHttpServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect as connectTo, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import type { Certificates } from "./certificates.js";

function portOf(server: { address(): unknown }): number {
  return (server.address() as AddressInfo).port;
}

/** TLS in front of a server that speaks none. */
export class TlsFront {
  private readonly sockets = new Set<Duplex>();
  private readonly server: TlsServer;

  constructor(certificates: Certificates, target: () => number) {
    this.server = createTlsServer({ key: certificates.key, cert: certificates.cert }, (socket) => {
      join(socket, connectTo(target(), "127.0.0.1"), this.sockets);
    });
    this.server.on("tlsClientError", () => undefined); // a client that does not trust us
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get port(): number {
    return portOf(this.server);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** What a proxy answers instead of connecting, or `silent` for nothing. */
export type Refusal = { readonly status: number; readonly text: string } | "silent";

/** A proxy that knows CONNECT only, and takes whoever is asked for to be on this machine. */
export class ConnectProxy {
  readonly asked: { target: string; authorization: string | undefined }[] = [];
  /** Answers to the next CONNECTs; those after them are connected. */
  readonly refusals: Refusal[] = [];
  private readonly sockets = new Set<Duplex>();
  private readonly server: Server;

  constructor(certificates?: Certificates) {
    this.server =
      certificates === undefined
        ? createHttpServer()
        : createHttpsServer({ key: certificates.key, cert: certificates.cert });
    this.server.on("connect", (request: IncomingMessage, socket: Socket) => this.connect(request, socket));
    this.server.on("connection", (socket: Socket) => this.keep(socket));
  }

  async start(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    return this;
  }

  get port(): number {
    return portOf(this.server);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private connect(request: IncomingMessage, socket: Socket): void {
    const target = request.url ?? "";
    this.asked.push({ target, authorization: request.headers["proxy-authorization"] });
    const refusal = this.refusals.shift();
    if (refusal === "silent") return;
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal.status} ${refusal.text}\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const upstream = connectTo(Number(target.split(":").at(-1)), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    });
    join(socket, upstream, this.sockets);
  }

  private keep(socket: Duplex): void {
    this.sockets.add(socket);
    socket.on("error", () => undefined).once("close", () => this.sockets.delete(socket));
  }
}

function join(one: Duplex, other: Duplex, kept: Set<Duplex>): void {
  for (const [socket, peer] of [
    [one, other],
    [other, one],
  ] as const) {
    kept.add(socket);
    socket.on("error", () => peer.destroy());
    socket.once("close", () => {
      kept.delete(socket);
      peer.destroy();
    });
  }
  one.pipe(other).pipe(one);
}
