import { median } from "./figures.mjs";
import { ratios, subject } from "./tables.mjs";

const ratioTo = (part, caseName, rival, least) => ({
  part,
  text: `${caseName}: events/s at least ${least} times those of ${rival}`,
  limit: { least },
  values: ({ rows }) => ratios(rows, "perSecond", caseName, rival),
});

const figure = (part, caseName, name, text, limit) => ({
  part,
  text,
  limit,
  values: ({ rows }) => figuresOf(rows, caseName, name),
});

/** What is aimed at. Each is judged by the median of its rounds. */
const goals = [
  ratioTo("a", "3 consumers", "nats", 3),
  ratioTo("a", "3 consumers", "bullmq", 8),
  ratioTo("a", "3 consumers", "streams-bridge", 1),
  ratioTo("a", "3 consumers", "streams", 0.5),
  figure("b", "50 events/s", "p50", "50 events/s: p50 at most 3 ms", { most: 3 }),
  figure("b", "50 events/s", "p99", "50 events/s: p99 at most 9 ms", { most: 9 }),
  ...["1,000 events/s", "3,000 events/s"].flatMap((rate) => [
    figure("b", rate, "p50", `${rate}: p50 at most 5 ms`, { most: 5 }),
    figure("b", rate, "p99", `${rate}: p99 at most 25 ms`, { most: 25 }),
  ]),
  {
    part: "c",
    text: "1,000,000 owed: drained at least 0.9 times as fast as 1,000",
    limit: { least: 0.9 },
    values: ({ rows }) => {
      const small = figuresOf(rows, "1,000 owed", "perSecond");
      return figuresOf(rows, "1,000,000 owed", "perSecond").map((large, round) => large / small[round]);
    },
  },
  {
    part: "c",
    text: "At most 10 bytes of Redis per owed event beside the kept copy, the worst of all backlogs",
    limit: { most: 10 },
    values: ({ rows }) =>
      rows.filter(({ rival }) => rival === subject).flatMap(({ figures }) => figures.owedBytes ?? []),
    judge: (values) => Math.max(...values),
  },
  figure("e", "15 waiting pulls", "corePercent", "An idle bus: less than 1 % of a core", { below: 1 }),
  {
    part: "h",
    text: "CPU of the client per event at most 1.5 times that of bare fetch in the same format",
    limit: { most: 1.5 },
    values: ({ rows }) => ratios(rows, "cpuMicroseconds", "an event read and acked", "fetch, framed"),
  },
  figure("h", "1,000,000 events", "clientMegabytes", "The client over 1,000,000 events: less than 150 MB", {
    below: 150,
  }),
  figure("h", "1,000,000 events", "clientGrowth", "… and flat: last quarter to second at most 1.1", {
    most: 1.1,
  }),
];

/** Every goal with what was measured: `{part, text, measured, met}`; both undefined where nothing was. */
export function judged(parts) {
  return goals.map(({ part, text, limit, values, judge = median }) => {
    const found = parts[part] === undefined ? [] : values(parts[part]).filter(Number.isFinite);
    if (found.length === 0) return { part, text };
    const measured = Number(judge(found).toPrecision(3));
    return { part, text, measured, met: within(measured, limit) };
  });
}

function within(
  value,
  { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY, below = Number.POSITIVE_INFINITY },
) {
  return value >= least && value <= most && value < below;
}

function figuresOf(rows, caseName, name) {
  return rows.find((row) => row.case === caseName && row.rival === subject)?.figures[name] ?? [];
}
