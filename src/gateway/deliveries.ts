import { invalidRequest } from "./body.js";
import type { Lease, SettleAction, Settled, SettleRequest } from "./types.js";

/** Limits of one request. */
export const maxPull = 1_000;
export const maxWaitMs = 30_000;
export const maxSettleWaitMs = 100;
export const maxSettles = 2_000;
const maxReason = 1_000;
const maxDelayMs = 7 * 24 * 3_600_000;
const actions: readonly SettleAction[] = ["ack", "nack", "term", "release", "extend"];

export interface PullRequest {
  readonly max: number;
  /** How long (ms) the answer may wait for a first event. */
  readonly waitMs: number;
  readonly settle: readonly SettleRequest[];
}

/**
 * Reads a pull: `{max, wait_ms, settle, settle_wait_ms}`, all optional. With settles it waits at most `settle_wait_ms`
 * (0 to 100), since its caller waits for their answers. Throws `invalid_request` (400).
 */
export function readPull(body: Record<string, unknown>): PullRequest {
  const settle = readSettles(body);
  const waitMs = Math.min(integer(body, "wait_ms", 0, 0, 3_600_000), maxWaitMs);
  const settleWaitMs = integer(body, "settle_wait_ms", 0, 0, maxSettleWaitMs);
  return {
    max: integer(body, "max", 500, 1, maxPull),
    waitMs: settle.length > 0 ? Math.min(waitMs, settleWaitMs) : waitMs,
    settle,
  };
}

/** A pull of several topics: its settles name theirs. */
export interface PullManyRequest extends PullRequest {
  /** Undefined: every topic the consumer consumes. */
  readonly topics: readonly string[] | undefined;
  readonly settle: readonly TopicSettle[];
}

export type TopicSettle = SettleRequest & { readonly topic: string };

/** Reads a pull of several topics: `{topics, max, wait_ms, settle: [{topic, …}]}`. Throws `invalid_request` (400). */
export function readPullMany(body: Record<string, unknown>): PullManyRequest {
  const { topics } = body;
  if (
    topics !== undefined &&
    !(Array.isArray(topics) && topics.length > 0 && topics.every((topic) => typeof topic === "string"))
  ) {
    throw invalidRequest("topics", topics, "an array of topic names, or leave it out for all you consume");
  }
  const pull = readPull(body);
  const settle = pull.settle.map((request, index) => {
    const { topic } = (body.settle as { topic?: unknown }[])[index]!;
    if (typeof topic !== "string")
      throw invalidRequest(`settle[${index}].topic`, topic, "the delivery's topic");
    return { ...request, topic };
  });
  return { ...pull, settle, topics: topics === undefined ? undefined : [...new Set(topics as string[])] };
}

/** Reads `{settle: [...]}`. Throws `invalid_request` (400) naming the member. */
export function readSettles(body: Record<string, unknown>): SettleRequest[] {
  const settles = body.settle ?? [];
  if (!Array.isArray(settles)) throw invalidRequest("settle", settles, "an array of settles");
  if (settles.length > maxSettles)
    throw invalidRequest("settle", `${settles.length} settles`, `at most ${maxSettles}`);
  return settles.map((settle, index) => readSettle(settle, `settle[${index}]`));
}

function readSettle(value: unknown, at: string): SettleRequest {
  if (typeof value !== "object" || value === null)
    throw invalidRequest(at, value, "an object {token, action}");
  const settle = value as Record<string, unknown>;
  const { token, action, reason } = settle;
  if (typeof token !== "string") throw invalidRequest(`${at}.token`, token, "the token of a delivery");
  if (!actions.includes(action as SettleAction))
    throw invalidRequest(`${at}.action`, action, actions.join(", "));
  if (reason !== undefined && typeof reason !== "string")
    throw invalidRequest(`${at}.reason`, reason, "text");
  return {
    token,
    action: action as SettleAction,
    ...(settle.to === undefined ? {} : { to: integer(settle, "to", 0, 0, 9_999, at) }),
    ...(settle.delay_ms === undefined ? {} : { delayMs: integer(settle, "delay_ms", 0, 0, maxDelayMs, at) }),
    ...(reason === undefined ? {} : { reason: (reason as string).slice(0, maxReason) }),
  };
}

function integer(
  body: Record<string, unknown>,
  name: string,
  otherwise: number,
  min: number,
  max: number,
  at = "",
): number {
  const value = body[name] ?? otherwise;
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalidRequest(at === "" ? name : `${at}.${name}`, value, `an integer from ${min} to ${max}`);
}

/** Media type of the compact answer that our own client asks for. */
export const framedType = "application/vnd.hms-sync.deliveries";

/** A lease as it is answered; `topic` only where a pull was of several. */
export interface LeaseAnswer extends Lease {
  readonly topic?: string;
  readonly ackWaitMs: number;
}

/** A settle's answer; `topic` only where a pull was of several. */
export type SettledAnswer = Settled & { readonly topic?: string };

/** The answer in JSON, envelopes byte for byte as the ledger has them. */
export function jsonDeliveries(leases: readonly LeaseAnswer[], settled: readonly SettledAnswer[]): Buffer {
  const parts: Buffer[] = [];
  for (const lease of leases) {
    for (const [i, body] of lease.bodies.entries()) {
      const head = {
        topic: lease.topic,
        token: `${lease.lease}.${lease.indexes[i]}`,
        attempt: lease.attempt,
        replayed: lease.replayed,
        redo: lease.redo,
        ack_wait_ms: lease.ackWaitMs,
      };
      const text = `${parts.length === 0 ? "" : ","}${JSON.stringify(head).slice(0, -1)},"envelope":`;
      parts.push(Buffer.from(text), body, closing);
    }
  }
  return Buffer.concat([
    Buffer.from('{"deliveries":['),
    ...parts,
    Buffer.from(`],"settled":${JSON.stringify(settled)}}`),
  ]);
}

const closing = Buffer.from("}");

/** The answer framed: one line of JSON that tells leases, indexes and byte lengths, then the envelopes one after another. */
export function framedDeliveries(leases: readonly LeaseAnswer[], settled: readonly SettledAnswer[]): Buffer {
  const head = {
    leases: leases.map(({ topic, lease, attempt, replayed, redo, ackWaitMs, indexes, bodies }) => ({
      topic,
      lease,
      attempt,
      replayed,
      redo,
      ack_wait_ms: ackWaitMs,
      indexes: ranges(indexes),
      lengths: bodies.map((body) => body.length),
    })),
    settled,
  };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...leases.flatMap(({ bodies }) => bodies)]);
}

/** Ascending numbers as inclusive ranges. */
export function ranges(indexes: readonly number[]): [number, number][] {
  const found: [number, number][] = [];
  for (const index of indexes) {
    const current = found.at(-1);
    if (current !== undefined && current[1] === index - 1) current[1] = index;
    else found.push([index, index]);
  }
  return found;
}
