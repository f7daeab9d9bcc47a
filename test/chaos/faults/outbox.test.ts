import { existsSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type BusFolder, busFolder, type RunningBus, startBus } from "../../support/bus.js";
import { eventually } from "../../support/eventually.js";
import { run } from "../../support/process.js";
import { RedisNode } from "../redis-node.js";

// A real Laravel with its outbox, and a Redis that loses the end of its append-only file.
const application = resolve(import.meta.dirname, "../../laravel-app");
const topic = "inspections.status";
const topics = ["inspections.status", "inspections.schedule"]
  .map(
    (name) =>
      `${name}: {qos: exactly_once, retention: 7d, schema: v1, producers: [hms-api], consumers: [city-health]}\n`,
  )
  .join("");

let redis: RedisNode;
let folder: BusFolder;
let env: Record<string, string>;

beforeEach(async () => {
  redis = await RedisNode.create();
  folder = await busFolder(topics, ["inspections.status", "inspections.schedule"]);
  const database = join(folder.path, "hms.sqlite");
  writeFileSync(database, "");
  env = {
    ...{ APP_ENV: "testing", LOG_CHANNEL: "stderr", DB_DATABASE: database, QUEUE_CONNECTION: "sync" },
    ...{ BROADCAST_CONNECTION: "hms-sync", HMS_SYNC_OUTBOX: "true", REDIS_CLIENT: "phpredis" },
    ...{ HMS_SYNC_REDIS_URL: redis.url, HMS_SYNC_RELAY_AFTER_RESPONSE: "false" },
  };
});
afterEach(async () => {
  await redis.close();
  folder.remove();
});

async function artisan(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await run("php", [join(application, "artisan"), ...words], {
    cwd: application,
    env,
  });
  expect([words[0], code, code === 0 ? "" : stdout + stderr]).toEqual([words[0], 0, ""]);
  return stdout;
}

async function complete(from: number, to: number): Promise<void> {
  const ids = Array.from({ length: to - from + 1 }, (_, n) => String(from + n));
  await artisan("inspections:complete", ...ids);
  await artisan("hms-sync:relay", "--stop-when-empty");
}

async function inspections(bus: RunningBus): Promise<number[]> {
  const { body } = await bus.call("GET", `/v1/topics/${topic}/events?since=0&follow=false`);
  const lines = (body as string).split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line).payload.inspectionId).sort((a, b) => a - b);
}

test.skipIf(!existsSync(join(application, "vendor", "autoload.php")))(
  "the command that the status names makes the outbox send again what Redis lost, and nothing is in the ledger twice",
  async () => {
    const bus = await startBus(folder, { HMS_SYNC_REDIS_URL: redis.url });
    await artisan("migrate", "--force");
    await complete(1, 10);
    await eventually(async () => (await inspections(bus)).length === 10, { timeoutMs: 30_000 });
    const { size } = statSync(redis.aofTail);
    await complete(11, 30);
    await eventually(async () => (await inspections(bus)).length === 30, { timeoutMs: 30_000 });

    await redis.kill9();
    truncateSync(redis.aofTail, size);
    await redis.start();
    const status = async () => (await bus.call("GET", "/v1/status")).body;
    await eventually(async () => (await status()).ledger_went_back?.length > 0, { timeoutMs: 30_000 });
    expect((await inspections(bus)).length).toBeLessThan(30);
    const [, since] = /php artisan hms-sync:relay --since=(\S+)\)/.exec(
      (await status()).problems.join("\n"),
    )!;

    await artisan("hms-sync:relay", `--since=${since}`);
    const all = Array.from({ length: 30 }, (_, n) => n + 1);
    await eventually(async () => (await inspections(bus)).length === 30, { timeoutMs: 30_000 });
    expect(await inspections(bus)).toEqual(all);
    await bus.process.kill("SIGTERM");
  },
  180_000,
);
