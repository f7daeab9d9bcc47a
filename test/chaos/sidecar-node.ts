import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Answer, type BusFolder, cli } from "../support/bus.js";
import { freePort } from "../support/port.js";
import { ManagedProcess } from "./managed-process.js";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.js";

export type Environment = Readonly<Record<string, string | undefined>>;

/** How long a sidecar may take from its start to `ready`, on a machine that is busy with all else. */
const START_MS = 60_000;

/** A real sidecar process on a port of its own that it keeps, and the proxy that its callers go through. */
export class SidecarNode {
  readonly process = new ManagedProcess();
  /** Starts the process in another way, such as another build or under faketime: the command in front of its arguments. */
  command: readonly string[] = [process.execPath, cli];

  private constructor(
    readonly name: string,
    private readonly folder: BusFolder,
    readonly port: number,
    readonly proxy: TcpProxy,
    readonly env: Environment,
  ) {}

  static async create(name: string, folder: BusFolder, env: Environment): Promise<SidecarNode> {
    const port = await freePort();
    return new SidecarNode(name, folder, port, await startTcpProxy(port), {
      ...folder.env,
      HMS_SYNC_PORT: String(port),
      ...env,
    });
  }

  /** Past the proxy. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Through the proxy, as the bus's callers reach it. */
  get publicUrl(): string {
    return `http://127.0.0.1:${this.proxy.port}`;
  }

  /** Resolves when it says ready; `env` is added to what it always gets, for this life. */
  async start(env: Environment = {}): Promise<void> {
    await this.launch(env);
    await this.process.waitFor(/^ready http:\S+$/m, START_MS);
  }

  /** Starts it and does not wait until it is ready. */
  async launch(env: Environment = {}): Promise<void> {
    const [command = "", ...args] = this.command;
    await this.process.launch({
      title: this.name,
      command,
      args: [...args, "start"],
      cwd: this.folder.path,
      env: { ...this.env, ...env },
    });
  }

  kill9(): Promise<void> {
    return this.process.kill9();
  }

  /** SIGTERM, waits for its end. */
  term(): Promise<void> {
    return this.process.term();
  }

  pause(): void {
    this.process.pause();
  }

  resume(): void {
    this.process.resume();
  }

  /** The development token: admin's. All sidecars of the folder have it. */
  async token(): Promise<string> {
    return (await readFile(join(this.folder.path, ".hms-sync", "token"), "utf8")).trim();
  }

  /** A call past the proxy with the development token, as `consumer` when given. */
  async call(method: string, path: string, body?: unknown, consumer?: string): Promise<Answer> {
    return await callBus(`${this.url}${path}`, method, { token: await this.token(), body, consumer });
  }

  async close(): Promise<void> {
    await this.process.kill9();
    await this.proxy.close();
  }
}

export interface Call {
  readonly token: string;
  readonly body?: unknown;
  /** The body as text, where its bytes matter. */
  readonly text?: string;
  readonly consumer?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** One HTTP call; rejects when there is no whole answer in time (20 s). */
export async function callBus(url: string, method: string, call: Call): Promise<Answer> {
  const { token, body, consumer, headers = {}, timeoutMs = 20_000 } = call;
  const text = call.text ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(text === undefined ? {} : { "content-type": "application/json" }),
      ...(consumer === undefined ? {} : { "hms-sync-consumer": consumer }),
      ...headers,
    },
    ...(text === undefined ? {} : { body: text }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  const answer = await response.text();
  const type = response.headers.get("content-type") ?? "";
  const isJson = type.includes("json") && !type.includes("ndjson");
  return { status: response.status, body: isJson ? JSON.parse(answer) : answer };
}
