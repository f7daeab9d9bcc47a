import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** A TCP proxy that can be told to behave as a bad network does. Faults add up until `heal()`. */
export interface TcpProxy {
  readonly port: number;
  /** Ends every connection at once, in the middle of whatever it carries, and refuses new ones until `heal()`. */
  cut(): void;
  /** Ends every connection once; new ones are taken. */
  reset(): void;
  /** Everything arrives this much later, in both directions. */
  latency(ms: number): void;
  /** No more than this goes through each connection and direction in a second. */
  throttle(bytesPerSecond: number): void;
  /** The connections there are, and new ones, carry nothing and are not ended: the other side seems to be there. */
  halfOpen(): void;
  /** What is sent arrives; what is answered is lost. */
  loseReplies(): void;
  /** A part of the connections, by chance, carries nothing until `heal()`; nothing is lost. */
  clog(chosen: () => boolean): void;
  /** All is well again. Connections that lost bytes are reset, since what follows on them would be nonsense. */
  heal(): void;
  close(): Promise<void>;
}

/** Listens on a free loopback port and passes connections on to `target` (a port), connecting anew for each. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const proxy = new FaultyProxy(target);
  await proxy.listen();
  return proxy;
}

interface Weather {
  refuses: boolean;
  latencyMs: number;
  bytesPerSecond: number;
  silent: boolean;
  losesReplies: boolean;
}

const fair = (): Weather => ({
  refuses: false,
  latencyMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  silent: false,
  losesReplies: false,
});

/** One connection through the proxy. */
interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
  /** Bytes were lost on it. */
  spoilt: boolean;
  clogged: Promise<void> | undefined;
}

class FaultyProxy implements TcpProxy {
  private readonly server = createServer({ pauseOnConnect: true }, (socket) => this.accept(socket));
  private readonly links = new Set<Link>();
  private weather = fair();
  private unclog: () => void = () => undefined;

  constructor(private readonly target: number) {}

  async listen(): Promise<void> {
    await once(this.server.listen(0, "127.0.0.1"), "listening");
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  cut(): void {
    this.weather.refuses = true;
    this.reset();
  }

  reset(): void {
    for (const link of [...this.links]) this.end(link);
  }

  latency(ms: number): void {
    this.weather.latencyMs = ms;
  }

  throttle(bytesPerSecond: number): void {
    this.weather.bytesPerSecond = bytesPerSecond;
  }

  halfOpen(): void {
    this.weather.silent = true;
  }

  loseReplies(): void {
    this.weather.losesReplies = true;
  }

  clog(chosen: () => boolean): void {
    this.unclog();
    const until = new Promise<void>((resolve) => {
      this.unclog = resolve;
    });
    for (const link of this.links) if (chosen()) link.clogged = until;
  }

  heal(): void {
    this.weather = fair();
    this.unclog();
    for (const link of [...this.links]) {
      link.clogged = undefined;
      if (link.spoilt) this.end(link);
    }
  }

  async close(): Promise<void> {
    this.heal();
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.reset();
    await closed;
  }

  private accept(client: Socket): void {
    if (this.weather.refuses) {
      client.destroy();
      return;
    }
    const upstream = connect(this.target, "127.0.0.1");
    const link: Link = { client, upstream, spoilt: false, clogged: undefined };
    this.links.add(link);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on("error", () => this.end(link));
      socket.on("close", () => this.end(link));
    }
    this.pump(link, client, upstream, () => this.weather.silent);
    this.pump(link, upstream, client, () => this.weather.silent || this.weather.losesReplies);
  }

  private pump(link: Link, from: Socket, to: Socket, loses: () => boolean): void {
    let last = Promise.resolve();
    let waiting = 0;
    from.on("data", (chunk: Buffer) => {
      if (loses()) {
        link.spoilt = true;
        return;
      }
      const late = delay(this.weather.latencyMs);
      if (++waiting > 64) from.pause();
      const instant = waiting === 1 && this.isFair(link);
      const pass = instant ? this.write(to, chunk) : last.then(() => this.passSlowly(link, to, chunk, late));
      last = pass.finally(() => {
        if (--waiting <= 32) from.resume();
      });
    });
    from.on("end", () => void last.then(() => to.end()));
    from.resume();
  }

  private isFair(link: Link): boolean {
    const { latencyMs, bytesPerSecond } = this.weather;
    return link.clogged === undefined && latencyMs === 0 && bytesPerSecond === Number.POSITIVE_INFINITY;
  }

  private async passSlowly(link: Link, to: Socket, chunk: Buffer, late: Promise<void>): Promise<void> {
    await late;
    for (let at = 0; at < chunk.length; ) {
      await link.clogged;
      const { bytesPerSecond } = this.weather;
      const slice = Math.min(chunk.length - at, Math.max(1, Math.ceil(bytesPerSecond / 20)));
      await this.write(to, chunk.subarray(at, at + slice));
      at += slice;
      if (Number.isFinite(bytesPerSecond)) await delay(50);
    }
  }

  private async write(to: Socket, bytes: Buffer): Promise<void> {
    if (to.destroyed || to.writableEnded || to.write(bytes)) return;
    await Promise.race([once(to, "drain"), once(to, "close")]).catch(() => undefined); // its error ends the link
  }

  private end(link: Link): void {
    this.links.delete(link);
    link.client.destroy();
    link.upstream.destroy();
  }
}
