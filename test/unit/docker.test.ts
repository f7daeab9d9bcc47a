import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { load } from "js-yaml";
import { describe, expect, test } from "vitest";
import { type Compose, composeProblems } from "../support/compose.js";
import { dockerfileProblems, excludedBy, pathsLike, stagesOf } from "../support/dockerfile.js";
import { run } from "../support/process.js";

const root = resolve(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const rootExcludes = excludedBy(join(root, ".dockerignore"));
const template = "create-hms-adapter/template/base";

/** With the folder that is their context, and its .dockerignore. */
const dockerfiles = [
  { path: "Dockerfile", context: ".", ignore: ".dockerignore" },
  { path: "docker/laravel.Dockerfile", context: ".", ignore: ".dockerignore" },
  { path: `${template}/Dockerfile`, context: template, ignore: `${template}/_dockerignore` },
  ...pathsLike("adapters/*/Dockerfile", root).map((path) => {
    const context = path.replace("/Dockerfile", "");
    return { path, context, ignore: `${context}/.dockerignore` };
  }),
];
const problemsOf = (text: string, { context, ignore } = dockerfiles[0]!) =>
  dockerfileProblems(text, join(root, context), excludedBy(join(root, ignore)));

describe.each(dockerfiles)("$path", (dockerfile) => {
  test("keeps to every rule", () => {
    expect(problemsOf(read(dockerfile.path), dockerfile)).toEqual([]);
  });

  test("puts no secret, repository or package folder of the machine into its context", () => {
    const excluded = excludedBy(join(root, dockerfile.ignore));
    expect(
      [".env", ".git/config", "node_modules/x/index.js", "dist/main.js"].filter((path) => !excluded(path)),
    ).toEqual([]);
  });
});

describe("Dockerfile", () => {
  const text = read("Dockerfile");

  test.each([
    ["a base without a version", /node:[\d.]+-bookworm-slim@\S+/, "node:latest", "node:latest is not pinned"],
    [
      "a base of a moving version",
      /node:[\d.]+-bookworm-slim@\S+/,
      "node:22-slim",
      "node:22-slim is not pinned",
    ],
    ["a stage that is not there", "--from=build /app/dist ", "--from=built /app/dist ", "no such stage"],
    ["a file that is not there", "COPY topics.yaml", "COPY topic.yaml", "topic.yaml: there is no such file"],
    [
      "a file that .dockerignore leaves out",
      "COPY topics.yaml",
      "COPY biome.json",
      "biome.json: .dockerignore leaves",
    ],
    ["a user who is root", "USER node\nEXPOSE", "USER root\nEXPOSE", "sidecar runs as root"],
    ["no user", "USER node\nEXPOSE", "EXPOSE", "sidecar runs as root"],
    ["no health check", /HEALTHCHECK .*readyz.*\n/, "", "sidecar has no HEALTHCHECK"],
    ["development", /NODE_ENV=production \\\n\s+HMS/, "HMS", "sidecar is without NODE_ENV=production"],
    [
      "a token in the image",
      "HMS_SYNC_PORT=8480",
      "HMS_SYNC_PORT=8480 HMS_SYNC_TOKEN=x",
      "HMS_SYNC_TOKEN is a secret",
    ],
    ["a secret as an argument", "ARG ADAPTER=ehr-clinic", "ARG NPM_TOKEN", "NPM_TOKEN is a secret in ARG"],
    [
      "a shell as process 1",
      'CMD ["node", "dist/cli/main.js", "start"]',
      "CMD node start",
      "not started in exec form",
    ],
    [
      "a frontend that moves",
      /^/,
      "# syntax=docker/dockerfile:1\n",
      "the frontend of # syntax= is not pinned",
    ],
    [
      "an instruction that is none",
      "USER node\nEXPOSE",
      "USRE node\nUSER node\nEXPOSE",
      "Unknown instruction",
    ],
  ])("would be refused for %s", (_what, part, instead, problem) => {
    const broken = text.replace(part, instead);
    expect(broken).not.toBe(text);
    expect(problemsOf(broken).join("\n")).toContain(problem);
  });

  test("installs from the lock alone, runs no script of a package, and leaves development out of both images", () => {
    const installs = stagesOf(text).flatMap(({ name, instructions }) =>
      instructions.filter(({ rest }) => rest.includes("npm ")).map(({ rest }) => ({ name, rest })),
    );
    expect(installs.map(({ name }) => name)).toEqual(["build", "sidecar-packages", "adapter-packages"]);
    for (const { name, rest } of installs) {
      expect(rest).toMatch(/^npm ci .*--ignore-scripts/);
      if (name !== "build") expect(rest).toContain("--omit=dev");
    }
  });

  test("has the manifest of every workspace, and of no other folder", () => {
    const copied = [...text.matchAll(/^COPY (\S+)\/package\.json/gm)].map(([, folder]) => folder);
    const { workspaces } = JSON.parse(read("package.json")) as { workspaces: string[] };
    const folders = workspaces
      .flatMap((pattern) => pathsLike(pattern, root))
      .filter((path) => existsSync(join(root, path, "package.json")));
    expect(copied.sort()).toEqual(folders.sort());
  });
});

describe("compose.yaml", () => {
  const text = read("compose.yaml");
  const compose = load(text) as Compose;

  test("keeps to every rule", () => {
    expect(composeProblems(compose, root)).toEqual([]);
  });

  test.each([
    ["a writable root", "read_only: true", "read_only: false", "redis: the root is not read-only"],
    ["capabilities", "cap_drop: [ALL]", "cap_drop: [NET_RAW]", "redis: not all capabilities are dropped"],
    ["a setuid program", '["no-new-privileges:true"]', "[]", "redis: new privileges are allowed"],
    ["root", "999:999", "0:0", "redis: it runs as root"],
    ["an image that moves", "redis:7.4.8-bookworm", "redis:7", "redis: redis:7 is not pinned"],
    [
      "a start that does not wait",
      "service_healthy",
      "service_started",
      "it does not wait until redis is healthy",
    ],
    ["a port for all", "127.0.0.1:8480:8480", "8480:8480", "sidecar: 8480:8480 is open to every address"],
    [
      "a secret that is not given",
      "secrets: [redis_url, admin_token]",
      "secrets: [redis_url]",
      "admin_token is not given",
    ],
    [
      "a secret that is not declared",
      "admin_token: { file",
      "token: { file",
      "sidecar: secret admin_token is not declared",
    ],
    [
      "a password in it",
      /HMS_SYNC_REDIS_URL_FILE: .*/,
      "HMS_SYNC_REDIS_URL: redis://:x@redis",
      "is a secret in the environment",
    ],
    [
      "a mount of nothing",
      "./docker/redis.conf",
      "./docker/none.conf",
      "redis: ./docker/none.conf does not exist",
    ],
    [
      "a writable mount",
      "redis.conf:ro",
      "redis.conf",
      "redis: ./docker/redis.conf is not mounted read-only",
    ],
  ])("would be refused for %s", (_what, part, instead, problem) => {
    const broken = text.replace(part, instead);
    expect(broken).not.toBe(text);
    expect(composeProblems(load(broken) as Compose, root).join("\n")).toContain(problem);
  });

  test("builds targets that there are, under the version of the package", () => {
    const { version } = JSON.parse(read("package.json"));
    for (const { build, image } of Object.values(compose.services).filter(({ build }) => build)) {
      const stages = stagesOf(read(build!.dockerfile ?? "Dockerfile"));
      if (build!.target !== undefined) expect(stages.map(({ name }) => name)).toContain(build!.target);
      expect(image).toMatch(new RegExp(`:${version}$`));
    }
  });

  test("sets nothing that its programs do not read", () => {
    const adapter = ["settings.ts", "main.ts"].map((name) => read(`adapters/ehr-clinic/src/${name}`)).join();
    const readers: Record<string, string> = {
      sidecar: read("src/config.ts"),
      "ehr-clinic": adapter + read("client/src/context.ts"),
      demo: read("docker/complete-inspections.sh"),
    };
    for (const [name, { environment = {} }] of Object.entries(compose.services)) {
      const unread = Object.keys(environment).filter((each) => !isRead(each, readers[name]!));
      expect([name, unread]).toEqual([name, []]);
    }
    const image = stagesOf(read("Dockerfile")).find(({ name }) => name === "sidecar")!;
    const [env] = image.instructions.filter(({ keyword }) => keyword === "ENV");
    for (const [name] of env!.rest.matchAll(/\w+(?==)/g))
      expect([name, isRead(name, readers.sidecar!)]).toEqual([name, true]);
  });
});

/** A secret setting is read by its name without _FILE. */
function isRead(name: string, source: string): boolean {
  return source.includes(name) || source.includes(`secretSetting(env, "${name.replace(/_FILE$/, "")}"`);
}

describe(".dockerignore", () => {
  test("leaves out what a checkout has that git has not, wherever it stands", () => {
    const files = [
      ...[
        "docker/secrets/admin-token",
        "docker/redis.conf",
        ".hms-sync/token",
        "client/.cache/x",
        "adapters/ehr-clinic/.env",
      ],
      ...[
        "adapters/ehr-clinic/data/register.sqlite",
        "test/laravel-app/vendor/autoload.php",
        "test/e2e/demo.test.ts",
      ],
    ];
    expect(files.filter((path) => !rootExcludes(path))).toEqual([]);
  });

  test("keeps every source file", () => {
    const sources = ["src", "client/src", "adapters/ehr-clinic/src", "scripts"].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((name) => /\.(ts|lua|mjs)$/.test(name))
        .map((name) => `${folder}/${name}`),
    );
    expect(sources.length).toBeGreaterThan(100);
    expect(sources.filter(rootExcludes)).toEqual([]);
  });
});

