import type { LedgerEntry, Observation, Row } from "./observation.js";
import { type Operation, wasAccepted } from "./operation-log.js";
import { SECRET } from "./payloads.js";

export type InvariantName = "I1" | "I2" | "I3" | "I4" | "I5" | "I6" | "I7" | "I8" | "I9" | "I10";

export interface Violation {
  readonly invariant: InvariantName;
  readonly what: string;
}

type Check = (seen: Observation) => string[];

/** Longer than this a sidecar must not call itself well while Redis is away (ms). */
const NOTICED_WITHIN_MS = 8_000;
const MOST_RSS_KB = 700 * 1_024;
const MOST_REDIS_BYTES = 512 * 1_024 * 1_024;

/** I1: what was accepted is in the ledger, once; nothing is there that nobody published. */
const accepted: Check = ({ operations, ledger }) => {
  const known = new Map(operations.map((operation) => [nameOf(operation.topic, operation.id), operation]));
  const found = new Map<string, number>();
  const problems: string[] = [];
  for (const [topic, entries] of ledger) {
    for (const { id, source } of entries) {
      const name = nameOf(topic, id);
      found.set(name, (found.get(name) ?? 0) + 1);
      const operation = known.get(name);
      if (operation === undefined) problems.push(`${name} is in the ledger and nobody published it`);
      else if (operation.source !== source)
        problems.push(`${name} is in the ledger as ${source}'s, not ${operation.source}'s`);
    }
  }
  for (const [name, times] of found) if (times > 1) problems.push(`${name} is in the ledger ${times} times`);
  for (const operation of operations) {
    const name = nameOf(operation.topic, operation.id);
    if (!operation.bad && wasAccepted(operation) && !found.has(name))
      problems.push(`${name} was accepted (${lastOk(operation)}) and is not in the ledger`);
  }
  return problems;
};

/** I2: each (event, consumer) is exactly one of acked, pending, dead; what was acked is not delivered again. */
const settledOnce: Check = (seen) => [
  ...sumsOf(seen),
  ...unworked(seen),
  ...twice(seen.deadLetters.map(({ consumer, topic, event }) => `${consumer}: ${nameOf(topic, event)}`)).map(
    (name) => `${name} is a dead letter twice`,
  ),
  ...deliveredAfterAck(seen),
  ...deliveredWhileExtended(seen),
];

function sumsOf({ accounts, ledger }: Observation): string[] {
  return accounts.flatMap(({ topic, consumer, recorded, acked, owed, dead, skipped }) => {
    const sum = acked + owed + dead + skipped;
    const kept = ledger.get(topic)?.length ?? 0;
    const said = `acked ${acked} + owed ${owed} + dead ${dead} + skipped ${skipped} = ${sum}`;
    if (sum !== recorded) return [`${consumer} of ${topic}: ${said}, but ${recorded} events were recorded`];
    return kept > recorded ? [`${topic} keeps ${kept} events, but ${recorded} were recorded`] : [];
  });
}

/** Events of the ledger that a consumer neither wrote nor has as a dead letter, though it is owed nothing. */
function unworked({ accounts, lanes, ledger, rows, deadLetters }: Observation): string[] {
  const worked = new Set([
    ...rows.map(({ consumer, topic, event }) => `${consumer} ${nameOf(topic, event)}`),
    ...deadLetters.map(({ consumer, topic, event }) => `${consumer} ${nameOf(topic, event)}`),
  ]);
  return lanes.flatMap(({ consumer, topic }) => {
    const account = accounts.find((each) => each.consumer === consumer && each.topic === topic);
    if (account === undefined) return [`status tells nothing of ${consumer} of ${topic}`];
    if (account.owed > 0) return [];
    return (ledger.get(topic) ?? [])
      .filter(({ id }) => !worked.has(`${consumer} ${nameOf(topic, id)}`))
      .map(({ id }) => `${consumer} never wrote ${nameOf(topic, id)}, and is not owed it`);
  });
}

function deliveredAfterAck({ probe }: Observation): string[] {
  const ackedAt = new Map<string, number>();
  for (const { id, action, result, at } of probe.settles)
    if (action === "ack" && result === "ok" && !ackedAt.has(id)) ackedAt.set(id, at);
  return probe.deliveries
    .filter(
      ({ id, askedAt, replayed }) => !replayed && askedAt > (ackedAt.get(id) ?? Number.POSITIVE_INFINITY),
    )
    .map(({ id, askedAt }) => `${id} came ${askedAt - ackedAt.get(id)!} ms after its ack was answered ok`);
}

