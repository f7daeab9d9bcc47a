import { readdirSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../test/support/eventually.js";
import { freePort } from "../../test/support/port.js";
import { type SpawnedProcess, spawnNode } from "../../test/support/process.js";
import { makeCertificates } from "./support/certificates.js";
import { fixture } from "./support/fixture.js";
import { ConnectProxy, TlsFront } from "./support/network.js";
import { deliver, envelope, json, type Script } from "./support/scripted-bus.js";

const at = fixture();
const root = fileURLToPath(new URL("../", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const blocks = [...readme.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);
/** Below the workspace, so that @hms-sync/client is found as a program of an agency finds it. */
const folder = join(root, ".cache", `readme-${process.pid}`);

/** What an agency's program has of its own, and a line for what the blocks do with it. */
const prelude = `
const say = (name) => (...args) => console.log(name, JSON.stringify(args));
globalThis.updateLegacyCalendar = say("calendar");
globalThis.updateAppointment = say("appointment");
globalThis.compareWithCalendar = say("compared");
`;

beforeAll(async () => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "prelude.mjs"), prelude);
});
afterAll(() => rm(folder, { recursive: true }));

/** The one block that has these words. */
function block(words: string): string {
  const [found, ...more] = blocks.filter((each) => each.includes(words));
  expect(more).toEqual([]);
  return found!;
}

async function start(text: string, env: Record<string, string> = {}): Promise<SpawnedProcess> {
  const file = join(folder, `block-${Math.random().toString(36).slice(2)}.mjs`);
  await writeFile(file, text);
  const [proxyName, caName] = ["HTTPS_PROXY", "HMS_SYNC_CA"];
  return await spawnNode(["--import", join(folder, "prelude.mjs"), file], {
    env: {
      HMS_SYNC_URL: at.server.url,
      HMS_SYNC_TOKEN: "secret",
      [proxyName]: undefined,
      [caName]: undefined,
      ...env,
    },
  });
}

/** Events of `inspections.status`, the first of the run being inspection 42. */
function inspections(...ids: number[]): Script {
  const write = (id: string) => envelope(id, `{"inspectionId":${ids[Number(id.split(".").at(-1))]}}`);
  return deliver("r1.1", ids.length, { envelope: write });
}

test("every block is one of those run here", () => {
  expect(blocks).toHaveLength(7);
});

test("the adapter with a loop", async () => {
  at.server.on("pull", inspections(42));
  const adapter = await start(block("for await (const msg of sub)"));
  await adapter.waitForLine(/^calendar \[42\]$/);
  await at.server.settled("ack r1.1.0");
  expect(await adapter.kill("SIGTERM")).toEqual({ code: 0, signal: null });
});

test("the adapter with a function: returns, and refuses what can never be taken", async () => {
  at.server.on("pull", inspections(42, 1_000_000_000));
  const adapter = await start(block("throw new Permanent"));
  await adapter.waitForLine(/^calendar \[42\]$/);
  await at.server.settled("ack r1.1.0");
  await at.server.settled("term r1.1.1");
  const line = JSON.parse((await adapter.waitForLine(/^\{.*dead letter.*/))[0]);
  expect(line).toMatchObject({ level: "warn", id: "r1.1.1", topic: "inspections.status", code: "Permanent" });
  expect(await adapter.kill("SIGTERM")).toEqual({ code: 0, signal: null });
});

test("several topics in one program", async () => {
  const adapter = await start(block("updateAppointment"));
  const topics = () => new Set(at.server.of("pull").map(({ url }) => url.split("/")[3]));
  await eventually(() => topics().size === 2);
  expect([...topics()].sort()).toEqual(["inspections.schedule", "inspections.status"]);
  at.server.answer(inspections(42));
  await adapter.waitForLine(/^(calendar \[42\]|appointment \[\{"inspectionId":42\}\])$/);
  expect(await adapter.kill("SIGTERM")).toEqual({ code: 0, signal: null });
});

test("the past once more", async () => {
  at.server.on("pull", inspections(42));
  const adapter = await start(block("since").replace("60_000", "1_000"));
  await adapter.waitForLine(/^compared \["r1\.1\.0",\{"inspectionId":42\}\]$/);
  expect(at.server.of("replay")[0]).toMatchObject({ body: { since: "2h" } });
  expect(await adapter.exited).toEqual({ code: 0, signal: null }); // its time is over
});

test("a proxy and a certificate of the agency's own", async () => {
  const certificates = makeCertificates();
  const front = await new TlsFront(certificates, () => Number(new URL(at.server.url).port)).start();
  const proxy = await new ConnectProxy().start();
  const text = block("agency-ca.pem")
    .replace("http://proxy.agency.example:3128", `http://127.0.0.1:${proxy.port}`)
    .replace("/etc/ssl/agency-ca.pem", certificates.caFile);
  const program = await start(`${text}\nawait bus.close();`, {
    HMS_SYNC_URL: `https://bus.test:${front.port}`,
  });
  expect(await program.exited).toEqual({ code: 0, signal: null });
  expect(proxy.asked).toHaveLength(1);
  await Promise.all([front.close(), proxy.close()]);
});

test("a probe", async () => {
  const port = await freePort();
  const program = await start(block("createServer").replace("8490", String(port)));
  const answer = await eventually(() => fetch(`http://127.0.0.1:${port}/`));
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ ok: true, url: at.server.url, subscriptions: [] });
  await program.kill("SIGTERM");
});

test("publishing", async () => {
  const stored: Script = (request, response) =>
    json({ id: request.headers["idempotency-key"], topic: "t", version: 1, duplicate: false }, 202)(
      request,
      response,
    );
  at.server.on("publish", stored, stored);
  const connected = 'import { connect } from "@hms-sync/client";\nconst bus = await connect();\n';
  const program = await start(`${connected}${block("bus.publish(")}\nconsole.log(typeof id, duplicate);`);
  await program.waitForLine(/^string false$/);
  expect((await program.exited).code).toBe(0);
  const [first, second] = at.server.of("publish");
  expect(first!.body).toEqual({ inspectionId: 99, newStatus: "Completed" });
  expect(second!.headers["idempotency-key"]).toBe("legacy-4711");
});

describe("the table of errors", () => {
  const own = new Set<string>();
  const sources = ["src", "src/sql"].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join(root, folder, name)),
  );
  for (const file of sources) {
    const source = readFileSync(file, "utf8");
    for (const [, code] of source.matchAll(/HmsSyncClientError\(\s*"(\w+)"/g)) own.add(code!);
  }
  const gateway = new Set(["unauthorized", "unavailable", "unexpected_answer"]); // as what an answer is taken
  const table = readme.slice(readme.indexOf("## Errors"));
  const listed = [...table.matchAll(/^\| (`[\w`, ]+`) +\|/gm)].flatMap(([, codes]) => codes!.split(", "));

  test("lists every code of the client, and no other", () => {
    const codes = listed.map((code) => code.replaceAll("`", ""));
    expect(codes.sort()).toEqual([...own, ...gateway].sort());
  });
});
