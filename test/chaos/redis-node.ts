import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { eventually } from "../support/eventually.js";
import { freePort } from "../support/port.js";
import { ManagedProcess } from "./managed-process.js";

/** A time during which Redis was not there, or did not answer (ms since the epoch). */
export interface Outage {
  readonly from: number;
  to: number | undefined;
}

/** A real redis-server that keeps its port and directory through all its lives. AOF, appendfsync always, noeviction. */
export class RedisNode {
  readonly process = new ManagedProcess();
  readonly outages: Outage[] = [];
  private connection: Redis | undefined;

  private constructor(
    readonly directory: string,
    readonly port: number,
  ) {}

  static async create(config: readonly string[] = []): Promise<RedisNode> {
    const directory = mkdtempSync(join(tmpdir(), "redis-"));
    const node = new RedisNode(directory, await freePort());
    await node.start(config);
    return node;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** A connection of the harness's own, past the proxy; it comes back when Redis does. */
  get client(): Redis {
    this.connection ??= new Redis(this.port, "127.0.0.1", {
      maxRetriesPerRequest: null,
      retryStrategy: () => 100,
    }).on("error", () => undefined); // Redis goes away here as it pleases
    return this.connection;
  }

  get aofDirectory(): string {
    return join(this.directory, "appendonlydir");
  }

  /** The file that grows: `appendonly.aof.<n>.incr.aof` with the highest n. */
  get aofTail(): string {
    const names = existsSync(this.aofDirectory) ? readdirSync(this.aofDirectory) : [];
    const numbered = names.flatMap((name) => {
      const match = /\.(\d+)\.incr\.aof$/.exec(name);
      return match === null ? [] : [{ name, number: Number(match[1]) }];
    });
    const last = numbered.sort((one, other) => other.number - one.number)[0];
    if (last === undefined) throw new Error(`${this.aofDirectory} holds no append-only file`);
    return join(this.aofDirectory, last.name);
  }

  /** Starts on the same port and data. `config`: further arguments, `["--maxmemory", "50mb"]`. */
  async start(config: readonly string[] = []): Promise<void> {
    mkdirSync(this.directory, { recursive: true });
    await this.process.launch({
      title: "redis-server",
      command: "redis-server",
      args: [
        ...["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.directory, "--save", ""],
        ...["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"],
        ...["--loglevel", "warning", "--daemonize", "no", ...config],
      ],
      cwd: this.directory,
    });
    this.ended(); // sidecars may reach it before this harness does
    await eventually(() => this.answers(), { timeoutMs: 30_000, everyMs: 50 });
  }

  async kill9(): Promise<void> {
    this.began();
    await this.process.kill9();
  }

  /** SIGTERM. */
  async stop(): Promise<void> {
    this.began();
    await this.process.term();
  }

  pause(): void {
    this.began();
    this.process.pause();
  }

  resume(): void {
    this.ended();
    this.process.resume();
  }

  /** Forgets all: the data directory is empty at the next start. Only while it does not run. */
  wipe(): void {
    rmSync(this.directory, { recursive: true, force: true });
    mkdirSync(this.directory, { recursive: true });
  }

  /** Ends it for good and removes its data. */
  async close(): Promise<void> {
    this.connection?.disconnect();
    await this.process.kill9();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  private began(): void {
    if (this.outages.at(-1)?.to !== undefined || this.outages.length === 0)
      this.outages.push({ from: Date.now(), to: undefined });
  }

  private ended(): void {
    const last = this.outages.at(-1);
    if (last !== undefined) last.to ??= Date.now();
  }

  private async answers(): Promise<boolean> {
    if (!this.process.isRunning) throw new Error(`redis-server ended:\n${this.process.outputOfThisLife()}`);
    const probe = new Redis(this.port, "127.0.0.1", {
      lazyConnect: true,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
    }).on("error", () => undefined); // told by the rejected call
    try {
      await probe.connect();
      return (await probe.ping()) === "PONG";
    } finally {
      probe.disconnect();
    }
  }
}
