import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parts } from "./parts/index.mjs";
import { names } from "./rivals/index.mjs";

/** Milliseconds after which a case of a part has failed. */
const deadlines = { quick: 60_000, usual: 300_000, full: 1_800_000 };

/** Sizes of each part. `quick` shows that everything works; its figures mean nothing. */
const sizes = {
  quick: {
    a: { events: { 1: 100 } },
    b: {
      rates: { warmup: 20, leadSeconds: 0.1, seconds: { 100: 0.3 }, only: ["hms-sync"] },
      php: { warmup: 5, events: 10, rate: 100 },
    },
    c: {
      sizes: [{ count: 40, repeat: 2, warmup: 20, only: allBut("streams") }],
    },
    d: { counts: [60] },
    e: { seconds: 1, settleSeconds: 0.5 },
    f: { singles: 40, batches: 2 },
    g: { rate: 50, seconds: 1 },
    h: { cost: 100, memory: 100, others: ["fetch, framed"] },
  },
  usual: {
    a: { events: { 1: 15_000, 3: 20_000, 10: 6_000, 30: 2_000 } },
    b: {
      rates: {
        ...{ warmup: 10_000, paced: { rate: 1_000, count: 8_000 } },
        ...{ leadSeconds: 0.5, seconds: { 50: 5, 200: 2, 1000: 3, 3000: 3 } },
      },
      php: { warmup: 5_000, events: 300, rate: 50 },
    },
    c: {
      sizes: [
        { count: 1_000, repeat: 3, warmup: 2_000 },
        { count: 20_000, warmup: 2_000, only: allBut("bullmq") },
      ],
      trickle: { count: 2_000, rate: 1_000, warmup: 2_000 },
    },
    d: { counts: [30_000] },
    e: { seconds: 6, settleSeconds: 2 },
    f: { singles: 4_000, batches: 80 },
    g: { rate: 500, seconds: 60 },
    h: { cost: 10_000, memory: 100_000 },
  },
};
sizes.full = {
  ...sizes.usual,
  c: {
    sizes: [
      { count: 1_000, repeat: 15, warmup: 5_000 },
      { count: 100_000, warmup: 5_000, only: allBut("bullmq") },
      { count: 1_000_000, warmup: 5_000, only: ["hms-sync", "streams-bridge", "nats"] },
    ],
    trickle: { count: 20_000, rate: 1_000, warmup: 2_000 },
  },
  d: { counts: [1_000_000] },
  g: { rate: 500, seconds: 600 },
  h: { cost: 20_000, memory: 1_000_000 },
};

function allBut(left) {
  return names.filter((name) => name !== left);
}

const usage = `usage: npm run bench -- [--rounds 5] [--only a,b,…] [--rivals ${names.join(",")}] [--quick | --full]
                    [--out DIR] [--directory DIR] [--fsync always|everysec|no]
Writes to docs/ when all parts are measured with all rivals, else only where --out says.
parts:
${Object.entries(parts)
  .map(([key, { title }]) => `  ${key}  ${title}`)
  .join("\n")}`;

const options = {
  rounds: { type: "string" },
  only: { type: "string" },
  rivals: { type: "string" },
  quick: { type: "boolean", default: false },
  full: { type: "boolean", default: false },
  out: { type: "string" },
  directory: { type: "string", default: tmpdir() },
  fsync: { type: "string" },
  help: { type: "boolean", default: false },
};

/** What the command line asks for: `{settings}`, or `{help}`, or `{problem}` with the usage. */
export function readSettings(args) {
  try {
    const { values } = parseArgs({ args, options });
    return values.help ? { help: usage } : { settings: settingsOf(values) };
  } catch (error) {
    return { problem: `${error.message}\n${usage}` };
  }
}

function settingsOf(values) {
  const mode = values.quick ? "quick" : values.full ? "full" : "usual";
  const whole = mode !== "quick" && values.only === undefined && values.rivals === undefined;
  return {
    mode,
    rounds: roundsOf(values.rounds ?? (values.quick ? "1" : "5")),
    only: listed("--only", values.only, Object.keys(parts)),
    rivals: listed("--rivals", values.rivals, names),
    out: values.out ?? (whole ? join(import.meta.dirname, "../docs") : undefined),
    directory: values.directory,
    fsync: values.fsync ?? (values.quick ? "everysec" : "always"),
    sizes: sizes[mode],
    deadlineMs: deadlines[mode],
  };
}

function roundsOf(text) {
  const rounds = Number(text);
  if (Number.isInteger(rounds) && rounds >= 1) return rounds;
  throw new Error(`--rounds ${text} is no number of rounds; give 1 or more`);
}

function listed(option, text, known) {
  if (text === undefined) return known;
  const list = text.split(",");
  const wrong = list.find((each) => !known.includes(each));
  if (wrong !== undefined)
    throw new Error(`${option} ${wrong} is not known; give some of ${known.join(",")}`);
  return known.filter((each) => list.includes(each));
}
