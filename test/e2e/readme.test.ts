import { readFileSync } from "node:fs";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { select } from "../support/adapters.js";
import { type BusFolder, busFolder, cli, type RunningBus, startBus } from "../support/bus.js";
import { embeddedRedisUrl } from "../support/laravel.js";
import { run, spawnNode } from "../support/process.js";
import { blocks, commands, readme } from "../support/readme.js";

const root = resolve(import.meta.dirname, "../..");
const text = readme();
const typed = commands(text);
const wayBack = typed.filter((line) => /^(curl|php artisan) /.test(line));
let folder: BusFolder;
let bus: RunningBus;

beforeAll(async () => {
  folder = await busFolder("", []);
  await cp(join(root, "topics.yaml"), join(folder.path, "topics.yaml"));
  await cp(join(root, "schemas"), join(folder.path, "schemas"), { recursive: true });
  // What `topics diff` compares with: the last commit.
  const git = (...words: string[]) =>
    run("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", ...words], { cwd: folder.path });
  for (const words of [["init"], ["add", "topics.yaml", "schemas"], ["commit", "-m", "topics"]])
    expect((await git(...words)).code).toBe(0);
  bus = await startBus(folder);
});
afterAll(async () => {
  await bus.process.kill("SIGTERM");
  await bus.process.exited;
  folder.remove();
});

/** Types a line of the README into a shell, with `npx hms-sync` as set-up links it. */
async function type(line: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const words = line.replace(/^npx hms-sync/, `"${process.execPath}" "${cli}"`);
  return await run("sh", ["-c", words], {
    cwd: folder.path,
    env: { ...folder.env, HMS_SYNC_URL: bus.url, HMS_SYNC_TOKEN: bus.token },
  });
}

test("every command block is known here: the bus's own are typed below, the others have tests of their own", () => {
  const elsewhere = [
    "npm run demo", // test/e2e/demo.test.ts
    "npm test", // what runs this
    "npm start", // test/integration/cli
    "composer config repositories.hms-sync path ../hms-sync/php-driver", // below
    'composer require "hms-sync/laravel:*@dev"',
    ...wayBack, // below
    ...commands(readme("Add a system")).filter((line) => !line.startsWith("npx hms-sync")), // test/e2e/newcomer.test.ts
  ];
  expect(typed.filter((line) => !line.startsWith("npx hms-sync"))).toEqual(elsewhere);
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  for (const name of ["demo", "test", "start", "bench", "check"]) expect(scripts[name]).toBeTypeOf("string");
});

test("the bus's commands, typed in their order, do what the text says", async () => {
  const outputs = new Map<string, string>();
  for (const line of typed.filter((each) => each.startsWith("npx hms-sync"))) {
    const { code, stdout, stderr } = await type(line);
    expect([line, code, code === 0 ? "" : stderr]).toEqual([line, 0, ""]);
    outputs.set(line.split(" ").slice(2, 4).join(" "), stdout);
  }
  const [envelope] = outputs.get("subscribe inspections.status")!.trim().split("\n");
  expect(JSON.parse(envelope!)).toMatchObject({
    topic: "inspections.status",
    payload: { inspectionId: 99, newStatus: "Completed" },
    qos: "exactly_once",
    source: "cli",
  });
  expect(outputs.get("topics diff")).toContain("no difference");
  expect(readFileSync(join(folder.path, "catalogue/index.html"), "utf8")).toContain("inspections.status");
  expect(outputs.get("status")).toContain("city-health");
  expect(outputs.get("keys create")).toContain("hms_");
}, 60_000);

test("the adapter logs what was published, also what comes after it was killed and started again", async () => {
  const [script] = blocks(text, "js");
  const file = join(root, ".cache", `readme-adapter-${process.pid}.mjs`);
  await mkdir(join(root, ".cache"), { recursive: true });
  await writeFile(
    file,
    script!.replace('subscribe("inspections.status")', 'subscribe("inspections.status", { since: "10m" })'),
  );
  expect(script!.split("\n").filter((line) => line !== "")).toHaveLength(8);
  for (const id of [101, 102]) {
    const published = await type(
      `npx hms-sync publish inspections.status '{"inspectionId":${id},"newStatus":"Completed"}'`,
    );
    expect(published.code).toBe(0);
    const adapter = await spawnNode([file], {
      cwd: folder.path,
      env: { ...folder.env, HMS_SYNC_URL: bus.url, HMS_SYNC_TOKEN: bus.token },
    });
    await adapter.waitForLine(new RegExp(`^${id}$`));
    await adapter.kill("SIGKILL");
  }
  const seen = await type("npx hms-sync subscribe inspections.status --since=10m --no-follow");
  for (const id of [101, 102]) expect(seen.stdout).toContain(`"inspectionId":${id}`);
});

