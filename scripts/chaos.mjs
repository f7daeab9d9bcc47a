/**
 * Faults at random on a whole installation of real processes, for as long as asked: `npm run chaos -- --minutes 20 --seed N`.
 * The seed is printed and replays the plan; from 3 minutes on faults that take their time are among them. `--only 'redis|relay'` (a
 * regular expression) mixes the faults with such names alone. Exit code 0 when no promise was broken, 1 when one was, 2 on bad arguments.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./lib/paths.mjs";
import { runVisible } from "./lib/run.mjs";

const USAGE = "usage: npm run chaos -- [--minutes N] [--seed N] [--only REGEXP]";

process.exitCode = await main();

async function main() {
  const options = readOptions();
  if (options === undefined) return 2;
  const env = { CHAOS_MINUTES: options.minutes, CHAOS_SEED: options.seed, CHAOS_ONLY: options.only };
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs"); // it builds first
  return await runVisible(process.execPath, [vitest, "run", "test/chaos/chaos.test.ts"], { env });
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: "string", default: "20" },
        only: { type: "string", default: "" },
        seed: { type: "string", default: String(Date.now() % 1_000_000) },
      },
    });
    if (!/^\d{1,4}(\.\d+)?$/.test(values.minutes) || Number(values.minutes) === 0)
      throw new Error(`--minutes=${values.minutes} is no number of minutes above 0`);
    if (!/^\d{1,9}$/.test(values.seed))
      throw new Error(`--seed=${values.seed} is no whole number of at most 9 digits`);
    if (!isRegExp(values.only)) throw new Error(`--only=${values.only} is no regular expression`);
    return values;
  } catch (error) {
    process.stderr.write(`${error.message}\n${USAGE}\n`);
    return undefined;
  }
}

function isRegExp(text) {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}
