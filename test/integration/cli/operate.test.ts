import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { CliFolder } from "./cli-bus.js";

let folder: CliFolder;
let url: string;
let admin: string;

beforeAll(async () => {
  folder = new CliFolder();
  ({ url } = await folder.start({ HMS_SYNC_LARAVEL_PREFIX: "laravel-" }));
  admin = readFileSync(join(folder.path, ".hms-sync", "token"), "utf8").trim();
});

async function call(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(url + path, {
    method: "POST",
    headers: {
      authorization: `Bearer ${admin}`,
      "content-type": "application/json",
      connection: "close",
      ...headers,
    },
    body: JSON.stringify(body),
  });
}

/** Publishes an inspection and gives it up as city-health: a dead letter. */
async function deadLetter(inspectionId: number): Promise<void> {
  await folder.post(url, "inspections.status", inspectionId);
  const asConsumer = { "hms-sync-consumer": "city-health" };
  const pulled = await call("/v1/topics/inspections.status/pull", { max: 500, wait_ms: 20_000 }, asConsumer);
  const { deliveries } = (await pulled.json()) as { deliveries: { token: string }[] };
  const settle = deliveries.map(({ token }) => ({
    token,
    action: "term",
    reason: "no such\u001b[2J inspection",
  }));
  const settled = await call("/v1/topics/inspections.status/settle", { settle }, asConsumer);
  expect(await settled.json()).toEqual({ settled: settle.map(({ token }) => ({ token, result: "ok" })) });
}

/** What the PHP driver does; resolves when the bus has taken it in. */
async function broadcast(data: string): Promise<void> {
  const connection = join(folder.path, ".hms-sync", "redis", "connection.json");
  const redis = new Redis(JSON.parse(readFileSync(connection, "utf8")).url);
  const fields = { id: "b-1", channels: '["inspections.status"]', event: "App\\Events\\X", data };
  const meta = { time: new Date().toISOString(), source: "hms-api", timezone: "UTC" };
  await redis.xadd("hms-sync:intake", "*", ...Object.entries({ ...fields, ...meta }).flat());
  await eventually(async () => (await redis.xlen("hms-sync:intake")) === 0);
  redis.disconnect();
}

test("status tells in words what is promised and owed, and as JSON what the bus answers", async () => {
  const words = await folder.hmsSync(["status"]);
  expect(words).toMatchObject({ code: 0, stderr: "" });
  expect(words.stdout).toMatch(/^state {7}ok\nregistry {4}in force since .*\ndurability {2}always: /);
  expect(words.stdout).toMatch(/^ {2}pubsub +best effort: events are lost/m);
  expect(words.stdout).toMatch(/^inspections\.status +city-health +v1( +\d+){6}$/m);
  expect(words.stdout).not.toContain("\u001b");
  const json = JSON.parse((await folder.hmsSync(["status", "--json"])).stdout);
  expect(Object.keys(json.topics["inspections.status"].consumers)).toEqual(["city-health", "ehr-clinic"]);
});

describe("keys", () => {
  test("a created token works until it is revoked, and is never shown again", async () => {
    const created = await folder.hmsSync(["keys", "create", "city-health", "--json"]);
    expect(created).toMatchObject({ code: 0, stderr: "" });
    const key = JSON.parse(created.stdout);
    expect(Object.keys(key)).toEqual(["system", "id", "token"]);
    const asCityHealth = { env: { HMS_SYNC_TOKEN: key.token } };
    const read = () => folder.hmsSync(["subscribe", "inspections.status", "--no-follow"], asCityHealth);
    expect((await read()).code).toBe(0);
    const status = await folder.hmsSync(["status"], asCityHealth);
    expect(status.code).toBe(1);
    expect(status.stderr).toBe("error: this needs an admin token, and the token is city-health's\n");

    const listed = await folder.hmsSync(["keys", "list"]);
    expect(listed.stdout).toContain(key.id);
    expect(listed.stdout).not.toContain(key.token);
    expect(await folder.hmsSync(["keys", "revoke", key.id])).toMatchObject({
      code: 0,
      stdout: `${key.id} is revoked\n`,
    });
    expect(await read()).toMatchObject({ code: 1, stdout: "" });
    expect((await folder.hmsSync(["keys", "revoke", key.id])).stderr).toContain("hms-sync keys list");
  });

  test("a system that topics.yaml does not name gets none", async () => {
    const run = await folder.hmsSync(["keys", "create", "city-helth"]);
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toContain("known: admin, city-health, ehr-clinic, hms-api");
  });
});

describe("dead", () => {
  test("letters are listed with their reason and sent again by id or all at once", async () => {
    await deadLetter(1);
    await deadLetter(2);
    const listed = await folder.hmsSync(["dead"]);
    expect(listed.stdout.match(/no such\\x1b\[2J inspection$/gm)).toHaveLength(2);
    const { dead_letters: letters } = JSON.parse((await folder.hmsSync(["dead", "--json"])).stdout);
    const target = ["--topic", "inspections.status", "--consumer", "city-health"];
    const one = await folder.hmsSync(["dead", "redrive", ...target, letters[0].id]);
    expect(one).toMatchObject({
      code: 0,
      stdout: "1 dead letter of city-health on inspections.status sent again\n",
    });
    const again = await folder.hmsSync(["dead", "redrive", ...target, letters[0].id]);
    expect(again.code).toBe(1);
    const all = await folder.hmsSync(["dead", "redrive", ...target, "--all"]);
    expect(all.stdout).toMatch(/^1 dead letter /);
    expect((await folder.hmsSync(["dead"])).stdout).toBe("no dead letters\n");
    const elsewhere = await folder.hmsSync(["dead", "redrive", "--topic", "t", "--consumer", "c", "--all"]);
    expect(elsewhere).toMatchObject({ code: 1, stderr: "error: c is not a consumer of t in topics.yaml\n" });
  });
});

describe("rejects", () => {
  test("show the reason and the bytes that came in, with nothing a terminal obeys", async () => {
    expect((await folder.hmsSync(["rejects"])).stdout).toBe("no rejects\n");
    await broadcast('{"inspectionId":"\\u001b","x":"\u009b2J"}');
    const run = await folder.hmsSync(["rejects", "--limit", "1"]);
    expect(run.stdout).toMatch(
      /schema_violation {2}\(door stream, source hms-api, channel inspections\.status\)/,
    );
    expect(run.stdout).toMatch(/reason {4}.*\/inspectionId must be integer/);
    expect(run.stdout).toMatch(/original {2}.*\\x9b2J/);
    const { rejects } = JSON.parse((await folder.hmsSync(["rejects", "--json"])).stdout);
    expect(rejects).toHaveLength(1);
  });
});
