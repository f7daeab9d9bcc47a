import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import knex, { type Knex } from "knex";
import type { DatabaseServer } from "../support/database-server.js";
import { run } from "../support/process.js";
import type { ManagedProcess, ProcessPlan } from "./managed-process.js";
import { Supervised } from "./supervised.js";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.js";

const application = resolve(import.meta.dirname, "../laravel-app");
const scripts = resolve(import.meta.dirname, "laravel");

/** Name of the application as a producer. */
export const LARAVEL = "laravel";

/** What a Laravel database says of itself. */
export interface LaravelRecords {
  readonly source: string;
  /** Ids of the events whose transaction was committed. */
  readonly committed: ReadonlySet<string>;
  /** Ids of the events of the outbox, in the order in which they were written. */
  readonly outbox: readonly string[];
}

/** A real Laravel application with an outbox: the process that fires events, and relays, each supervised. */
export class LaravelNode {
  readonly producer = new Supervised();
  readonly relays: readonly Supervised[] = [new Supervised(), new Supervised()];

  private constructor(
    /** Between the application's processes and its database. */
    readonly proxy: TcpProxy,
    readonly db: Knex,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  /** An application with a database of its own on this server, its tables made. Nothing runs yet. */
  static async create(database: DatabaseServer, redisUrl: string): Promise<LaravelNode> {
    if (!existsSync(join(application, "vendor", "autoload.php")))
      throw new Error("the Laravel application is not installed; run node scripts/setup.mjs --php");
    const connection = await database.freshDatabase();
    const env = {
      ...{ APP_ENV: "testing", LOG_CHANNEL: "stderr", QUEUE_CONNECTION: "sync", REDIS_CLIENT: "phpredis" },
      ...{ DB_CONNECTION: "pgsql", DB_HOST: connection.host, DB_DATABASE: connection.database },
      ...{ DB_USERNAME: connection.user, DB_PASSWORD: connection.password, DB_PORT: String(connection.port) },
      ...{ BROADCAST_CONNECTION: "hms-sync", HMS_SYNC_OUTBOX: "true", HMS_SYNC_SOURCE: LARAVEL },
      ...{ HMS_SYNC_REDIS_URL: redisUrl },
    };
    await artisan(env, "migrate", "--force");
    const proxy = await startTcpProxy(connection.port);
    const db = knex({ ...database.config(connection), pool: { min: 0, max: 2 } });
    return new LaravelNode(proxy, db, { ...env, DB_PORT: String(proxy.port) });
  }

  async start(): Promise<void> {
    await Promise.all([this.startProducer(), this.startRelay(0)]);
  }

  /** The network is well, the producer and one relay run, and nothing stands still. */
  async restore(): Promise<void> {
    this.proxy.heal();
    for (const { process } of [this.producer, ...this.relays]) process.resume();
    if (!this.producer.process.isRunning) await this.startProducer();
    if (!this.relays[0]!.process.isRunning) await this.startRelay(0);
  }

  async startProducer(): Promise<void> {
    await this.producer.start({ ...this.plan("producer.php"), title: "laravel", listens: true });
  }

  /** `once`: further environment of its first life. */
  async startRelay(index: number, once: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.relays[index]!.start({ ...this.plan("relay.php"), title: `relay-${index + 1}` }, once);
  }

  /** Sends again what was sent since then, by the command that the bus's status names. Resolves with the ids. */
  async refill(since: string): Promise<string[]> {
    await artisan(this.env, "hms-sync:relay", `--since=${since}`);
    const rows = this.db("hms_sync_outbox").whereNotNull("relayed_at");
    const time = Date.parse(since);
    if (!Number.isNaN(time)) rows.where("relayed_at", ">=", new Date(time).toISOString().slice(0, 19));
    return await rows.pluck("event_id");
  }

  /** Rows of the outbox that wait to be sent. */
  async unsent(): Promise<number> {
    const [row] = await this.db("hms_sync_outbox").whereNull("relayed_at").count({ count: "*" });
    return Number(row?.count);
  }

  async records(): Promise<LaravelRecords> {
    const committed: string[] = await this.db("inspections")
      .whereNotNull("completed_by")
      .pluck("completed_by");
    const outbox: string[] = await this.db("hms_sync_outbox").orderBy("id").pluck("event_id");
    return { source: LARAVEL, committed: new Set(committed), outbox };
  }

  /** Its processes, by name. */
  parts(): { readonly name: string; readonly process: ManagedProcess }[] {
    const relays = this.relays.map(({ process }, index) => ({ name: `relay-${index + 1}`, process }));
    return [{ name: "laravel", process: this.producer.process }, ...relays];
  }

  /** What ended by itself and should not have; relays end after a while and are started again. */
  ends() {
    const ends = this.relays.flatMap(({ process }) => process.ends);
    return ends.filter(({ code, signal }) => code !== 0 && signal === null);
  }

  async close(): Promise<void> {
    await Promise.all([this.producer, ...this.relays].map((each) => each.kill9()));
    await this.db.destroy();
    await this.proxy.close();
  }

  private plan(script: string): Omit<ProcessPlan, "title"> {
    return { command: "php", args: [join(scripts, script)], cwd: application, env: this.env };
  }
}

async function artisan(env: Readonly<Record<string, string>>, ...words: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await run("php", [join(application, "artisan"), ...words], {
    cwd: application,
    env,
  });
  if (code !== 0) throw new Error(`php artisan ${words.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
}