test("what curl posts becomes a row of Laravel's listener, once", async () => {
  const database = join(folder.path, "hms.sqlite");
  await writeFile(database, "");
  const app = join(root, "test/laravel-app");
  const env = {
    ...{ APP_ENV: "local", LOG_CHANNEL: "stderr", DB_DATABASE: database, BROADCAST_CONNECTION: "hms-sync" },
    ...{
      HMS_SYNC_URL: bus.url,
      HMS_SYNC_TOKEN: bus.token,
      HMS_SYNC_REDIS_URL: await embeddedRedisUrl(folder),
    },
  };
  const typeInApp = async (line: string) => {
    const words = line.replace("http://127.0.0.1:8480", bus.url);
    const { code, stdout, stderr } = await run("sh", ["-c", words], { cwd: app, env });
    expect([line, code, code === 0 ? "" : stderr]).toEqual([line, 0, ""]);
    return stdout;
  };
  const rows = () => select<Record<string, unknown>>(database, "SELECT id, scheduled_for FROM inspections");
  await typeInApp("php artisan migrate --force");
  const [post, listen] = wayBack;
  expect(JSON.parse(await typeInApp(post!))).toMatchObject({ id: "move-42-1", duplicate: false });
  await typeInApp(listen!);
  expect(rows()).toEqual([{ id: 42, scheduled_for: "2026-12-01 09:30:00" }]);
  expect(JSON.parse(await typeInApp(post!))).toMatchObject({ id: "move-42-1", duplicate: true });
  await typeInApp(listen!);
  expect(rows()).toHaveLength(1);
  const { body } = await bus.call("GET", "/v1/status");
  expect(body.topics["inspections.rescheduled"].consumers["hms-api"]).toMatchObject({ owed: 0, acked: 1 });
  expect(body.topics["inspections.schedule"].recorded).toBe(1);
});

test("what the README shows of topics.yaml is the repository's own, and valid", async () => {
  const topics = readFileSync(join(root, "topics.yaml"), "utf8");
  for (const section of ["topics.yaml", "Add a system"])
    expect(topics).toContain(blocks(readme(section), "yaml")[0]);
});

test("the event class of the README is PHP, and its envelope is JSON of the documented shape", async () => {
  const [php] = blocks(text, "php");
  const file = join(folder.path, "InspectionCompleted.php");
  await writeFile(file, `${php}\n`);
  expect((await run("php", ["-l", file])).code).toBe(0);
  const [json] = blocks(text, "json");
  expect(Object.keys(JSON.parse(json!))).toEqual([
    ...["topic", "version", "payload", "qos", "replayable_until", "id", "source", "type", "time"],
  ]);
});

test("composer takes the driver into an application as the README says", async () => {
  const parent = join(folder.path, "composer");
  const app = join(parent, "hms-api");
  await mkdir(app, { recursive: true });
  await cp(join(root, "php-driver"), join(parent, "hms-sync/php-driver"), { recursive: true });
  await cp(join(root, "test/laravel-app/shims"), join(app, "shims"), { recursive: true });
  const manifest = JSON.parse(readFileSync(join(root, "test/laravel-app/composer.json"), "utf8"));
  delete manifest.require["hms-sync/laravel"];
  delete manifest["require-dev"];
  manifest.repositories = { shims: { type: "path", url: "shims/*" } };
  await writeFile(join(app, "composer.json"), JSON.stringify(manifest));
  for (const line of typed.filter((each) => each.startsWith("composer"))) {
    const { code, stderr } = await run("sh", ["-c", `${line} --no-interaction`], {
      cwd: app,
      env: { COMPOSER_ALLOW_SUPERUSER: "1" },
    });
    expect([line, code, code === 0 ? "" : stderr]).toEqual([line, 0, ""]);
  }
  const installed = readFileSync(join(app, "vendor/composer/installed.json"), "utf8");
  expect(installed).toContain('"hms-sync/laravel"');
}, 180_000);