/** An extension that was answered ok holds the event for ack_wait from when it was asked for, at least. */
function deliveredWhileExtended({ probe }: Observation): string[] {
  const extended = probe.settles.filter(
    ({ action, result, stale }) => action === "extend" && result === "ok" && !stale,
  );
  return extended.flatMap(({ id, token, sentAt, at }) =>
    probe.deliveries
      .filter((other) => other.id === id && other.token !== token && !other.replayed)
      .filter((other) => other.askedAt > at && other.at < sentAt + probe.ackWaitMs)
      .slice(0, 1)
      .map((other) => `${id} was handed out again ${other.at - sentAt} ms after its lease had been extended`),
  );
}

/** I3: with once, at most one committed effect. */
const effectOnce: Check = ({ rows, lanes }) => {
  const once = new Set(lanes.flatMap((lane) => (lane.once ? [`${lane.consumer} ${lane.topic}`] : [])));
  const effects = rows.filter((row) => !row.replayed && once.has(`${row.consumer} ${row.topic}`));
  return twice(effects.map(({ consumer, topic, event }) => `${consumer}: ${nameOf(topic, event)}`)).map(
    (name) => `${name} took effect twice`,
  );
};

/** I4: an event of Laravel's is in the ledger if and only if its database committed it. */
const committed: Check = ({ operations, ledger, laravel }) => {
  if (laravel === undefined) return [];
  const { source, committed } = laravel;
  const kept = new Set([...ledger.values()].flatMap((entries) => entries.map(({ id }) => id)));
  return [
    ...[...ledger].flatMap(([topic, entries]) =>
      entries
        .filter((entry) => entry.source === source && !committed.has(entry.id))
        .map(({ id }) => `${nameOf(topic, id)} was delivered and its transaction never committed`),
    ),
    ...operations
      .filter((operation) => operation.source === source && committed.has(operation.id))
      .filter(({ id }) => !kept.has(id))
      .map(({ topic, id }) => `${nameOf(topic, id)} was committed by Laravel and is not in the ledger`),
  ];
};

/** I5: order per key where promised: rows stand in the order of the ledger, and Laravel's events there in that of its outbox. */
const inOrder: Check = (seen) => [...writtenInOrder(seen), ...relayedInOrder(seen)];

function relayedInOrder({ laravel, ledger, operations }: Observation): string[] {
  const place = new Map(laravel?.outbox.map((id, index) => [id, index]));
  const keys = new Map(operations.map(({ id, key }) => [id, key]));
  return [...ledger].flatMap(([topic, entries]) => {
    const latest = new Map<string, string>();
    return entries.flatMap(({ id, source }) => {
      if (source !== laravel?.source) return [];
      const key = keys.get(id) ?? "";
      const before = latest.get(key);
      latest.set(key, id);
      if (before === undefined || (place.get(before) ?? 0) <= (place.get(id) ?? 0)) return [];
      return [`${nameOf(topic, id)} of key ${key} was recorded after ${before}, which Laravel fired later`];
    });
  });
}

function writtenInOrder({ ordered, ledger, rows, operations }: Observation): string[] {
  const keys = new Map(operations.map(({ topic, id, key }) => [nameOf(topic, id), key]));
  return ordered.flatMap(({ topic, consumer }) => {
    const place = new Map((ledger.get(topic) ?? []).map(({ id }, index) => [id, index]));
    const latest = new Map<string, Row>();
    return rows
      .filter((row) => row.consumer === consumer && row.topic === topic && !row.replayed)
      .sort((one, other) => one.seq - other.seq)
      .flatMap((row) => {
        const key = keys.get(nameOf(topic, row.event)) ?? "";
        const before = latest.get(key);
        latest.set(key, row);
        if (before === undefined || place.get(before.event)! <= place.get(row.event)!) return [];
        return [`${consumer}: ${row.event} of key ${key} was written after ${before.event}, a later event`];
      });
  });
}

/** I6: no system sees another's; nobody's payload is in a log. */
const apart: Check = ({ rows, steps, lanes, trespasses, logs }) => {
  const own = new Set(lanes.map(({ consumer, topic }) => `${consumer} ${topic}`));
  const foreign = [...rows, ...steps].filter(({ consumer, topic }) => !own.has(`${consumer} ${topic}`));
  return [
    ...new Set(foreign.map(({ consumer, topic }) => `${consumer} was given an event of ${topic}`)),
    ...trespasses
      .filter(({ status }) => status < 400)
      .map(({ what, status }) => `${what} with another system's key answered ${status}`),
    ...(logs.includes(SECRET) ? ["a sidecar logged part of a payload"] : []),
  ];
};

