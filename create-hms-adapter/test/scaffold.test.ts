import { cpSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { load } from "js-yaml";
import { expect, test } from "vitest";
import { databaseNames } from "../src/databases.js";
import type { Questions } from "../src/questions.js";
import { scaffold } from "./support.js";

const root = resolve(import.meta.dirname, "../..");
const topics = ["--topics", join(root, "topics.yaml")];

test.each(databaseNames)("a project for %s has everything filled in, and valid manifests", async (db) => {
  const made = await scaffold(["city-health", "--db", db, "--yes", ...topics]);
  expect(made).toMatchObject({ code: 0, err: "" });
  const files = readdirSync(join(made.cwd, "city-health"), { recursive: true, withFileTypes: true });
  for (const file of files.filter((one) => one.isFile())) {
    const path = join(file.parentPath, file.name);
    expect(made.read(path.slice(made.cwd.length + 1)), path).not.toMatch(/\{\{|\}\}(?!\n?[`)])/);
  }
  expect(files.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      ".gitignore",
      ".dockerignore",
      ".env.example",
      "Dockerfile",
      "city-health.service",
    ]),
  );
  const manifest = JSON.parse(made.read("city-health/package.json"));
  expect(Object.keys(manifest.dependencies)).toHaveLength(4);
  expect({ ...manifest.dependencies, ...manifest.devDependencies }).toHaveProperty("better-sqlite3");
  expect(load(made.read("city-health/compose.yaml"))).toHaveProperty("services.adapter.read_only", true);
});

test("topics.yaml says what the system consumes, in which version, and by which types", async () => {
  const { out, read } = await scaffold(["ehr-clinic", "--db=sqlite", "--json", ...topics]);
  const made = JSON.parse(out);
  expect(made).toMatchObject({ name: "ehr-clinic", database: "sqlite", notes: [] });
  expect(made.topics).toEqual([
    {
      ...{ topic: "inspections.status", version: 1, table: "INSPECTIONS_STATUS", key: ["INSPECTION_ID"] },
      columns: ["INSPECTION_ID", "NEW_STATUS", "COMPLETED_BY", "TIMESTAMP"],
    },
    {
      ...{ topic: "inspections.schedule", version: 1, table: "INSPECTIONS_SCHEDULE", key: ["INSPECTION_ID"] },
      columns: ["INSPECTION_ID", "SCHEDULED_FOR"],
    },
  ]);
  expect(read("ehr-clinic/src/hms-sync-topics.ts")).toContain("export interface InspectionsStatusV1");
  expect(made.next).toEqual([
    "cd ehr-clinic",
    "npm install",
    "npm run check",
    "npm test",
    "cp .env.example .env",
    "npm start",
  ]);
});

test("a newcomer is told that topics.yaml has to name it", async () => {
  const { out } = await scaffold([
    "newcomer",
    "--topic=inspections.status",
    "--db=sqlite",
    "--yes",
    ...topics,
  ]);
  expect(out).toMatch(
    /note: topics\.yaml of the bus has to name newcomer as a consumer of inspections\.status/,
  );
});

test("offline and without a schema it begins with the event's id, and says so", async () => {
  const { code, out, read } = await scaffold(["x", "--topic=a.b", "--db=pg", "--yes"]);
  expect(code).toBe(0);
  expect(out).toMatch(/note: nothing is known of a\.b/);
  expect(load(read("x/mapping.yaml"))).toMatchObject({
    "a.b": { table: "a_b", key: ["event_id"], columns: { event_id: { from: "envelope.id" } } },
  });
});

test("a folder with something in it is refused and left as it is; a fresh repository is not", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "scaffold-"));
  mkdirSync(join(cwd, "x/.git"), { recursive: true });
  writeFileSync(join(cwd, "x/notes.txt"), "mine");
  const argv = ["x", "--topic=a", "--db=sqlite", "--yes"];
  const refused = await scaffold(argv, { cwd });
  expect(refused.code).toBe(2);
  expect(refused.err).toMatch(/x is not empty \(notes\.txt\); choose another with --dir/);
  expect(readdirSync(join(cwd, "x")).toSorted()).toEqual([".git", "notes.txt"]);
  mkdirSync(join(cwd, "y/.git"), { recursive: true });
  expect((await scaffold([...argv, "--dir=y"], { cwd })).code).toBe(0);
});

test("an invalid topics.yaml, a schema that is none and a topic that is not there are told with their places", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "scaffold-"));
  cpSync(join(root, "schemas"), join(cwd, "schemas"), { recursive: true });
  writeFileSync(join(cwd, "topics.yaml"), "a.b:\n  qos: exactly-once\n");
  writeFileSync(join(cwd, "s.json"), '{"type": "objekt"}');
  const base = ["x", "--db=sqlite", "--yes", "--topic=a.b"];
  const invalid = await scaffold([...base, "--topics=topics.yaml"], { cwd });
  expect(invalid).toMatchObject({ code: 1, err: expect.stringMatching(/topics\.yaml:2:8: .*exactly_once/) });
  const noSchema = await scaffold([...base, "--schema=s.json"], { cwd });
  expect(noSchema).toMatchObject({ code: 1, err: expect.stringMatching(/s\.json:1:\d+: is no JSON Schema/) });
  const noTopic = await scaffold(["x", "--db=sqlite", "--topic=inspections.state", "--yes", ...topics]);
  expect(noTopic.err).toMatch(/has no topic "inspections\.state" \(did you mean inspections\.status\?\)/);
  expect(noTopic.code).toBe(2);
});

test("a bus that the environment names and that does not answer is a note; one that was asked for is an error", async () => {
  const base = ["x", "--db=sqlite", "--yes", "--topic=a.b"];
  const env = { HMS_SYNC_URL: "http://127.0.0.1:9" };
  const noted = await scaffold([...base, "--token=t"], { env });
  expect(noted).toMatchObject({
    code: 0,
    out: expect.stringMatching(/note: the bus that HMS_SYNC_URL names told nothing/),
  });
  const asked = await scaffold([...base, "--token=t", "--url=http://127.0.0.1:9"]);
  expect(asked).toMatchObject({
    code: 1,
    err: expect.stringMatching(/leave out --url and give --schema FILE/),
  });
});

test("what flags leave open is asked, and nothing more", async () => {
  const asked: string[] = [];
  const ask: Questions = {
    text: async (question, { initial }) => {
      asked.push(question);
      return initial ?? "fire-dept";
    },
    one: async (question, choices) => {
      asked.push(question);
      return choices[0]!.value;
    },
    several: async (question, choices) => {
      asked.push(question);
      return choices.slice(0, 1).map(({ value }) => value);
    },
  };
  const { code, read } = await scaffold([...topics], { ask });
  expect(code).toBe(0);
  expect(asked).toEqual([
    "Name of the adapter, as the consumer is called in topics.yaml?",
    "Which topics does it consume?",
    "Which database does it write to?",
    "Which table do events of inspections.status go to?",
  ]);
  expect(read("fire-dept/.env.example")).toContain("postgres://");
  asked.length = 0;
  await scaffold(["x", "--topic=inspections.status", "--db=sqlite", "--table=T", ...topics], { ask });
  await scaffold(["city-health", "--db=sqlite", "--yes", ...topics], { ask });
  expect(asked).toEqual([]);
});

test("a client from elsewhere is taken as it is named, a file by its whole path", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "scaffold-"));
  writeFileSync(join(cwd, "client.tgz"), "");
  const clientIn = async (dir: string, env: NodeJS.ProcessEnv, ...more: string[]) => {
    const argv = ["x", "--topic=a", "--db=sqlite", "--yes", `--dir=${dir}`, ...more];
    const { read } = await scaffold(argv, { cwd, env });
    return JSON.parse(read(`${dir}/package.json`)).dependencies["@hms-sync/client"];
  };
  const file = `file:${join(cwd, "client.tgz")}`;
  expect(await clientIn("a", { HMS_SYNC_CLIENT_PACKAGE: "client.tgz" })).toBe(file);
  expect(await clientIn("b", { HMS_SYNC_CLIENT_PACKAGE: "client.tgz" }, "--client=1.2.3")).toBe("1.2.3");
  expect(await clientIn("c", {})).toMatch(/^\^\d+\.\d+\.\d+$/);
});
