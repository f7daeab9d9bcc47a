import { renameSync } from "node:fs";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { acceptEvent, type BusFolder, busFolder, cli, type RunningBus, startBus } from "../support/bus.js";
import { eventually } from "../support/eventually.js";
import { run } from "../support/process.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const topic = "inspections.status";
let redis: TestRedis;
let admin: Redis;
const folders: BusFolder[] = [];

beforeEach(async () => {
  redis = await startRedis();
  admin = new Redis(redis.url);
});
afterEach(async () => {
  admin.disconnect();
  await redis.stop();
  for (const folder of folders.splice(0)) folder.remove();
});

function registry(consumers: string, more = ""): string {
  return `${topic}: {qos: exactly_once, retention: 7d, schema: v1, producers: [hms-api], consumers: [${consumers}]}\n${more}`;
}

async function start(topics: string): Promise<{ bus: RunningBus; folder: BusFolder }> {
  const folder = await busFolder(topics, [topic]);
  folders.push(folder);
  return { folder, bus: await startBus(folder, { HMS_SYNC_REDIS_URL: redis.url }) };
}

/** Replaces topics.yaml in one step, as an editor or a deployment does. */
async function change(folder: BusFolder, topics: string): Promise<void> {
  await writeFile(join(folder.path, "next.yaml"), topics);
  renameSync(join(folder.path, "next.yaml"), join(folder.path, "topics.yaml"));
}

// biome-ignore lint/suspicious/noExplicitAny: the wire is looked at freely in tests
const statusOf = async (bus: RunningBus): Promise<any> => (await bus.call("GET", "/v1/status")).body;
const consumersOf = async (bus: RunningBus) => (await statusOf(bus)).topics[topic]?.consumers ?? {};
const pull = (bus: RunningBus, consumer: string, max = 500) =>
  bus.call("POST", `/v1/topics/${topic}/pull`, { max }, consumer);
const publish = (bus: RunningBus, n: number) => bus.call("POST", `/v1/topics/${topic}/events`, { n });

/** Numbers of the events handed to the consumer, each acked. */
async function take(bus: RunningBus, consumer: string): Promise<number[]> {
  const { body } = await pull(bus, consumer);
  const settle = body.deliveries.map(({ token }: { token: string }) => ({ token, action: "ack" }));
  await bus.call("POST", `/v1/topics/${topic}/settle`, { settle }, consumer);
  return body.deliveries.map(({ envelope }: { envelope: { payload: { n: number } } }) => envelope.payload.n);
}

async function takeAll(bus: RunningBus, consumer: string, count: number): Promise<number[]> {
  const taken: number[] = [];
  await eventually(async () => {
    taken.push(...(await take(bus, consumer)));
    return taken.length >= count;
  });
  return taken;
}

async function accept(from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) await acceptEvent(admin, topic, n);
}

test("a consumer added to the file of a running bus gets the whole window, oldest first, before what is new", async () => {
  const { bus, folder } = await start(registry("city-health"));
  await accept(1, 30);
  await eventually(async () => (await statusOf(bus)).topics[topic].recorded === 30);
  await change(folder, registry("city-health, treasury"));
  await eventually(async () => (await consumersOf(bus)).treasury?.owed === 30);
  expect((await consumersOf(bus)).treasury.catching_up).toEqual({ done: 0, of: 30 });
  await accept(31, 32);
  expect(await takeAll(bus, "treasury", 32)).toEqual(Array.from({ length: 32 }, (_, i) => i + 1));
  expect((await consumersOf(bus)).treasury).not.toHaveProperty("catching_up");
  await bus.process.kill("SIGTERM");
});

test("a consumer taken out gets nothing and keeps what it is owed; put back, it goes on where it was", async () => {
  const { bus, folder } = await start(registry("city-health, ehr-clinic"));
  await accept(1, 3);
  await eventually(async () => (await consumersOf(bus))["ehr-clinic"].owed === 3);
  await change(folder, registry("city-health"));
  await eventually(async () => (await statusOf(bus)).leaving.length === 1);
  expect((await pull(bus, "ehr-clinic")).body.code).toBe("not_a_consumer");
  await accept(4, 4);
  await eventually(async () => (await statusOf(bus)).leaving[0].owed === 4);
  await change(folder, registry("city-health, ehr-clinic"));
  await eventually(async () => (await statusOf(bus)).leaving.length === 0);
  expect(await takeAll(bus, "ehr-clinic", 4)).toEqual([1, 2, 3, 4]);
  await bus.process.kill("SIGTERM");
});

test("a pull that waits for a consumer taken out is answered at once", async () => {
  const { bus, folder } = await start(registry("city-health, ehr-clinic"));
  const waiting = bus.call("POST", `/v1/topics/${topic}/pull`, { wait_ms: 15_000 }, "ehr-clinic");
  await eventually(async () => (await consumersOf(bus))["ehr-clinic"].waiting_pulls === 1);
  const before = performance.now();
  await change(folder, registry("city-health"));
  expect((await waiting).body.deliveries).toEqual([]);
  expect(performance.now() - before).toBeLessThan(10_000);
  await bus.process.kill("SIGTERM");
});

