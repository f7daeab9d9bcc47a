import type { ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { HmsSyncError } from "../errors.js";
import { tryDataLock } from "./data-lock.js";
import {
  type RedisFiles,
  readAddress,
  type ServerAddress,
  type SpawnedServer,
  spawnServer,
} from "./embedded-server.js";

/** A connection to the embedded server that counts this sidecar among its users. It is not opened again when lost. */
export interface Session {
  readonly address: ServerAddress;
  readonly connection: Redis;
  /** Set when this process spawned the server. */
  readonly child: ChildProcess | undefined;
}

const USER_NAME = "hms-sync:embedded-user";
const LEAVING_NAME = "hms-sync:embedded-leaving";
const POLL_MS = 20;
const SILENCE_LIMIT_MS = 30_000;
const ANSWER_LIMIT_MS = 5_000;
const PORT_ATTEMPTS = 20;

/**
 * Whoever gets the lock on the data starts the server; whoever does not joins the holder's server as soon as it
 * answers, however long that loads its data.
 * @param port 0 takes any free one; a running server is joined whatever port it has.
 * @throws HmsSyncError `redis_missing`, `redis_port_taken`, `redis_start`; the signal's reason when aborted.
 */
export async function enterServer(files: RedisFiles, port: number, signal?: AbortSignal): Promise<Session> {
  const patience = new Patience(files);
  for (let portsTried = 0; portsTried < (port === 0 ? PORT_ATTEMPTS : 1); ) {
    signal?.throwIfAborted();
    const outcome = (await start(files, port)) ?? (await join(files));
    if (outcome === "port taken") portsTried++;
    else if ("connection" in outcome) return outcome;
    else await patience.wait(outcome);
  }
  throw new HmsSyncError(
    "redis_port_taken",
    `port ${port} of the embedded Redis is taken by another program; set HMS_SYNC_REDIS_PORT to a free port ` +
      "(0 picks one), or HMS_SYNC_REDIS_URL to use a Redis of your own",
  );
}

/** How many other sidecars use the server of this session. */
export async function otherUsers({ connection }: Session): Promise<number> {
  const own = String(await connection.client("ID"));
  const clients = String(await connection.client("LIST")).split("\n");
  return clients.filter((line) => line.includes(` name=${USER_NAME} `) && !line.startsWith(`id=${own} `))
    .length;
}

/**
 * Ends the session. The last user shuts the server down, which first syncs the AOF; of two that leave at once the
 * later one counts nobody, because each stops counting before it counts.
 * @returns true when the server was shut down or was gone already.
 * @throws HmsSyncError `redis_stop` when the server refuses or outlives `limitMs`.
 */
export async function leaveServer(session: Session, files: RedisFiles, limitMs = 30_000): Promise<boolean> {
  const { connection, child } = session;
  try {
    await connection.client("SETNAME", LEAVING_NAME);
    if ((await otherUsers(session)) > 0) return false;
    await shutDown(connection, limitMs);
  } catch (cause) {
    if (isReply(cause) || cause instanceof Timeout) {
      throw new HmsSyncError("redis_stop", `the embedded Redis does not end; see ${files.log}`, { cause });
    } // else the connection is gone, which the server's end closes last
  } finally {
    close(connection);
  }
  if (child !== undefined) await exitOf(child);
  return true;
}

/** Undefined when a server, or someone about to start one, holds the lock. */
async function start(files: RedisFiles, port: number): Promise<Session | "port taken" | undefined> {
  const lock = await tryDataLock(files.lock);
  if (lock === undefined) return undefined;
  let server: SpawnedServer;
  try {
    server = await spawnServer(files, port, lock);
  } finally {
    await lock.close(); // from here on the server alone holds it
  }
  const patience = new Patience(files);
  for (;;) {
    if (hasExited(server.child)) return await whyItEnded(server, files);
    const outcome = await connectTo(server.address, server.child);
    if ("connection" in outcome) return outcome;
    await patience.wait(outcome);
  }
}

async function join(files: RedisFiles): Promise<Session | NotYet> {
  const address = await readAddress(files);
  return address === undefined ? { loading: false } : await connectTo(address, undefined);
}

interface NotYet {
  /** It answers, but still reads its data. */
  readonly loading: boolean;
  readonly cause?: unknown;
}

/** Signs in and registers as a user. */
async function connectTo(address: ServerAddress, child: ChildProcess | undefined): Promise<Session | NotYet> {
  const { port, password } = address;
  const once = {
    lazyConnect: true,
    retryStrategy: null,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    disconnectTimeout: 100,
  };
  const connection = new Redis({ host: "127.0.0.1", port, password, ...once });
  connection.on("error", () => undefined); // each error also rejects a call below or ends the connection
  const giveUp = (): void => connection.disconnect();
  const timer = setTimeout(giveUp, ANSWER_LIMIT_MS); // another program at this port may say nothing at all
  child?.once("exit", giveUp);
  try {
    await connection.connect();
    if (!(await isOurs(connection, password))) throw new Error(`port ${port} belongs to another Redis`);
    await connection.client("SETNAME", USER_NAME);
    return { address, connection, child };
  } catch (cause) {
    close(connection);
    return { loading: isReply(cause) && /^(LOADING|BUSY)/.test(cause.message), cause };
  } finally {
    clearTimeout(timer);
    child?.off("exit", giveUp);
  }
}

/** That it let us in proves nothing: a Redis without a password takes any. That it has our password does. */
async function isOurs(connection: Redis, password: string): Promise<boolean> {
  await connection.ping(); // answers LOADING where CONFIG does not
  return String(await connection.config("GET", "requirepass")) === `requirepass,${password}`;
}

async function whyItEnded(server: SpawnedServer, files: RedisFiles): Promise<"port taken"> {
  const output = await server.output();
  if (/Address already in use/.test(output)) return "port taken";
  const lastLines = output.trimEnd().split("\n").slice(-5).join("\n");
  throw new HmsSyncError(
    "redis_start",
    `the embedded redis-server ended at its start; end of ${files.log}:\n${lastLines}`,
  );
}

/** Waits between two tries, for ever while the server loads, but not for one that gives no sign. */
class Patience {
  private lastSign = Date.now();

  constructor(private readonly files: RedisFiles) {}

  async wait({ loading, cause }: NotYet): Promise<void> {
    if (loading) this.lastSign = Date.now();
    if (Date.now() - this.lastSign > SILENCE_LIMIT_MS) {
      const message =
        `a redis-server holds ${this.files.lock} but does not let us in at the address of ${this.files.connection}; ` +
        `end it (it works in ${this.files.directory}) and start again`;
      throw new HmsSyncError("redis_start", message, { cause });
    }
    await delay(POLL_MS);
  }
}

class Timeout extends Error {}

/** Always rejects: with the server's refusal, with a Timeout, or because the connection ended with the server. */
async function shutDown(connection: Redis, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Timeout(`no end within ${limitMs} ms`)), limitMs);
  });
  try {
    await Promise.race([connection.call("SHUTDOWN", "NOSAVE"), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

async function exitOf(child: ChildProcess): Promise<void> {
  if (hasExited(child)) return;
  child.ref();
  await new Promise((resolve) => child.once("exit", resolve));
}

/** Only while open: ioredis would keep the process alive for 2 s to close an ended connection. */
function close(connection: Redis): void {
  if (connection.status !== "end") connection.disconnect();
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}
