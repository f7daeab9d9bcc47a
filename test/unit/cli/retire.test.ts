import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HmsSyncError } from "../../../src/errors.js";
import { type Answer, type Call, cliRun } from "./fake-cli.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hms-sync-retire-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = () => join(folder, "archive.ndjson");
const left = [
  { topic: "inspections.status", owed: 2, dead: 1 },
  { topic: "notes.added", owed: 0, dead: 0 },
];
const lines = [
  '{"kind":"owed","topic":"inspections.status","ledger_id":"1-0","envelope":{"payload":{"note":"\\u00e9 Ünï"}}}\n',
  `{"kind":"owed","topic":"inspections.status","ledger_id":"2-0","envelope":{"payload":{"long":"${"x".repeat(500)}"}}}\n`,
  '{"kind":"dead","topic":"inspections.status","id":"3-0","envelope":{"kind":"end"}}\n',
  '{"kind":"end","owed":2,"dead":1}\n',
].join("");

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A bus on which the consumer has left; its archive is `text`. */
function bus(text = lines, size = 7, retired: () => unknown = () => ({ retired: left })): Answer {
  return ({ path }: Call) => {
    if (path.includes("/archive")) return { clockOffsetMs: 0, chunks: inPieces(text, size) };
    if (path.includes("/left")) return { consumer: "city-health", left };
    return retired();
  };
}

const retire = (args: string[], answer = bus(), parts = {}) =>
  cliRun(["retire", "city-health", ...args], answer, parts);
const posts = (calls: readonly Call[]) => calls.filter(({ method }) => method === "POST");

test("the archive is on the disk, byte for byte and for its owner only, before the consumer is retired", async () => {
  let found = "";
  const answer = bus(lines, 7, () => {
    found = readFileSync(file(), "utf8");
    return { retired: left };
  });
  const { code, stdout, stderr, calls } = await retire(["--yes", "--archive", file()], answer);
  expect(code).toBe(0);
  expect(found).toBe(lines);
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["archive.ndjson"]);
  expect(stderr).toMatch(/TOPIC +OWED +DEAD\ninspections\.status +2 +1\nnotes\.added +0 +0\n/);
  expect(stdout).toBe(
    `city-health is retired from inspections.status, notes.added\n2 events owed and 1 dead letter are in ${file()}\n`,
  );
  expect(calls.map(({ path }) => path)).toEqual([
    "/v1/consumers/city-health/left",
    "/v1/consumers/city-health/archive",
    "/v1/consumers/city-health/retire",
  ]);
});

test("--topic goes to every call; --json tells where the archive is", async () => {
  const { stdout, calls } = await retire(["--yes", "--json", "--topic", "notes.added", "--archive", file()]);
  expect(calls.map(({ path }) => path)).toEqual([
    "/v1/consumers/city-health/left?topic=notes.added",
    "/v1/consumers/city-health/archive?topic=notes.added",
    "/v1/consumers/city-health/retire",
  ]);
  expect(posts(calls)[0]!.body).toBe('{"topic":"notes.added"}');
  expect(JSON.parse(stdout)).toEqual({
    consumer: "city-health",
    archive: file(),
    archived: { owed: 2, dead: 1 },
    retired: left,
  });
});

test("without a terminal and without --yes nothing is done, exit 2", async () => {
  const { code, stderr, calls } = await retire(["--archive", file()]);
  expect(code).toBe(2);
  expect(stderr).toContain("there is no terminal to ask on; add --yes");
  expect(calls).toHaveLength(1);
  expect(readdirSync(folder)).toEqual([]);
});

test.each(["", "y", "yes", "city-healt", "CITY-HEALTH"])(
  "the answer %j is not the name: nothing is done, exit 1",
  async (typed) => {
    const { code, calls } = await retire(["--archive", file()], bus(), { ask: async () => typed });
    expect(code).toBe(1);
    expect(calls).toHaveLength(1);
  },
);

test("the question says what becomes of the events, and the typed name is a yes", async () => {
  const asked: string[] = [];
  const ask = async (question: string) => {
    asked.push(question);
    return " city-health ";
  };
  expect((await retire(["--archive", file()], bus(), { ask })).code).toBe(0);
  expect((await retire(["--no-archive"], bus(), { ask })).code).toBe(0);
  expect(asked[0]).toContain(`written to ${file()} and then removed`);
  expect(asked[1]).toContain("LOST");
});

