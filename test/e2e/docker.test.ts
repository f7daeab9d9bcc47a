import { cpSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { load } from "js-yaml";
import { afterAll, beforeAll, expect, test } from "vitest";
import { select } from "../support/adapters.js";
import type { Compose } from "../support/compose.js";
import { eventually } from "../support/eventually.js";
import { freePort } from "../support/port.js";
import { run, type SpawnedProcess, spawnNode, spawnProcess } from "../support/process.js";

const root = resolve(import.meta.dirname, "../..");
const compose = load(readFileSync(join(root, "compose.yaml"), "utf8")) as Compose;
const commands = [
  ...readFileSync(join(root, "docs/docker.md"), "utf8").matchAll(/^```sh\n([\s\S]*?)^```$/gm),
].flatMap(([, block]) => block!.trim().split("\n"));

/**
 * What the containers of compose.yaml run, without containers: the same programs, with the settings and secrets that the
 * file gives them. Paths of the containers become paths in a folder, the names of services 127.0.0.1.
 */
let folder: string;
let redisPort: number;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hms-sync-compose-"));
  for (const path of ["docker/make-secrets.sh", "docker/redis.conf", "topics.yaml", "schemas"])
    cpSync(join(root, path), join(folder, path), { recursive: true });
  for (const path of ["data", "redis", "bin"]) await mkdir(join(folder, path));
  redisPort = await freePort();
  await writeFile(join(folder, "bin/docker"), engine);
  await chmod(join(folder, "bin/docker"), 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

/** Stands for `docker compose exec`: runs the command of the container with the settings of its service. */
const engine = `#!/bin/sh
[ "$1 $2 $3" = "compose exec -T" ] || { echo "not known here: $*" >&2; exit 2; }
shift 4
[ "$1" = hms-sync ] && { shift; exec "$NODE" "${root}/dist/cli/main.js" "$@"; }
exec "$@"
`;

/** A path, an address or a URL of the containers, as it is here. */
function here(text: string): string {
  return Object.entries(compose.secrets)
    .reduce((each, [name, { file }]) => each.replaceAll(`/run/secrets/${name}`, join(folder, file)), text)
    .replace("http://sidecar:8480", url)
    .replace(/^dir \/data$/m, `dir ${folder}/redis`)
    .replace(/(^| )\/data\b/, `$1${folder}/data`);
}

function settingsOf(service: string): Record<string, string> {
  const { environment = {} } = compose.services[service]!;
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, here(value)]));
}

async function typed(line: string, service: string): Promise<string> {
  const env = { ...settingsOf(service), ...{ NODE: process.execPath, HMS_SYNC_URL: url } };
  const path = `${join(folder, "bin")}:${process.env.PATH}`;
  const { code, stdout, stderr } = await run("sh", ["-c", here(line)], {
    cwd: folder,
    env: { ...env, PATH: path },
  });
  expect([line, code, code === 0 ? "" : stderr]).toEqual([line, 0, ""]);
  return stdout;
}

async function startRedis(): Promise<void> {
  const config = `${here(readFileSync(join(folder, "docker/redis.conf"), "utf8"))}port ${redisPort}\n`;
  await writeFile(join(folder, "redis.conf"), config);
  const server = await spawnProcess("redis-server", [join(folder, "redis.conf")]);
  await server.waitForLine(/Ready to accept connections/);
  const file = join(folder, "docker/secrets/redis-url");
  await writeFile(file, readFileSync(file, "utf8").replace("redis:6379", `127.0.0.1:${redisPort}`));
}

async function startSidecar(): Promise<SpawnedProcess> {
  const env = {
    ...settingsOf("sidecar"),
    ...{ NODE_ENV: "production", HMS_SYNC_STATE: join(folder, "state"), HMS_SYNC_HOST: "127.0.0.1" },
    ...{ HMS_SYNC_PORT: "0", HMS_SYNC_CONFIG: join(folder, "topics.yaml") },
  };
  const sidecar = await spawnNode([join(root, "dist/cli/main.js"), "start"], { env });
  url = (await sidecar.waitForLine(/^ready (\S+)$/, 20_000))[1]!;
  return sidecar;
}

test("the page's commands, with what compose.yaml starts, bring inspections of Laravel to the clinic", async () => {
  const [makeSecrets, up, createKey, upClinic, demo, status, files] = commands;
  url = "http://127.0.0.1:1";
  await typed(makeSecrets!, "redis");
  await startRedis();
  const [, health] = compose.services.redis!.healthcheck!.test;
  const probe = here(health!.replaceAll("$$", "$")).replace("redis-cli", `redis-cli -p ${redisPort}`);
  expect((await run("sh", ["-c", probe])).code).toBe(0);

  expect(up).toBe("docker compose up --detach --build --wait");
  await startSidecar();
  await typed(createKey!, "sidecar");
  expect(upClinic).toBe("docker compose --profile ehr-clinic up --detach --build --wait");
  const clinic = join(root, "adapters/ehr-clinic/dist/src/main.js");
  await spawnNode([clinic], { env: { ...settingsOf("ehr-clinic"), NODE_ENV: "production" } });

  const [, numbers] = /^docker compose --profile demo run --build --rm demo (.+)$/.exec(demo!)!;
  const laravel = {
    ...{ APP_ENV: "production", LOG_CHANNEL: "stderr", QUEUE_CONNECTION: "sync", REDIS_CLIENT: "predis" },
    ...{ BROADCAST_CONNECTION: "hms-sync", DB_DATABASE: join(folder, "hms.sqlite") },
  };
  const completed = await run("sh", [join(root, "docker/complete-inspections.sh"), ...numbers!.split(" ")], {
    ...{ cwd: join(root, "test/laravel-app"), env: { ...settingsOf("demo"), ...laravel } },
  });
  expect([completed.code, completed.code === 0 ? "" : completed.stderr]).toEqual([0, ""]);

  const register = join(folder, "data/register.sqlite");
  await eventually(() => select(register, "SELECT * FROM inspection_register").length === 3);
  await eventually(async () =>
    /inspections\.status +ehr-clinic .* 3 +0 +0 /.test(await typed(status!, "sidecar")),
  );
  expect(await typed(status!, "sidecar")).toContain("durability  always");
  expect((await typed(files!, "ehr-clinic")).trim().split("\n")).toHaveLength(3);
  expect(await readdir(join(folder, "state"))).not.toContain("token"); // in production
}, 90_000);

test("the page's other commands name targets, profiles and files that there are", () => {
  const page = readFileSync(join(root, "docs/docker.md"), "utf8");
  const dockerfile = readFileSync(join(root, "Dockerfile"), "utf8");
  const targets = [...page.matchAll(/--target (\w+)/g)].map(([, name]) => name);
  expect(targets).toEqual(["sidecar", "adapter"]);
  for (const target of targets) expect(dockerfile).toContain(` AS ${target}\n`);
  const profiles = [...page.matchAll(/--profile (\S+)/g)].map(([, name]) => name!);
  for (const profile of profiles) expect(compose.services[profile]).toMatchObject({ profiles: [profile] });
  expect(commands).toHaveLength(7);
});
