import type { SettleAction, Settled, SettleRequest, SettleResult } from "./types.js";

/** A token names one event of one lease: `<run>.<generation>.<index>`. */
export interface Token {
  readonly run: string;
  readonly generation: number;
  readonly index: number;
}

const tokenPattern = /^(r[1-9]\d{0,14})\.([1-9]\d{0,8})\.(0|[1-9]\d{0,3})$/;

/** Most events a lease can have; indexes beyond it name nothing. */
export const maxRun = 500;

export function formatLease(run: string, generation: number): string {
  return `${run}.${generation}`;
}

/** The token's parts, or undefined when the text is no token of ours. */
export function parseToken(text: string): Token | undefined {
  const match = tokenPattern.exec(text);
  if (match === null) return undefined;
  const index = Number(match[3]);
  return index < maxRun ? { run: match[1]!, generation: Number(match[2]), index } : undefined;
}

/** The operations of one call of SETTLE: all on one lease, each remembering which request it answers. */
export interface SettleBatch {
  readonly run: string;
  readonly generation: number;
  readonly operations: SettleOperation[];
}

export interface SettleOperation {
  readonly request: number;
  readonly action: SettleAction;
  readonly first: number;
  readonly last: number;
  readonly delayMs?: number;
  readonly reason: string;
}

/** Groups requests by lease, in their order. Requests whose token is none of ours are in no batch. */
export function batchSettles(requests: readonly SettleRequest[]): SettleBatch[] {
  const batches = new Map<string, SettleBatch>();
  for (const [index, request] of requests.entries()) {
    const token = parseToken(request.token);
    if (token === undefined) continue;
    const last = request.to ?? token.index;
    if (last < token.index || last >= maxRun) continue;
    const lease = formatLease(token.run, token.generation);
    let batch = batches.get(lease);
    if (batch === undefined) {
      batch = { run: token.run, generation: token.generation, operations: [] };
      batches.set(lease, batch);
    }
    batch.operations.push({
      request: index,
      action: request.action,
      first: token.index,
      last,
      ...(request.delayMs === undefined ? {} : { delayMs: request.delayMs }),
      reason: request.reason ?? "",
    });
  }
  return [...batches.values()];
}

const results: Record<string, SettleResult> = { k: "ok", s: "stale", u: "unknown" };

/**
 * The answers to one request, from one byte an event as SETTLE replies. Without `to` there is exactly one; with it,
 * one for each longest stretch of equal results.
 */
export function answerSettle(request: SettleRequest, bytes: string): Settled[] {
  const token = parseToken(request.token);
  if (request.to === undefined || token === undefined) {
    return [
      {
        token: request.token,
        ...(request.to === undefined ? {} : { to: request.to }),
        result: results[bytes[0]!] ?? "unknown",
      },
    ];
  }
  const lease = formatLease(token.run, token.generation);
  const answers: Settled[] = [];
  for (let start = 0; start < bytes.length; ) {
    let end = start;
    while (end + 1 < bytes.length && bytes[end + 1] === bytes[start]) end++;
    answers.push({
      token: `${lease}.${token.index + start}`,
      to: token.index + end,
      result: results[bytes[start]!] ?? "unknown",
    });
    start = end + 1;
  }
  return answers;
}

/** Answer to a request whose token names no lease of ours. */
export function answerUnknown(request: SettleRequest): Settled[] {
  return answerSettle(request, "u");
}

/** What decides whether a consumer is owed an event. */
export interface Candidate {
  readonly body: Buffer;
  /** The event's source and the systems before it, separated by commas. */
  readonly systems: string;
}

/**
 * The states of a new run for a consumer: 'o' owed, '-' for an event that came through the consumer itself or that its
 * filter does not match, which it is not sent; '' when all are owed.
 */
export function statesFor(
  consumer: string,
  entries: readonly Candidate[],
  view: { wants(envelope: Buffer): boolean },
): string {
  let skipped = false;
  let states = "";
  for (const { systems, body } of entries) {
    const owed = !cameThrough(consumer, systems) && view.wants(body);
    skipped ||= !owed;
    states += owed ? "o" : "-";
  }
  return skipped ? states : "";
}

/** Whether the consumer is one of the systems: it is not sent what it said itself. */
export function cameThrough(consumer: string, systems: string): boolean {
  return systems.includes(consumer) && systems.split(",").includes(consumer);
}

/** Indexes of a run's owed events, from its states (one byte an event). */
export function owedIndexes(states: string): number[] {
  const indexes: number[] = [];
  for (let at = states.indexOf("o"); at !== -1; at = states.indexOf("o", at + 1)) indexes.push(at);
  return indexes;
}