test("a broken file is refused whole: status is red and says where, the bus runs on, the next good file is taken", async () => {
  const { bus, folder } = await start(registry("city-health"));
  await change(folder, registry("city-health, treasury", "broken: {qos: sometimes}\n"));
  await eventually(async () => (await statusOf(bus)).state === "red");
  const { problems, registry: inForce } = await statusOf(bus);
  expect(problems[0]).toMatch(
    /topics\.yaml was changed at .* and refused, .*topics\.yaml:2:\d+: broken has no/,
  );
  expect(inForce.refused.problems.join("\n")).toMatch(/topics\.yaml:2:\d+: qos of broken .*sometimes/);
  expect(Object.keys(await consumersOf(bus))).toEqual(["city-health"]);
  await accept(1, 1);
  await eventually(async () => (await take(bus, "city-health")).length === 1);
  await change(folder, registry("city-health, treasury"));
  await eventually(async () => (await statusOf(bus)).state === "ok");
  expect(Object.keys(await consumersOf(bus)).sort()).toEqual(["city-health", "treasury"]);
  await bus.process.kill("SIGTERM");
});

test("topics diff asks the running bus what a change means for what is owed now", async () => {
  const { bus, folder } = await start(registry("city-health, ehr-clinic"));
  await accept(1, 3);
  await eventually(async () => (await consumersOf(bus))["ehr-clinic"].owed === 3);
  const proposal = join(folder.path, "proposal.yaml");
  await writeFile(proposal, registry("city-health, treasury").replace("exactly_once", "at_least_once"));
  const env = { HMS_SYNC_URL: bus.url, HMS_SYNC_TOKEN: bus.token };
  const args = [cli, "topics", "diff", proposal, "--against", join(folder.path, "topics.yaml"), "--json"];
  const { code, stdout } = await run(process.execPath, args, { env });
  expect(code).toBe(1);
  const text = JSON.stringify(JSON.parse(stdout));
  expect(text).toMatch(/qos_changed/);
  expect(text).toMatch(/treasury is a new consumer[^"]*3 events/);
  expect(text).toMatch(/ehr-clinic is no longer a consumer[^"]*3/);
  await bus.process.kill("SIGTERM");
});

test("SIGHUP reads a file anew whose change could not be seen", async () => {
  const { bus, folder } = await start(registry("city-health"));
  // The folder is watched, and this file is elsewhere.
  const elsewhere = await busFolder(registry("city-health, treasury"), []);
  folders.push(elsewhere);
  await rm(join(folder.path, "topics.yaml"));
  await symlink(join(elsewhere.path, "topics.yaml"), join(folder.path, "topics.yaml"));
  await eventually(async () => Object.keys(await consumersOf(bus)).length === 2);
  await writeFile(join(elsewhere.path, "topics.yaml"), registry("city-health, treasury, clinic"));
  process.kill(bus.process.pid, "SIGHUP");
  await eventually(async () => Object.keys(await consumersOf(bus)).length === 3);
  await bus.process.kill("SIGTERM");
});

test("a changed schema counts from the next event on", async () => {
  const { bus, folder } = await start(registry("city-health"));
  expect((await bus.call("POST", `/v1/topics/${topic}/events`, { n: 1 }, undefined)).status).toBe(400); // no key
  await mkdir(join(folder.path, "schemas", topic), { recursive: true });
  const strict = { type: "object", required: ["n"], properties: { n: { type: "string" } } };
  await writeFile(join(folder.path, "schemas", topic, "v1.json"), JSON.stringify(strict));
  await accept(1, 1);
  let n = 1;
  await eventually(async () => {
    n++;
    await accept(n, n); // taken until the schema is in force
    return (await statusOf(bus)).rejects > 0;
  });
  await bus.process.kill("SIGTERM");
});

test("of two sidecars with different files only the one whose file is in force works; both say so; then they agree", async () => {
  const first = await start(registry("city-health"));
  const second = await start(registry("city-health"));
  await change(first.folder, registry("city-health, treasury"));
  await eventually(async () => (await statusOf(second.bus)).state === "red");
  expect((await statusOf(second.bus)).problems[0]).toMatch(
    /another topics\.yaml than this sidecar's is in force/,
  );
  await eventually(async () => (await statusOf(first.bus)).state === "red");
  expect((await statusOf(first.bus)).problems[0]).toMatch(/1 of the sidecars go by another topics\.yaml/);
  expect((await pull(second.bus, "city-health")).body.code).toBe("registry_mismatch");
  const key = { "idempotency-key": "a" };
  const posted = await fetch(`${second.bus.url}/v1/topics/${topic}/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${second.bus.token}`, "content-type": "application/json", ...key },
    body: "{}",
  });
  expect([posted.status, ((await posted.json()) as { code: string }).code]).toEqual([
    503,
    "registry_mismatch",
  ]);
  expect((await publish(second.bus, 1)).status).toBe(400); // what can be refused without the registry still is

  await accept(1, 5);
  await eventually(async () => (await statusOf(first.bus)).topics[topic].recorded === 5);
  await change(second.folder, registry("city-health, treasury"));
  await eventually(async () => (await statusOf(second.bus)).state === "ok");
  await eventually(async () => (await statusOf(first.bus)).state === "ok");
  expect(await takeAll(second.bus, "treasury", 5)).toEqual([1, 2, 3, 4, 5]);
  await first.bus.process.kill("SIGTERM");
  await second.bus.process.kill("SIGTERM");
});
