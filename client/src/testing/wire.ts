import { FRAMED_TYPE } from "../frame.js";
import type { SettleEntry, SettleResult } from "../settle-batch.js";
import type { ConsumerQueue, Lease } from "./consumer-queue.js";
import type { SettleOperation } from "./settling.js";

/** One settle's answer as it travels; with `to` for all events up to that index of the same lease. */
export interface SettleAnswer {
  readonly token: string;
  readonly to?: number;
  readonly result: SettleResult;
}

const TOKEN = /^((r\d+)\.(\d+))\.(\d+)$/;

/** Settles all entries, those of one lease together; the answers in the order of the entries. */
export function settleAll(queue: ConsumerQueue, entries: readonly SettleEntry[]): SettleAnswer[] {
  const answers: SettleAnswer[][] = entries.map(({ token, to }) => [
    { token, ...range(to), result: "unknown" },
  ]);
  for (const { run, generation, requests } of byLease(entries)) {
    const results = queue.settle(
      run,
      generation,
      requests.map(({ operation }) => operation),
    );
    for (const [i, { at }] of requests.entries()) answers[at] = answersTo(entries[at]!, results[i]!);
  }
  return answers.flat();
}

/** The answer to a pull: one line of JSON, then the envelopes. */
export function framedBody(leases: readonly Lease[], ackWaitMs: number, settled: SettleAnswer[]): Buffer {
  const bodies = leases.map(({ events }) => events.map(({ envelope }) => Buffer.from(envelope)));
  const heads = leases.map(({ name, attempt, replayed, redo, indexes }, i) => ({
    lease: name,
    attempt,
    replayed,
    ...(redo === undefined ? {} : { redo }),
    ack_wait_ms: ackWaitMs,
    indexes: indexes.map((index) => [index, index]),
    lengths: bodies[i]!.map(({ length }) => length),
  }));
  const head = Buffer.from(`${JSON.stringify({ leases: heads, settled })}\n`);
  return Buffer.concat([head, ...bodies.flat()]);
}

export const FRAMED_HEADERS = { "content-type": FRAMED_TYPE };

interface LeaseRequests {
  readonly run: string;
  readonly generation: number;
  /** Operations and the entries they come from. */
  readonly requests: { readonly operation: SettleOperation; readonly at: number }[];
}

function byLease(entries: readonly SettleEntry[]): Iterable<LeaseRequests> {
  const leases = new Map<string, LeaseRequests>();
  for (const [at, { token, to, action, delay_ms: delayMs, reason = "" }] of entries.entries()) {
    const match = TOKEN.exec(token);
    if (match === null) continue;
    const [, name, run, generation, index] = match as unknown as [string, string, string, string, string];
    const lease = leases.get(name) ?? { run, generation: Number(generation), requests: [] };
    leases.set(name, lease);
    const first = Number(index);
    lease.requests.push({ operation: { action, first, last: to ?? first, delayMs, reason }, at });
  }
  return leases.values();
}

/** One answer, or with a range one for each longest stretch of equal results. */
function answersTo({ token, to }: SettleEntry, results: readonly SettleResult[]): SettleAnswer[] {
  if (to === undefined) return [{ token, result: results[0]! }];
  const dot = token.lastIndexOf(".");
  const first = Number(token.slice(dot + 1));
  const answers: SettleAnswer[] = [];
  for (let start = 0; start < results.length; ) {
    let end = start;
    while (results[end + 1] === results[start] && end + 1 < results.length) end++;
    answers.push({
      token: `${token.slice(0, dot)}.${first + start}`,
      to: first + end,
      result: results[start]!,
    });
    start = end + 1;
  }
  return answers;
}

function range(to: number | undefined): { to?: number } {
  return to === undefined ? {} : { to };
}
