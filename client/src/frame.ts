import { isObject } from "./answers.js";
import { malformed } from "./errors.js";

/** Media type of the answer to a pull: one line of JSON, then the envelope texts without a separator. */
export const FRAMED_TYPE = "application/vnd.hms-sync.deliveries";

/** One event of a lease: its index in the run, and where in the body its envelope stands. */
export interface FramedEvent {
  readonly index: number;
  readonly start: number;
  readonly end: number;
}

export interface FramedLease {
  readonly lease: string;
  readonly attempt: number;
  readonly replayed: boolean;
  /** The replay that asked for its events to count as new. */
  readonly redo: string | undefined;
  readonly ackWaitMs: number;
  readonly events: readonly FramedEvent[];
}

/** What became of one settle: of one event, or of those up to index `to` of the same lease. */
export interface SettleAnswer {
  readonly lease: string;
  readonly first: number;
  readonly last: number;
  readonly result: "ok" | "stale" | "unknown";
}

export interface Frame {
  readonly leases: readonly FramedLease[];
  readonly settled: readonly SettleAnswer[];
}

const NEWLINE = 0x0a;
const MAX_INDEX = 1_000_000;

/** Reads the answer to a pull. @throws HmsSyncClientError `malformed_response`. */
export function parseFrame(body: Buffer): Frame {
  const headEnd = body.indexOf(NEWLINE);
  if (headEnd === -1) throw malformed("a pull without a line of JSON at its head");
  const head = parseHead(body.toString("utf8", 0, headEnd));
  const reader = { at: headEnd + 1 };
  const leases = arrayOf(head.leases, "leases").map((lease) => readLease(lease, reader));
  if (reader.at !== body.length) {
    throw malformed(`a pull of ${body.length} bytes whose head speaks of ${reader.at}`);
  }
  return { leases, settled: parseSettled(head.settled ?? []) };
}

/** Reads the `settled` member of an answer. @throws HmsSyncClientError `malformed_response`. */
export function parseSettled(value: unknown): SettleAnswer[] {
  return arrayOf(value, "settled").map((answer) => {
    if (!isObject(answer) || typeof answer.token !== "string") throw malformed("a settle without a token");
    const { token, result } = answer;
    if (result !== "ok" && result !== "stale" && result !== "unknown")
      throw malformed(`settle result ${String(result)}`);
    const dot = token.lastIndexOf(".");
    const first = indexIn(dot === -1 ? undefined : Number(token.slice(dot + 1)));
    return {
      lease: token.slice(0, dot),
      first,
      last: answer.to === undefined ? first : indexIn(answer.to),
      result,
    };
  });
}

function parseHead(text: string): Record<string, unknown> {
  let head: unknown;
  try {
    head = JSON.parse(text);
  } catch {
    throw malformed("a pull whose head is not JSON"); // without V8's message, which quotes what may be a payload
  }
  if (!isObject(head)) throw malformed("a pull whose head is no object");
  return head;
}

function readLease(value: unknown, reader: { at: number }): FramedLease {
  if (!isObject(value) || typeof value.lease !== "string") throw malformed("a lease without a name");
  const { lease, attempt, replayed, ack_wait_ms: ackWaitMs } = value;
  if (typeof attempt !== "number" || typeof ackWaitMs !== "number" || !(ackWaitMs > 0)) {
    throw malformed(`lease ${lease} without attempt or ack_wait_ms`);
  }
  const redo = typeof value.redo === "string" && value.redo !== "" ? value.redo : undefined;
  const events = readEvents(value, lease, reader);
  return { lease, attempt, replayed: replayed === true, redo, ackWaitMs, events };
}

function readEvents(value: Record<string, unknown>, lease: string, reader: { at: number }): FramedEvent[] {
  const lengths = arrayOf(value.lengths, "lengths");
  const events: FramedEvent[] = [];
  for (const range of arrayOf(value.indexes, "indexes")) {
    const [from, to] = arrayOf(range, "range").map(indexIn);
    if (from === undefined || to === undefined || to - from >= lengths.length)
      throw malformed(`lease ${lease} with a broken range`);
    for (let index = from; index <= to; index++) {
      const start = reader.at;
      reader.at += sizeIn(lengths[events.length]);
      events.push({ index, start, end: reader.at });
    }
  }
  if (events.length !== lengths.length)
    throw malformed(`lease ${lease} with ${events.length} events and ${lengths.length} lengths`);
  return events;
}

function arrayOf(value: unknown, name: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw malformed(`"${name}" that is no array`);
}

function indexIn(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_INDEX) return value;
  throw malformed(`an index that is none: ${String(value)}`);
}

function sizeIn(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  throw malformed(`a length that is none: ${String(value)}`);
}
