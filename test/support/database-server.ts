import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Knex } from "knex";
import { eventually } from "./eventually.js";
import { freePort } from "./port.js";
import { run } from "./process.js";

/** How a test's program connects to a database, as knex takes it. */
export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** A real database server on a free loopback port, its data in a temporary directory. It never waits for the disk:
 * what it committed outlives the end of its process, not that of the machine. */
export interface DatabaseServer {
  readonly title: string;
  readonly port: number;
  /** An empty database of its own, and how to reach it. `options` end the CREATE DATABASE. */
  freshDatabase(options?: string): Promise<Connection>;
  /** What knex needs for it. */
  config(connection: Connection): Knex.Config;
  /** Ends it at once and removes the data. Repeating it is harmless. */
  stop(): Promise<void>;
  /** As a crash of the server; the data stays for `restart()`. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data. */
  restart(): Promise<void>;
}

/** What one kind of server is told. */
export interface ServerKind {
  readonly title: string;
  /** Makes the data directory. */
  readonly initialize: (directory: string) => readonly string[];
  /** Runs the server in the foreground. */
  readonly serve: (directory: string, port: number) => readonly string[];
  /** The line with which it says that it takes connections. */
  readonly ready: RegExp;
  readonly portTaken: RegExp;
  /** Runs a statement as its superuser. */
  readonly admin: (directory: string, port: number, sql: string) => readonly string[];
  readonly createUser: string;
  /** Ends it at once, without damage to what it shares with other servers. */
  readonly signal: NodeJS.Signals;
  readonly config: (connection: Connection) => Knex.Config;
  /** Whether another user than root has to reach the directory. */
  readonly prepare?: (directory: string) => void;
}

const USER = "hms";

/** Starts a server and resolves when it answers. The caller stops it: one left behind fails the run. */
export async function startServer(kind: ServerKind): Promise<DatabaseServer> {
  const directory = mkdtempSync(join(tmpdir(), "db-"));
  kind.prepare?.(directory);
  await mustRun(kind.initialize(directory));
  for (let attempt = 1; ; attempt++) {
    const server = new Server(kind, directory, await freePort());
    try {
      await server.restart();
      await server.admin(kind.createUser);
      return server;
    } catch (error) {
      await server.kill();
      if (attempt === 20 || !server.portTaken) throw error; // two tests may have chosen one port
    }
  }
}

class Server implements DatabaseServer {
  private child: ChildProcess | undefined;
  private output = "";

  constructor(
    private readonly kind: ServerKind,
    private readonly directory: string,
    readonly port: number,
  ) {}

  get title(): string {
    return this.kind.title;
  }

  get portTaken(): boolean {
    return this.kind.portTaken.test(this.output);
  }

  async freshDatabase(options = ""): Promise<Connection> {
    const database = `hms_${randomBytes(6).toString("hex")}`;
    await this.admin(`CREATE DATABASE ${database} ${options}`);
    return { host: "127.0.0.1", port: this.port, user: USER, password: USER, database };
  }

  config(connection: Connection): Knex.Config {
    return this.kind.config(connection);
  }

  async admin(sql: string): Promise<void> {
    await mustRun(this.kind.admin(this.directory, this.port, sql));
  }

  async restart(): Promise<void> {
    this.output = "";
    const [command = "", ...args] = this.kind.serve(this.directory, this.port);
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], cwd: this.directory });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    await once(child, "spawn");
    this.child = child;
    await eventually(() => hasExited(child) || this.kind.ready.test(this.output), { timeoutMs: 60_000 });
    if (hasExited(child)) throw new Error(`${this.title} ended at once:\n${this.output}`);
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined || hasExited(child)) return;
    const exit = once(child, "exit");
    child.kill(this.kind.signal);
    await exit;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function mustRun([command = "", ...args]: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await run(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** The server ends with this process, even when that one is killed. */
export function untilParentDies(signal: string, ...more: readonly string[]): readonly string[] {
  const setpriv = "/usr/bin/setpriv";
  return existsSync(setpriv) ? [setpriv, "--pdeathsig", signal, ...more, "--"] : [];
}

/** Lets other users pass through the temporary directories of the run, which are this user's alone. */
export function openTheWayTo(directory: string): void {
  for (let at = dirname(directory); at.includes("/hms-sync-test-"); at = dirname(at)) {
    if (statSync(at).uid === process.getuid?.()) chmodSync(at, 0o711);
  }
}
