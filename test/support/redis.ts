import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.js";
import { freePort } from "./port.js";

export interface TestRedisOptions {
  /** AOF with appendfsync always, so that what was acknowledged outlives `kill9()`. Off: nothing outlives the process. */
  readonly appendonly?: boolean;
  /** Further arguments of redis-server, `["--maxmemory-policy", "allkeys-lru"]`. */
  readonly args?: readonly string[];
}

/** A real redis-server on a port of its own, its data in a temporary directory. */
export interface TestRedis {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** SIGTERM, waits for the exit and removes the data. Repeating it is harmless. */
  stop(): Promise<void>;
  /** SIGKILL as the kernel would; the data stays for `restart()`. */
  kill9(): Promise<void>;
  /** Starts again on the same port and data; a running server is stopped first. */
  restart(): Promise<void>;
}

/** Starts a server and resolves when it answers. The caller stops it: one left behind fails the run. */
export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const directory = mkdtempSync(join(tmpdir(), "redis-"));
  for (let attempt = 1; ; attempt++) {
    const server = new Server(directory, await freePort(), options);
    try {
      await server.start();
      return server;
    } catch (error) {
      if (attempt === 20 || !server.portTaken) throw error; // two tests may have chosen one port
    }
  }
}

class Server implements TestRedis {
  private child: ChildProcess | undefined;
  private output = "";

  constructor(
    private readonly directory: string,
    readonly port: number,
    private readonly options: TestRedisOptions,
  ) {}

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.child?.pid ?? -1;
  }

  get portTaken(): boolean {
    return /Address already in use/.test(this.output);
  }

  async start(): Promise<void> {
    this.output = "";
    const child = spawn("redis-server", this.commandLine(), { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    await once(child, "spawn");
    this.child = child;
    await this.ready(child);
  }

  async stop(): Promise<void> {
    await this.end("SIGTERM");
    rmSync(this.directory, { recursive: true, force: true });
  }

  kill9(): Promise<void> {
    return this.end("SIGKILL");
  }

  async restart(): Promise<void> {
    await this.end("SIGTERM");
    await this.start();
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    if (child === undefined || hasExited(child)) return;
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  }

  /** Our own server says that it is ready before anyone is asked: at a taken port the other server would answer. */
  private async ready(child: ChildProcess): Promise<void> {
    await eventually(() => hasExited(child) || /Ready to accept connections/.test(this.output), {
      timeoutMs: 20_000,
    });
    if (hasExited(child)) throw new Error(`redis-server on port ${this.port} ended at once:\n${this.output}`);
    await eventually(async () => /^(\+PONG|-NOAUTH)/.test(await ping(this.port)));
  }

  private commandLine(): string[] {
    const { appendonly = false, args = [] } = this.options;
    const durability = appendonly
      ? ["--appendonly", "yes", "--appendfsync", "always"]
      : ["--appendonly", "no"];
    const place = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.directory, "--save", ""];
    return [...place, ...durability, ...args];
  }
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function ping(port: number): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  try {
    socket.write("PING\r\n");
    const [reply] = (await once(socket, "data")) as [Buffer];
    return reply.toString();
  } finally {
    socket.destroy();
  }
}