/** I7: a stale lease settles nothing. */
const staleSettlesNothing: Check = ({ probe, deadLetters }) => [
  ...probe.settles
    .filter(({ stale, result }) => stale && result === "ok")
    .map(({ id, action, token }) => `${action} of ${id} with the superseded token ${token} was answered ok`),
  ...deadLetters
    .filter(({ consumer, reason }) => consumer === probe.consumer && reason.includes(STALE_REASON))
    .map(({ event }) => `${event} is a dead letter by a superseded token`),
];

/** Reason that the probe gives when it terms with a superseded token; nobody else gives it. */
export const STALE_REASON = "by a superseded lease";

/** I8: memory is bounded, and nothing is owed 60 s after the last fault. */
const bounded: Check = ({ drains, samples, redisBytes }) => {
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
const loud: Check = (seen) => [
  ...quietRefusals(seen),
  ...quietOutages(seen),
  ...seen.ends
    .filter(
      ({ expected, code, lastWords }) =>
        !expected && (code === 0 || !/"level":"(error|fatal)"|^Error/m.test(lastWords)),
    )
    .map(({ title, code, signal }) => `${title} ended by itself (${code ?? signal}) and said no error`),
  ...[
    ...new Set(
      seen.logs.match(/\b(?:TypeError|ReferenceError|RangeError|unhandled\w*)[^\n"]{0,120}/gi) ?? [],
    ),
  ].map((text) => `a sidecar stumbled over itself: ${text}`),
];

function quietRefusals({ operations, rejects, rejectCount, ledger }: Observation): string[] {
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
    const isTold =
      all.includes(`"${operation.id}"`) || all.includes(operation.payload) || rejectCount > rejects.length;
    return isTold ? [] : [`${name} breaks its schema and is neither in the ledger nor a reject`];
  });
}

function quietOutages({ outages, samples }: Observation): string[] {
  return outages.flatMap(({ from, to = Date.now() }) =>
    samples
      .filter(({ at }) => at > from + NOTICED_WITHIN_MS && at < to)
      .filter(({ ready, status, state }) => ready === 200 && status === 200 && state === "ok")
      .slice(0, 1)
      .map(({ sidecar, at }) => `${sidecar} called itself well ${at - from} ms after Redis had gone`),
  );
}

/** I10: payload bytes are equal end to end, but for line breaks and their indentation: an envelope is one line. */
const bytesEqual: Check = ({ operations, ledger, rows }) => {
  const sent = new Map(operations.map(({ topic, id, payload }) => [nameOf(topic, id), onOneLine(payload)]));
  const differs = (topic: string, id: string, text: string) =>
    sent.has(nameOf(topic, id)) && sent.get(nameOf(topic, id)) !== text;
  return [
    ...[...ledger].flatMap(([topic, entries]: [string, readonly LedgerEntry[]]) =>
      entries
        .filter(({ id, payload }) => differs(topic, id, payload))
        .map(({ id }) => `${nameOf(topic, id)} has another payload in the ledger than was sent`),
    ),
    ...rows
      .filter(({ topic, event, body }) => differs(topic, event, body))
      .map(
        ({ consumer, topic, event }) =>
          `${consumer} wrote another payload of ${nameOf(topic, event)} than was sent`,
      ),
  ];
};

export const invariants: Readonly<Record<InvariantName, Check>> = {
  I1: accepted,
  I2: settledOnce,
  I3: effectOnce,
  I4: committed,
  I5: inOrder,
  I6: apart,
  I7: staleSettlesNothing,
  I8: bounded,
  I9: loud,
  I10: bytesEqual,
};

/** Everything that is wrong in what was seen; a healthy bus has no violation whatever was done to it. */
export function violationsOf(seen: Observation): Violation[] {
  return Object.entries(invariants).flatMap(([invariant, check]) =>
    check(seen).map((what) => ({ invariant: invariant as InvariantName, what })),
  );
}

function onOneLine(payload: string): string {
  return payload.replace(/[\r\n][ \t\r\n]*/g, "");
}

function nameOf(topic: string, id: string): string {
  return `${topic}/${id}`;
}

function lastOk({ attempts }: Operation): string {
  const ok = attempts.findLast(({ outcome }) => outcome === "ok")!;
  return `${ok.door} ${ok.detail ?? ""} at ${new Date(ok.at).toISOString()}`;
}

function twice(names: readonly string[]): string[] {
  const seen = new Set<string>();
  return [...new Set(names.filter((name) => seen.size === seen.add(name).size))];
}
