import { parts } from "./parts/index.mjs";
import { rivalNamed } from "./rivals/index.mjs";
import { Skipped } from "./skipped.mjs";

/**
 * Measures the parts, every rival in every round and in turned order, and collects the figures of all rounds:
 * `{[part]: {rounds, measuredAt, rows: [{case, rival, owed, delivered, acked, figures: {name: [one a round]}}]}}`.
 */
export async function measure(settings, log) {
  const rivals = await present(settings.rivals, log);
  const collected = {};
  for (let round = 1; round <= settings.rounds; round++)
    for (const key of settings.only) {
      const part = parts[key];
      if (round > (part.rounds ?? settings.rounds)) continue;
      collected[key] ??= { rounds: 0, measuredAt: new Date().toISOString(), mode: settings.mode, rows: [] };
      collected[key].rounds = round;
      for (const { job, rival } of turns(part, settings.sizes[key], rivals, round)) {
        const results = await measureOne(part, rival, job, settings, log);
        for (const result of results) {
          log(`round ${round}  ${key}  ${line(result)}`);
          add(collected[key].rows, result);
        }
      }
    }
  return collected;
}

/** Each job with each of its rivals, side by side; the order of rivals turns with the rounds. */
function turns(part, sizes, rivals, round) {
  const own = part.rivals === "all" ? rivals : rivals.filter((rival) => part.rivals.includes(rival));
  const due = part.jobs(sizes).filter(({ rounds = round }) => round <= rounds);
  return due.flatMap((job) => {
    const these = own.filter((rival) => job.only === undefined || job.only.includes(rival));
    return these.map((_, index) => ({ job, rival: these[(index + round - 1) % these.length] }));
  });
}

async function measureOne(part, rival, job, { directory, fsync, deadlineMs }, log) {
  try {
    const measuring = part.measure(rival, job, { directory, fsync });
    return await within(deadlineMs, measuring, `${rival}, ${part.title}, ${JSON.stringify(job)}`);
  } catch (error) {
    if (!(error instanceof Skipped)) throw error;
    log(`skipped: ${error.message}`);
    return [];
  }
}

async function within(deadlineMs, measuring, what) {
  let timer;
  const late = new Promise((_, reject) => {
    const error = new Error(`${what}: not every event was acked within ${deadlineMs / 1000} s`);
    timer = setTimeout(() => reject(error), deadlineMs);
  });
  return await Promise.race([measuring, late]).finally(() => clearTimeout(timer));
}

async function present(names, log) {
  const found = [];
  for (const name of names) {
    const missing = (await rivalNamed(name)).missing?.();
    if (missing === undefined) found.push(name);
    else log(`skipped: ${name}: ${missing}`);
  }
  return found;
}

function add(rows, { figures, owed = 0, delivered = 0, acked = 0, ...names }) {
  let row = rows.find((each) => each.case === names.case && each.rival === names.rival);
  if (row === undefined) {
    row = { ...names, owed: 0, delivered: 0, acked: 0, figures: {} };
    rows.push(row);
  }
  row.owed += owed;
  row.delivered += delivered;
  row.acked += acked;
  for (const [name, value] of Object.entries(figures)) {
    row.figures[name] ??= [];
    row.figures[name].push(Number(value.toPrecision(5)));
  }
}

function line({ rival, case: name, figures }) {
  const shown = Object.entries(figures).map(([figure, value]) => `${figure} ${Number(value.toPrecision(4))}`);
  return `${name.padEnd(34)} ${rival.padEnd(15)} ${shown.join("  ")}`;
}
