import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { root } from "../lib/paths.mjs";
import { outputOf } from "../lib/run.mjs";
import { plainEnvironment } from "./bus.mjs";
import { endedEarly } from "./processes.mjs";

const ARTISAN = join(root, "test", "laravel-app", "artisan");

/** The Laravel application, with a database in the demo's folder and the bus's Redis as its own; `token` is hms-api's. */
export class Laravel {
  constructor(processes, bus, token) {
    this.processes = processes;
    this.database = join(processes.folder, "hms.sqlite");
    this.client = outputOf("php", ["-r", "echo extension_loaded('redis');"]) === "1" ? "phpredis" : "predis";
    this.env = {
      ...plainEnvironment(),
      ...{ APP_ENV: "local", LOG_CHANNEL: "stderr", QUEUE_CONNECTION: "sync" },
      ...{ DB_CONNECTION: "sqlite", DB_DATABASE: this.database, COMPOSER_VENDOR_DIR: "vendor" },
      ...{ BROADCAST_CONNECTION: "hms-sync", HMS_SYNC_REDIS_URL: bus.redis.url, REDIS_CLIENT: this.client },
      ...{ HMS_SYNC_URL: bus.url, HMS_SYNC_TOKEN: token },
    };
  }

  /** Makes the tables where there are none. */
  async migrate() {
    closeSync(openSync(this.database, "a"));
    for await (const _ of this.#artisan("migrate", "--force"));
  }

  /** Completes inspections; gives `{id, at}` for each when its event() has returned. */
  async *complete(ids) {
    for await (const line of this.#artisan("inspections:complete", ...ids, "--json", "--interval-ms=250")) {
      if (line.startsWith("{")) yield JSON.parse(line);
    }
  }

  /**
   * Starts hms-sync:listen, which brings other systems' events in. With the outbox: what its listeners broadcast is
   * committed together with what they write.
   */
  listen() {
    const env = { ...this.env, HMS_SYNC_OUTBOX: "true" };
    return this.processes.start("listen", "php", [ARTISAN, "--no-ansi", "hms-sync:listen"], env);
  }

  async *#artisan(...args) {
    const started = this.processes.start(
      "laravel",
      "php",
      [ARTISAN, "--no-ansi", ...args.map(String)],
      this.env,
    );
    yield* started.lines;
    const outcome = await started.ended;
    if (outcome !== 0) throw endedEarly(started, outcome);
  }
}