test("--no-archive reads no archive and says so in JSON", async () => {
  const { stdout, calls } = await retire(["--yes", "--no-archive", "--json"]);
  expect(calls.map(({ path }) => path)).not.toContain("/v1/consumers/city-health/archive");
  expect(JSON.parse(stdout)).toMatchObject({ archive: null });
});

test("a file that is there is never overwritten, and nothing is retired", async () => {
  writeFileSync(file(), "precious");
  const { code, stderr, calls } = await retire(["--yes", "--archive", file()]);
  expect(code).toBe(2);
  expect(stderr).toContain(`${file()} is there already`);
  expect(readFileSync(file(), "utf8")).toBe("precious");
  expect(posts(calls)).toEqual([]);
});

test("a file that appears while the archive is written is not overwritten either", async () => {
  async function* racing() {
    yield* inPieces(lines, 50);
    writeFileSync(file(), "precious");
  }
  const answer: Answer = (call) =>
    call.path.includes("/archive") ? { clockOffsetMs: 0, chunks: racing() } : bus()(call);
  const { code, calls } = await retire(["--yes", "--archive", file()], answer);
  expect(code).toBe(2);
  expect(readFileSync(file(), "utf8")).toBe("precious");
  expect(readdirSync(folder)).toEqual(["archive.ndjson"]);
  expect(posts(calls)).toEqual([]);
});

const ends = lines.lastIndexOf('{"kind":"end"');
test.each([
  ["without its last line", lines.slice(0, ends)],
  ["in the middle of its last line", lines.slice(0, -2)],
  ["with an end that tells of more", `${lines.slice(0, ends)}{"kind":"end","owed":3,"dead":1}\n`],
  ["with an end in the middle", lines + lines.slice(0, ends)],
  ["at once", ""],
])("an archive that ended %s is removed, and nothing is retired", async (_case, text) => {
  const { code, stderr, calls } = await retire(["--yes", "--archive", file()], bus(text));
  expect(code).toBe(1);
  expect(stderr).toMatch(/error: the archive broke off: .*nothing was retired/);
  expect(readdirSync(folder)).toEqual([]);
  expect(posts(calls)).toEqual([]);
});

test("a connection that breaks is told as an archive that broke off", async () => {
  async function* breaking() {
    yield* inPieces(lines.slice(0, 50), 10);
    throw new HmsSyncError("connection_lost", "the connection broke (ECONNRESET)", { status: 503 });
  }
  const answer: Answer = (call) =>
    call.path.includes("/archive") ? { clockOffsetMs: 0, chunks: breaking() } : bus()(call);
  const { code, stderr, calls } = await retire(["--yes", "--archive", file()], answer);
  expect([code, posts(calls)]).toEqual([1, []]);
  expect(stderr).toMatch(/the archive broke off: the connection broke \(ECONNRESET\)/);
  expect(readdirSync(folder)).toEqual([]);
});

test("when the removal fails, the archive stays and is told", async () => {
  const answer = bus(lines, 7, () => {
    throw new HmsSyncError("unavailable", "Redis cannot be reached", { status: 503 });
  });
  const { code, stderr } = await retire(["--yes", "--archive", file()], answer);
  expect(code).toBe(1);
  expect(stderr).toContain(`the archive is whole: ${file()}`);
  expect(readFileSync(file(), "utf8")).toBe(lines);
});

test("a folder that does not exist is told with the remedy", async () => {
  const { code, stderr } = await retire(["--yes", "--archive", join(folder, "no", "x.ndjson")]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/x\.ndjson cannot be written \(ENOENT\); nothing was retired, .*--archive/);
});

test("a refusal of the bus is told before anything is asked", async () => {
  const answer = () => {
    throw new HmsSyncError("still_a_consumer", "topics.yaml lists city-health", { status: 409 });
  };
  const { code, stderr } = await retire([], answer);
  expect([code, stderr]).toEqual([1, "error: topics.yaml lists city-health\n"]);
});
