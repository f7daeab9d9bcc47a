import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type BusFolder, busFolder, type RunningBus, startBus } from "../../support/bus.js";

const object = (field: string) => ({ type: "object", required: [field], properties: { [field]: {} } });
const topics = `
a.topic:
  qos: exactly_once
  retention: 7d
  schema: v2
  key: /no
  producers: [sender]
  consumers: [current, {name: early, version: v1}]
another:
  qos: at_least_once
  retention: 1h
  schema: v1
  producers: [stranger]
  consumers: []
`;

let folder: BusFolder;
let bus: RunningBus;

beforeAll(async () => {
  folder = await busFolder(topics, ["a.topic", "another"], { "a.topic": object("no") });
  const write = (file: string, schema: object) =>
    writeFile(join(folder.path, "schemas/a.topic", file), JSON.stringify(schema));
  await write("common.json", object("no"));
  await write("v2.json", { type: "object", allOf: [{ $ref: "common.json" }] });
  bus = await startBus(folder);
});
afterAll(async () => {
  await bus.process.kill("SIGTERM");
  folder.remove();
});

const path = "/v1/topics/a.topic/schema";

async function as(system: string, asked = path) {
  const { body } = await bus.call("POST", "/v1/keys", { system });
  const response = await fetch(`${bus.url}${asked}`, { headers: { authorization: `Bearer ${body.token}` } });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test("a consumer is told the schema of its own version, and the topic's key", async () => {
  const { status, body } = await as("early");
  expect(status).toBe(200);
  expect(body).toEqual({
    ...{ topic: "a.topic", version: 1, qos: "exactly_once", key: "/no", consumes: true },
    schema: object("no"),
  });
});

test("a schema comes with what it refers to, so that it stands alone", async () => {
  const { body } = await as("current");
  expect(body).toMatchObject({
    version: 2,
    schema: { allOf: [{ $ref: expect.stringMatching(/^#\/\$defs\//) }] },
  });
});

test("admin may ask for another; a system that has no part in the topic is refused", async () => {
  const asked = await bus.call("GET", `${path}?consumer=early`);
  expect(asked.body).toMatchObject({ version: 1, consumes: true });
  expect((await bus.call("GET", path)).body).toMatchObject({ version: 2, consumes: false });
  expect((await as("current", `${path}?consumer=early`)).body).toMatchObject({ version: 2 });
  expect(await as("stranger")).toMatchObject({ status: 403, body: { code: "not_a_reader" } });
  expect(await bus.call("GET", "/v1/topics/nowhere/schema")).toMatchObject({
    status: 404,
    body: { code: "unknown_topic" },
  });
});
