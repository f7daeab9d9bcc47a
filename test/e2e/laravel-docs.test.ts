import { readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type BusFolder, busFolder, type RunningBus, startBus } from "../support/bus.js";
import { embeddedRedisUrl } from "../support/laravel.js";
import { run } from "../support/process.js";

// The commands of docs/laravel, typed in a copy of the sample application beside a running bus.
const root = resolve(import.meta.dirname, "../..");
const pages = join(root, "docs/laravel");

/** The lines of the indented blocks that call artisan. */
const commands = readdirSync(pages).flatMap((page) =>
  [...readFileSync(join(pages, page), "utf8").matchAll(/^ {4}(php artisan .*)$/gm)].map(([, line]) => line!),
);

/** What runs until it is stopped gets the option that ends it when nothing is left. */
const ends: Readonly<Record<string, string>> = {
  "php artisan hms-sync:listen": "--stop-when-empty",
  "php artisan hms-sync:relay": "--stop-when-empty",
  "php artisan hms-sync:relay --since=24h": "--stop-when-empty",
  "php artisan migrate": "--force",
};
/** What needs a database that this application does not have: tested in php-driver/tests/Outbox. */
const elsewhere = [
  "php artisan migrate --database=reporting --path=vendor/hms-sync/laravel/database/migrations/outbox",
];

let folder: BusFolder;
let bus: RunningBus;
let app: string;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await busFolder("", []);
  await cp(join(root, "topics.yaml"), join(folder.path, "topics.yaml"));
  await cp(join(root, "schemas"), join(folder.path, "schemas"), { recursive: true });
  bus = await startBus(folder);
  app = join(folder.path, "app");
  await copyApplication();
  const { body } = await bus.call("POST", "/v1/keys", { system: "hms-api" });
  const database = join(folder.path, "hms.sqlite");
  await writeFile(database, "");
  env = {
    ...{ APP_ENV: "local", LOG_CHANNEL: "stderr", DB_DATABASE: database, BROADCAST_CONNECTION: "hms-sync" },
    ...{ HMS_SYNC_URL: bus.url, HMS_SYNC_TOKEN: body.token, HMS_SYNC_OUTBOX: "true" },
    ...{ HMS_SYNC_REDIS_URL: await embeddedRedisUrl(folder), REDIS_CLIENT: "phpredis" },
  };
}, 60_000);
afterAll(async () => {
  await bus.process.kill("SIGTERM");
  await bus.process.exited;
  folder.remove();
});

/** The application without its packages, which are linked: commands may write into it. */
async function copyApplication(): Promise<void> {
  const original = join(root, "test/laravel-app");
  await mkdir(app);
  for (const name of readdirSync(original)) {
    if (/^vendor/.test(name)) continue;
    await cp(join(original, name), join(app, name), { recursive: true, verbatimSymlinks: true });
  }
  await symlink(join(original, "vendor"), join(app, "vendor"));
  await writeFile(join(app, ".env"), "");
}

const typed = async (line: string) => {
  const { code, stdout, stderr } = await run("sh", ["-c", `${line} ${ends[line] ?? ""} --no-interaction`], {
    cwd: app,
    env,
  });
  return { line, code, output: stdout + stderr };
};

test("every artisan command of the pages works as it is written, in an application that was migrated", async () => {
  expect(commands).toContain("php artisan hms-sync:doctor");
  expect((await typed("php artisan migrate")).code).toBe(0);
  const lines = [...new Set(commands)].filter((line) => !elsewhere.includes(line));
  // Maintenance mode ends where it began; `install` changes what the others read.
  const last = ["php artisan down", "php artisan up", "php artisan hms-sync:install"];
  const order = [
    ...lines.filter((line) => !last.includes(line)),
    ...last.filter((line) => lines.includes(line)),
  ];
  for (const line of order) {
    const { code, output } = await typed(line);
    expect([line, code, code === 0 ? "" : output]).toEqual([line, 0, ""]);
  }
}, 90_000);
