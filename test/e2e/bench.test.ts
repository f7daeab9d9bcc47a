import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { run } from "../support/process.js";
import { processesWorkingIn } from "../support/process-table.js";

const root = resolve(import.meta.dirname, "../..");
const bench = join(root, "bench/bench.mjs");
const docs = join(root, "docs");

interface Row {
  readonly case: string;
  readonly rival: string;
  readonly owed: number;
  readonly delivered: number;
  readonly acked: number;
  readonly figures: Readonly<Record<string, number[]>>;
}

interface Document {
  readonly goals: readonly { text: string; met?: boolean }[];
  readonly parts: Readonly<Record<string, { rounds: number; rows: Row[] }>>;
}

let work: string;
let out: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), "bench-"));
  out = mkdtempSync(join(tmpdir(), "bench-docs-"));
});

/** Redis works in the folder of its case. */
afterEach(() => eventually(() => processesWorkingIn(work).length === 0));

const runBench = (args: string[], env = {}) =>
  run(process.execPath, [bench, "--quick", "--directory", work, "--out", out, ...args], {
    cwd: root,
    env,
  });
const read = (): Document => JSON.parse(readFileSync(join(out, "bench.json"), "utf8"));
const rendered = async (document: Document): Promise<Record<string, string>> =>
  (await import(join(root, "bench/document.mjs"))).rendered(document);

test("the bench measures every part with every rival, each of which delivers and acks every event, and leaves nothing behind", async () => {
  const { code, stdout, stderr } = await runBench([]);
  expect(code, stdout + stderr).toBe(0);
  const { parts, goals } = read();
  expect(Object.keys(parts)).toEqual(["a", "b", "c", "d", "e", "f", "g", "h"]);
  const rows = Object.values(parts).flatMap((part) => part.rows);
  for (const { case: name, rival, owed, delivered, acked } of rows)
    expect({ name, rival, delivered, acked }).toEqual({ name, rival, delivered: owed, acked: owed });
  for (const { figures } of rows)
    for (const [name, values] of Object.entries(figures)) expect(values, name).toEqual([expect.any(Number)]);
  const rivals = ["hms-sync", "streams", "streams-bridge", "nats", "bullmq"];
  const present = stdout.includes("skipped: nats: ") ? rivals.filter((name) => name !== "nats") : rivals;
  expect(parts.a!.rows.map((row) => row.rival)).toEqual(present);
  expect(parts.c!.rows.map((row) => row.rival)).toEqual(present.filter((name) => name !== "streams"));
  for (const { owed } of parts.a!.rows) expect(owed).toBeGreaterThan(0);
  expect(goals.find((goal) => goal.text.startsWith("1,000,000 owed"))).not.toHaveProperty("met");
  expect(readdirSync(work)).toEqual([]);
  await everyFigureIsInPageAndChart();
}, 400_000); // a hang fails earlier, by the bench's own deadline

async function everyFigureIsInPageAndChart() {
  const document = read();
  const files = await rendered(document);
  for (const [name, text] of Object.entries(files)) expect(readFileSync(join(out, name), "utf8")).toBe(text);
  for (const { rival, figures } of document.parts.a!.rows) {
    expect(files["bench.md"]).toContain(`| ${rival} | ${figures.perSecond![0]!.toFixed(0)} /`);
    expect(files["bench.svg"]).toContain(`>${figures.perSecond![0]!.toFixed(0)} /`);
  }
  expect(files["bench.svg"]).toMatch(
    /<svg [^>]*role="img" aria-labelledby="title description">\n<title id="title">/,
  );
}

test("a rival that is not installed is left out with a line that says so", async () => {
  const { code, stdout } = await runBench(["--only", "a", "--rivals", "nats"], { PATH: "/nonexistent" });
  expect(stdout).toMatch(/^skipped: nats: nats-server is not installed \(apt-get install nats-server\)$/m);
  expect(code).toBe(0);
  expect(read().parts.a).toMatchObject({ rows: [] });
});

test("an option that it does not know is refused with the usage and 2", async () => {
  const { code, stderr } = await runBench(["--only", "a,z"]);
  expect(stderr).toMatch(/^--only z is not known; give some of a,b,c,d,e,f,g,h\nusage: npm run bench/);
  expect(code).toBe(2);
});

test.runIf(existsSync(join(docs, "bench.json")))(
  "docs/bench.md and bench.svg say what docs/bench.json says",
  async () => {
    const document = JSON.parse(readFileSync(join(docs, "bench.json"), "utf8"));
    for (const [name, text] of Object.entries(await rendered(document)))
      expect(readFileSync(join(docs, name), "utf8")).toBe(text);
  },
);
