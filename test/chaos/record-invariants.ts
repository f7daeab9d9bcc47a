import { type Check, nameOf } from "./history.js";
import type { LedgerEntry } from "./observation.js";
import type { Operation } from "./operation-log.js";
import { wasAccepted } from "./operation-log.js";

/** I1: what was accepted is in the ledger, once; nothing is there that nobody published. */
export const accepted: Check = ({ operations, ledger }) => {
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

/** I4: an event of Laravel's is in the ledger if and only if its database committed it. */
export const committed: Check = ({ operations, ledger, laravel }) => {
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

/** I10: payload bytes are equal end to end, but for line breaks and their indentation: an envelope is one line. */
export const bytesEqual: Check = ({ operations, ledger, rows }) => {
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

function onOneLine(payload: string): string {
  return payload.replace(/[\r\n][ \t\r\n]*/g, "");
}

function lastOk({ attempts }: Operation): string {
  const ok = attempts.findLast(({ outcome }) => outcome === "ok")!;
  return `${ok.door} ${ok.detail ?? ""} at ${new Date(ok.at).toISOString()}`;
}
