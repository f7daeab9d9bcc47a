/**
 * Shows that the tests see what they are for: takes one safeguard after the other out of a copy of the working tree and
 * runs the quickest test that must turn red, which must be green before. `--chaos` runs the chaos suite on the mutated
 * copy instead, for up to `--minutes` (3). Prints a table; exit code 0 when every mutation was seen, 1 when not, 2 on bad
 * arguments.
 */
import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { say } from "../lib/run.mjs";
import { Copy, WITHOUT_BUILD } from "./copy.mjs";
import { mutations } from "./list.mjs";

const USAGE = "usage: node scripts/mutations/run.mjs [--chaos [--minutes N]] [NAME …]";

process.exitCode = await main();

async function main() {
  const options = readOptions();
  if (options === undefined) return 2;
  const copy = new Copy();
  const green = new Map();
  const rows = [];
  try {
    for (const mutation of options.chosen) {
      const test = options.chaos ? chaosTest(options.minutes) : mutation.test;
      const key = JSON.stringify(test);
      if (!options.chaos && !green.has(key)) green.set(key, await vitest(copy, test));
      rows.push(await judge(copy, mutation, test, green.get(key)));
      say(rowText(rows.at(-1)));
    }
  } finally {
    copy.remove();
  }
  say(`\n${["mutation", "verdict", "s", "seen by"].map(cell).join("")}`);
  for (const row of rows) say(rowText(row));
  return rows.every(({ verdict }) => verdict === "red") ? 0 : 1;
}

function readOptions() {
  try {
    const { values, positionals } = parseArgs({
      options: { chaos: { type: "boolean", default: false }, minutes: { type: "string", default: "3" } },
      allowPositionals: true,
    });
    if (!/^\d{1,3}(\.\d+)?$/.test(values.minutes) || Number(values.minutes) === 0)
      throw new Error(`--minutes=${values.minutes} is no number of minutes above 0`);
    const unknown = positionals.find((name) => mutations.every((each) => each.name !== name));
    if (unknown !== undefined)
      throw new Error(`${unknown} is no mutation; there are ${mutations.map(({ name }) => name).join(", ")}`);
    const chosen = mutations.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
    return { chosen, chaos: values.chaos, minutes: values.minutes };
  } catch (error) {
    process.stderr.write(`${error.message}\n${USAGE}\n`);
    return undefined;
  }
}

function chaosTest(minutes) {
  return { file: "test/chaos/chaos.test.ts", env: { CHAOS_MINUTES: minutes, CHAOS_SEED: "1" }, built: true };
}

/** `before`: how the test went on the copy as it is. */
async function judge(copy, mutation, test, before) {
  const { name, harm } = mutation;
  if (before !== undefined && before.failed > 0)
    return { name, verdict: "red before", seconds: before.seconds, by: before.first };
  const outcome = await copy.mutated(mutation.edits, () => vitest(copy, test));
  const { failed, passed, seconds, first } = outcome;
  const verdict = failed > 0 ? "red" : passed > 0 ? "NOT SEEN" : "no test ran";
  return { name, verdict, seconds, by: failed > 0 ? first : harm };
}

/** Runs the tests of one file, those whose names match; counts them. */
async function vitest(copy, { file, name, env = {}, built = false }) {
  const started = Date.now();
  const report = join(copy.folder, "report.json");
  rmSync(report, { force: true });
  const args = ["node_modules/vitest/vitest.mjs", "run", file, "--reporter=json", `--outputFile=${report}`];
  if (!built) args.push("--config", WITHOUT_BUILD);
  if (name !== undefined) args.push("--testNamePattern", name);
  const child = spawn(process.execPath, args, {
    cwd: copy.folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  await new Promise((resolve, reject) => child.once("error", reject).once("exit", resolve));
  return { ...countsOf(report), seconds: Math.round((Date.now() - started) / 1_000) };
}

function countsOf(report) {
  const {
    numPassedTests: passed,
    numFailedTests: failed,
    testResults,
  } = JSON.parse(readFileSync(report, "utf8"));
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  return { passed, failed, first: wordsOf(results.find(({ status }) => status === "failed")) };
}

/** Its name, or, of the chaos suite, which invariants it saw broken. */
function wordsOf(failure) {
  if (failure === undefined) return "";
  const broken = failure.failureMessages.join("\n").matchAll(/"invariant": "(I\d+)"/g);
  const names = [...new Set([...broken].map(([, name]) => name))];
  return names.length > 0 ? `${names.join(", ")} broken` : failure.fullName.trim();
}

function cell(text, index) {
  return index === 3 ? text : String(text).padEnd([32, 12, 6][index]);
}

function rowText({ name, verdict, seconds, by }) {
  return [name, verdict, seconds, by].map(cell).join("");
}