test("make-secrets.sh makes each secret of compose.yaml once, readable, in a folder that only its owner enters", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hms-sync-secrets-"));
  try {
    cpSync(join(root, "docker/make-secrets.sh"), join(folder, "docker/make-secrets.sh"));
    const make = () => run("sh", [join(folder, "docker/make-secrets.sh")]);
    const secrets = () =>
      readdirSync(join(folder, "docker/secrets")).map((name) => [
        name,
        readFileSync(join(folder, "docker/secrets", name), "utf8"),
      ]);
    expect(await make()).toMatchObject({ code: 0, stderr: "" });
    const first = secrets();
    expect(await make()).toMatchObject({ code: 0, stderr: "" });
    expect(secrets()).toEqual(first);

    const declared = Object.values((load(read("compose.yaml")) as Compose).secrets);
    expect(first.map(([name]) => `docker/secrets/${name}`).sort()).toEqual(
      declared.map(({ file }) => file).sort(),
    );
    const { "admin-token": token, "redis-auth.conf": auth, "redis-url": url } = Object.fromEntries(first);
    expect(token).toMatch(/^hms_[0-9a-f]{64}\n$/);
    const [, password] = /^requirepass ([0-9a-f]{64})\n$/.exec(auth)!;
    expect(url).toBe(`redis://:${password}@redis:6379/0\n`);
    expect(statSync(join(folder, "docker/secrets")).mode & 0o777).toBe(0o700);
    for (const [name] of first)
      expect(statSync(join(folder, "docker/secrets", name!)).mode & 0o777).toBe(0o644);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
