import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { parts } from "./parts/index.mjs";
import { names } from "./rivals/index.mjs";

/** Sizes of each part. `quick` shows that everything works; its figures mean nothing. */
const sizes = {
  quick: {
    a: { events: { 3: 100 } },
    b: {
      rates: { warmup: 20, leadSeconds: 0.1, seconds: { 100: 0.3 } },
      php: { warmup: 5, events: 10, rate: 100 },
    },
    c: {
      sizes: [{ count: 40, repeat: 2, warmup: 20 }],
      trickle: { count: 30, rate: 200, warmup: 20 },
    },
    d: { counts: [60] },
    e: { seconds: 1, settleSeconds: 0.5 },
    f: { singles: 40, batches: 2 },
    g: { rate: 50, seconds: 1 },
    h: { cost: 100, memory: 100 },
  },
  usual: {
    a: { events: { 1: 30_000, 3: 30_000, 10: 10_000, 30: 3_000 } },
    b: {
      rates: { warmup: 2_000, leadSeconds: 0.5, seconds: { 50: 6, 200: 4, 1000: 4, 3000: 4 } },
      php: { warmup: 500, events: 300, rate: 50 },
    },
    c: {
      sizes: [
        { count: 1_000, repeat: 7, warmup: 2_000 },
        { count: 30_000, warmup: 2_000, only: allBut("bullmq") },
      ],
      trickle: { count: 2_000, rate: 1_000, warmup: 2_000 },
    },
    d: { counts: [30_000] },
    e: { seconds: 8, settleSeconds: 3 },
    f: { singles: 4_000, batches: 80 },
    g: { rate: 500, seconds: 60 },
    h: { cost: 20_000, memory: 100_000 },
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
parts: ${Object.entries(parts)
  .map(([key, { title }]) => `${key}) ${title}`)
  .join("\n       ")}`;

/** What the command line asks for. Throws with the usage. */
export function readSettings(args) {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string" },
      only: { type: "string", default: Object.keys(parts).join(",") },
      rivals: { type: "string", default: names.join(",") },
      quick: { type: "boolean", default: false },
      full: { type: "boolean", default: false },
      out: { type: "string" },
      directory: { type: "string", default: tmpdir() },
      fsync: { type: "string" },
    },
  });
  const mode = values.quick ? "quick" : values.full ? "full" : "usual";
  const settings = {
    mode,
    rounds: values.rounds === undefined ? (values.quick ? 1 : 5) : Number(values.rounds),
    only: listed("--only", values.only, Object.keys(parts)),
    rivals: listed("--rivals", values.rivals, names),
    out: values.out,
    directory: values.directory,
    fsync: values.fsync ?? (values.quick ? "everysec" : "always"),
    sizes: sizes[mode],
  };
  if (!Number.isInteger(settings.rounds) || settings.rounds < 1)
    throw new Error(`--rounds ${values.rounds} is no number of rounds\n${usage}`);
  return settings;
}

function listed(option, text, known) {
  const list = text.split(",");
  const wrong = list.find((each) => !known.includes(each));
  if (wrong !== undefined)
    throw new Error(`${option} ${wrong} is not known; give some of ${known}\n${usage}`);
  return known.filter((each) => list.includes(each));
}
