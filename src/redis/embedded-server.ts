import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { chmod, type FileHandle, mkdir, open, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { HmsSyncError } from "../errors.js";

/** The files of the embedded Redis under the state directory; nobody but the owner may enter their folder. */
export interface RedisFiles {
  readonly directory: string;
  /** Locked as long as a redis-server runs on the data. */
  readonly lock: string;
  /** Port, password and URL of the server that runs, or ran last. */
  readonly connection: string;
  readonly password: string;
  readonly log: string;
}

/** How to reach a server; also the content of `connection.json`, which local producers read. */
export interface ServerAddress {
  readonly url: string;
  readonly port: number;
  readonly password: string;
}

/** A server that this process has just spawned; it may still be loading its data. */
export interface SpawnedServer {
  readonly address: ServerAddress;
  readonly child: ChildProcess;
  /** What it has printed since it was spawned. */
  output(): Promise<string>;
}

const MAX_LOG_BYTES = 5 * 1024 * 1024;

/** Makes the folder `redis` under the state directory, closed to other users: the data holds payloads. */
export async function prepareFiles(stateDir: string): Promise<RedisFiles> {
  const directory = join(stateDir, "redis");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const file = (name: string): string => join(directory, name);
  return {
    directory,
    lock: file("lock"),
    connection: file("connection.json"),
    password: file("password"),
    log: file("redis.log"),
  };
}

/**
 * Starts redis-server on the data. Call it with the lock: the server inherits it and keeps it until it ends. The
 * address is on disk before the server is there, so one whose parent died at once is found all the same.
 * @param port 0 picks one at random; the server may find it taken.
 */
export async function spawnServer(files: RedisFiles, port: number, lock: FileHandle): Promise<SpawnedServer> {
  const password = await readOrMakePassword(files.password);
  const actualPort = port === 0 ? randomInt(15_000, 32_000) : port; // below the ports of outgoing connections
  const url = `redis://:${password}@127.0.0.1:${actualPort}/0`;
  const address = { url, port: actualPort, password };
  await writeSecret(files.connection, `${JSON.stringify(address)}\n`);
  await writeSecret(join(files.directory, "redis.conf"), serverConfig(address));
  await keepLogSmall(files.log);
  const log = await open(files.log, "a", 0o600);
  try {
    const start = (await log.stat()).size;
    const child = await launch(files.directory, log, lock);
    return { address, child, output: async () => (await readFile(files.log)).subarray(start).toString() };
  } finally {
    await log.close();
  }
}

/** The address of the server that runs on the data, as far as one was ever started. */
export async function readAddress(files: RedisFiles): Promise<ServerAddress | undefined> {
  try {
    return JSON.parse(await readFile(files.connection, "utf8")) as ServerAddress;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new HmsSyncError("redis_start", `${files.connection} cannot be read; remove it`, { cause: error });
  }
}

/** Detached: Ctrl-C in the terminal reaches the sidecar only, which then stops Redis after its own work. */
async function launch(directory: string, log: FileHandle, lock: FileHandle): Promise<ChildProcess> {
  const stdio = ["ignore", log.fd, log.fd, lock.fd] as const;
  const child = spawn("redis-server", ["redis.conf"], { cwd: directory, detached: true, stdio: [...stdio] });
  child.unref();
  try {
    await once(child, "spawn");
    return child;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    throw new HmsSyncError(
      "redis_missing",
      "redis-server is not installed; install it (apt-get install redis-server, brew install redis) " +
        "or set HMS_SYNC_REDIS_URL to a Redis of your own",
      { cause },
    );
  }
}

/** A file, not arguments: the password would stand in the list of processes. Paths are relative to the folder. */
function serverConfig({ port, password }: ServerAddress): string {
  return `# Written by hms-sync at each start; changes are lost.
bind 127.0.0.1
port ${port}
protected-mode yes
requirepass ${password}
dir ./
logfile redis.log
always-show-logo no
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
`;
}

/** Redis writes little to its log, but for years; the last file before this one is kept. */
async function keepLogSmall(path: string): Promise<void> {
  const { size } = await stat(path).catch(() => ({ size: 0 })); // no log yet
  if (size > MAX_LOG_BYTES) await rename(path, `${path}.1`);
}

async function readOrMakePassword(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const password = randomBytes(32).toString("hex");
    await writeSecret(path, `${password}\n`);
    return password;
  }
}

/** Whole or not at all, and readable by the owner only from the first byte on. */
async function writeSecret(path: string, content: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, content, { mode: 0o600 });
  await rename(temporary, path);
}
