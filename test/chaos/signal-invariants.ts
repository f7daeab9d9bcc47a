import { type Check, forgotten, nameOf } from "./history.js";
import type { Observation } from "./observation.js";
import { type Operation, wasAccepted } from "./operation-log.js";

/** Longer than this a sidecar must not call itself well while Redis is away (ms). */
const NOTICED_WITHIN_MS = 8_000;
const MOST_RSS_KB = 700 * 1_024;
const MOST_REDIS_BYTES = 512 * 1_024 * 1_024;

/** I8: memory is bounded, and nothing is owed 60 s after the last fault. */
export const bounded: Check = ({ drains, samples, redisBytes }) => {
  const biggest = Math.max(0, ...samples.map(({ rssKb = 0 }) => rssKb));
  return [
    ...drains.flatMap(({ ms, left }) =>
      left.length === 0 ? [] : [`not drained ${ms} ms after healing: ${left.join("; ")}`],
    ),
    ...(biggest > MOST_RSS_KB ? [`a sidecar grew to ${biggest} kB`] : []),
    ...(redisBytes > MOST_REDIS_BYTES ? [`Redis holds ${redisBytes} bytes`] : []),
  ];
};

/** I9: every failure is loud. */
export const loud: Check = (seen) => [
  ...quietRefusals(seen),
  ...quietOutages(seen),
  ...quietLosses(seen),
  ...seen.ends
    .filter(
      ({ expected, code, lastWords }) =>
        !expected && (code === 0 || !/"level":"(error|fatal)"|^error/im.test(lastWords)),
    )
    .map(({ title, code, signal }) => `${title} ended by itself (${code ?? signal}) and said no error`),
  ...[
    ...new Set(
      seen.logs.match(/\b(?:TypeError|ReferenceError|RangeError|unhandled\w*)[^\n"]{0,120}/gi) ?? [],
    ),
  ].map((text) => `a sidecar stumbled over itself: ${text}`),
];

function quietLosses({ losses, stillTold }: Observation): string[] {
  return [
    ...losses.flatMap(({ at, topics, told = [] }) =>
      topics
        .filter((topic) => !told.some((each) => each.topic === topic))
        .map(
          (topic) => `nobody said that ${topic} went back when Redis died at ${new Date(at).toISOString()}`,
        ),
    ),
    ...stillTold.map(
      ({ topic }) => `it is told that ${topic} went back, after that was seen to or without it`,
    ),
  ];
}

function quietRefusals(seen: Observation): string[] {
  const { operations, rejects, rejectCount, ledger } = seen;
  const recorded = new Set(
    [...ledger].flatMap(([topic, entries]) => entries.map(({ id }) => nameOf(topic, id))),
  );
  const all = rejects.join("\n");
  return operations.flatMap((operation) => {
    const name = nameOf(operation.topic, operation.id);
    const refused = operation.attempts.find(
      ({ outcome, detail = "" }) => outcome === "failed" && /^4(?!29|08)/.test(detail),
    );
    if (!operation.bad)
      return refused === undefined ? [] : [`${name} is good and was refused: ${refused.detail}`];
    if (recorded.has(name)) return [`${name} breaks its schema and is in the ledger`];
    if (!wasAccepted(operation)) return [];
    if (operation.attempts[0]!.door === "http") return [`${name} breaks its schema and was answered 202`];
    if (forgotten(seen, lastOkAt(operation), Date.now())) return []; // with all that Redis held
    const isTold =
      all.includes(`"${operation.id}"`) || all.includes(operation.payload) || rejectCount > rejects.length;
    return isTold ? [] : [`${name} breaks its schema and is neither in the ledger nor a reject`];
  });
}

function quietOutages({ outages, samples }: Observation): string[] {
  return outages.flatMap(({ from, to = Date.now() }) =>
    samples
      .filter(({ at, until }) => at > from + NOTICED_WITHIN_MS && until < to)
      .filter(({ ready, status, state }) => ready === 200 && status === 200 && state === "ok")
      .slice(0, 1)
      .map(({ sidecar, at }) => `${sidecar} called itself well ${at - from} ms after Redis had gone`),
  );
}

function lastOkAt({ attempts }: Operation): number {
  const ok = attempts.findLast(({ outcome }) => outcome === "ok")!;
  return ok.until ?? ok.at;
}
