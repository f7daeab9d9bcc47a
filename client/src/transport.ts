import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";

/** One request. `path` begins with a slash and is added to the bus's address. */
export interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** How long (ms) the head of the answer may take. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** An abort no longer ends the call once the head of its answer is here: what the bus handed out is then read. */
  readonly keepAnswer?: boolean;
}

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** When the head arrived, on the clock of the bus's parts. */
  readonly arrivedAt: number;
}

/** An answer as it comes: whoever gets it reads its body to the end or destroys it. */
export interface OpenAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

/**
 * All that a bus and its subscriptions need to reach the gateway. Over HTTP in a program; a test kit puts a bus in the
 * same process behind it. Every call ends: it resolves with an answer of any status, or rejects with
 * an HmsSyncClientError that is `retryable` (no answer, or not all of it), or with its signal's reason.
 */
export interface Transport {
  /** Sends and reads the whole answer. */
  call(call: Call): Promise<Answer>;
  /** Sends and gives the answer as it comes. An abort of the signal destroys its body. */
  open(call: Call): Promise<OpenAnswer>;
  /** Reads the rest of an answer that `open` gave. */
  read(answer: OpenAnswer, signal: AbortSignal | undefined): Promise<Answer>;
  /** Ends what is kept open; nothing is called afterwards. */
  close(): void;
}
