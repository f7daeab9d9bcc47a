import { type Check, forgotten, movedEvents, nameOf, twice } from "./history.js";
import type { Observation, Row } from "./observation.js";
import { SECRET } from "./payloads.js";

/** I2: each (event, consumer) is exactly one of acked, pending, dead; what was acked is not delivered again. */
export const settledOnce: Check = (seen) => [
  ...sumsOf(seen),
  ...unworked(seen),
  ...twice(
    seen.deadLetters
      .filter(({ event }) => event !== "")
      .map(({ consumer, topic, event }) => `${consumer}: ${nameOf(topic, event)}`),
  ).map((name) => `${name} is a dead letter twice`),
  ...(seen.losses.length > 0 ? [] : unknownDead(seen)),
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

/** Where Redis lost the ledger's copy of an event that was handed out, its dead letter has none; elsewhere each has one. */
function unknownDead({ deadLetters }: Observation): string[] {
  return deadLetters
    .filter(({ event }) => event === "")
    .map(
      ({ consumer, topic, reason }) => `a dead letter of ${consumer} of ${topic} has no event (${reason})`,
    );
}

function deliveredAfterAck(seen: Observation): string[] {
  const { probe } = seen;
  const acks = new Map<string, number[]>();
  for (const { id, action, result, at } of probe.settles)
    if (action === "ack" && result === "ok") acks.set(id, [...(acks.get(id) ?? []), at]);
  return probe.deliveries.flatMap(({ id, at, askedAt, replayed }) => {
    const ackedAt = acks.get(id)?.find((ack) => ack < askedAt && !forgotten(seen, ack, at));
    if (replayed || ackedAt === undefined) return [];
    return [`${id} came ${askedAt - ackedAt} ms after its ack was answered ok`];
  });
}

/** An extension that was answered ok holds the event for ack_wait from when it was asked for, at least. */
function deliveredWhileExtended(seen: Observation): string[] {
  const { probe } = seen;
  const extended = probe.settles.filter(
    ({ action, result, stale }) => action === "extend" && result === "ok" && !stale,
  );
  return extended.flatMap(({ id, token, sentAt, at }) =>
    probe.deliveries
      .filter((other) => other.id === id && other.token !== token && !other.replayed)
      .filter((other) => other.askedAt > at && other.at < sentAt + probe.ackWaitMs)
      .filter((other) => !forgotten(seen, sentAt, other.at))
      .slice(0, 1)
      .map((other) => `${id} was handed out again ${other.at - sentAt} ms after its lease had been extended`),
  );
}

/** I3: with once, at most one committed effect. */
export const effectOnce: Check = ({ rows, lanes }) => {
  const once = new Set(lanes.flatMap((lane) => (lane.once ? [`${lane.consumer} ${lane.topic}`] : [])));
  const effects = rows.filter((row) => !row.replayed && once.has(`${row.consumer} ${row.topic}`));
  return twice(effects.map(({ consumer, topic, event }) => `${consumer}: ${nameOf(topic, event)}`)).map(
    (name) => `${name} took effect twice`,
  );
};

/** I5: order per key where promised: rows stand in the order of the ledger, and Laravel's events there in that of its outbox. */
export const inOrder: Check = (seen) => [...writtenInOrder(seen), ...relayedInOrder(seen)];

function relayedInOrder(seen: Observation): string[] {
  const { laravel, ledger, operations } = seen;
  const moved = movedEvents(seen);
  const place = new Map(laravel?.outbox.map((id, index) => [id, index]));
  const keys = new Map(operations.map(({ id, key }) => [id, key]));
  return [...ledger].flatMap(([topic, entries]) => {
    const latest = new Map<string, string>();
    return entries.flatMap(({ id, source }) => {
      if (source !== laravel?.source || moved.has(id)) return [];
      const key = keys.get(id) ?? "";
      const before = latest.get(key);
      latest.set(key, id);
      if (before === undefined || (place.get(before) ?? 0) <= (place.get(id) ?? 0)) return [];
      return [`${nameOf(topic, id)} of key ${key} was recorded after ${before}, which Laravel fired later`];
    });
  });
}

function writtenInOrder(seen: Observation): string[] {
  const { ordered, ledger, rows, operations } = seen;
  const moved = movedEvents(seen);
  const keys = new Map(operations.map(({ topic, id, key }) => [nameOf(topic, id), key]));
  return ordered.flatMap(({ topic, consumer }) => {
    const place = new Map((ledger.get(topic) ?? []).map(({ id }, index) => [id, index]));
    const latest = new Map<string, Row>();
    return rows
      .filter((row) => row.consumer === consumer && row.topic === topic && !row.replayed)
      .filter((row) => !moved.has(row.event))
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
export const apart: Check = ({ rows, steps, lanes, trespasses, logs }) => {
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
export const staleSettlesNothing: Check = ({ probe, deadLetters }) => [
  ...probe.settles
    .filter(({ stale, result }) => stale && result === "ok")
    .map(({ id, action, token }) => `${action} of ${id} with the superseded token ${token} was answered ok`),
  ...deadLetters
    .filter(({ consumer, reason }) => consumer === probe.consumer && reason.includes(STALE_REASON))
    .map(({ event }) => `${event} is a dead letter by a superseded token`),
];

/** Reason that the probe gives when it terms with a superseded token; nobody else gives it. */
export const STALE_REASON = "by a superseded lease";
