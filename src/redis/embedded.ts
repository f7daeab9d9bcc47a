import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { Logger } from "../log.js";
import { prepareFiles, type RedisFiles } from "./embedded-server.js";
import { enterServer, leaveServer, otherUsers, type Session } from "./embedded-session.js";

export interface EmbeddedRedisOptions {
  readonly stateDir: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly log: Logger;
}

/**
 * The private redis-server of a state directory: loopback, password, AOF with appendfsync always, noeviction.
 * Sidecars on one state directory share the server, whoever started it, and so does one that follows a killed one.
 * The last to stop shuts it down; if it dies before that, whichever notices first starts it again on the same port.
 */
export interface EmbeddedRedis {
  /** With the password in it: not for logs. */
  readonly url: string;
  readonly port: number;
  /**
   * Leaves the server and, as its last user, shuts it down and waits for its end. Close all other connections first.
   * Repeating it is harmless.
   * @throws HmsSyncError `redis_stop` when the server refuses or takes more than 30 s.
   */
  stop(): Promise<void>;
}

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 10_000;
const STABLE_MS = 30_000; // a server that lived this long did not die of its start

/**
 * Starts the embedded Redis, or joins the one that already runs on this state directory, and resolves when it
 * answers. A server left on another port than `port` is moved there unless another sidecar uses it.
 * @throws HmsSyncError `redis_missing`, `redis_port_taken`, or `redis_start` with the server's own last words.
 */
export async function startEmbeddedRedis(options: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
  const { log, port } = options;
  const files = await prepareFiles(options.stateDir);
  const session = await onPort(port, await enterServer(files, port), files, log);
  const what = session.child === undefined ? "joined the embedded Redis that runs" : "embedded Redis started";
  log.info(what, { port: session.address.port, directory: files.directory });
  return new Supervisor(session, files, log);
}

async function onPort(port: number, session: Session, files: RedisFiles, log: Logger): Promise<Session> {
  if (port === 0 || session.address.port === port) return session;
  const fields = { port: session.address.port, wanted: port };
  if ((await otherUsers(session)) > 0) {
    log.warn("the embedded Redis stays on its port while another sidecar uses it", fields);
    return session;
  }
  log.info("moving the embedded Redis to its new port", fields);
  await leaveServer(session, files);
  return await enterServer(files, port);
}

class Supervisor implements EmbeddedRedis {
  readonly url: string;
  readonly port: number;
  private readonly stopping = new AbortController();
  private readonly watching: Promise<void>;
  private stopped: Promise<void> | undefined;

  constructor(
    private session: Session,
    private readonly files: RedisFiles,
    private readonly log: Logger,
  ) {
    this.url = session.address.url;
    this.port = session.address.port;
    this.watching = this.watch();
  }

  stop(): Promise<void> {
    this.stopped ??= this.leave();
    return this.stopped;
  }

  private async leave(): Promise<void> {
    this.stopping.abort();
    await this.watching;
    const ended = await leaveServer(this.session, this.files);
    this.log.info(ended ? "embedded Redis stopped" : "the embedded Redis stays for another sidecar", {
      port: this.port,
    });
  }

  private async watch(): Promise<void> {
    for (let failures = 0; ; failures++) {
      const since = Date.now();
      await ended(this.session.connection, this.stopping.signal);
      if (this.stopping.signal.aborted) return;
      if (Date.now() - since > STABLE_MS) failures = 0;
      this.log.error("lost the embedded Redis; starting it again", { port: this.port, log: this.files.log });
      failures = await this.revive(failures);
    }
  }

  /** Tries until the server answers on the same port or the sidecar stops; gives the failures in a row. */
  private async revive(failures: number): Promise<number> {
    const { signal } = this.stopping;
    for (let count = failures; ; count++) {
      try {
        if (count > 0)
          await delay(Math.min(FIRST_BACKOFF_MS * 2 ** count, MAX_BACKOFF_MS), undefined, { signal });
        this.session = await enterServer(this.files, this.port, signal);
        this.log.warn("the embedded Redis answers again", { port: this.port, failures: count });
        return count;
      } catch (error) {
        if (signal.aborted) return count;
        this.log.error("the embedded Redis does not start; trying again", {
          port: this.port,
          failures: count + 1,
          error,
        });
      }
    }
  }
}

/** Resolves when the connection has ended or the signal aborts. */
function ended(connection: Redis, signal: AbortSignal): Promise<void> {
  if (connection.status === "end" || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    connection.once("end", resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
