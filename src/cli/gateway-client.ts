import type { Context } from "../config.js";
import { HmsSyncError } from "../errors.js";
import { usageError } from "./failure.js";

/** Milliseconds: until a request must be answered, until a stream must show life (the gateway does every 15 s). */
const answerLimitMs = 30_000;
const silenceLimitMs = 45_000;
const tellAfterMs = 3_000;

export interface GatewayRequest {
  readonly method?: "GET" | "POST" | "DELETE";
  /** Sent as it is, with Content-Type application/json. */
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds until the answer must be there; 30,000 unless given. */
  readonly timeoutMs?: number;
}

/** An open response of events. */
export interface EventStream {
  /** How far the gateway's clock is ahead of ours, in ms. */
  readonly clockOffsetMs: number;
  /** The body as it comes; throws `connection_lost` when it breaks off or gives no sign of life. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * The gateway as the CLI calls it. Where it is, is read anew for each call: a bus that comes back may have another
 * port. Errors are HmsSyncError: the gateway's own problem (RFC 9457) with its code, `bus_unreachable` when nobody
 * takes the connection, `connection_lost` when it breaks, `bus_timeout`, `unexpected_answer` when it is no gateway.
 */
export class GatewayClient {
  constructor(
    private readonly context: () => Context,
    private readonly note: (text: string) => void = () => {},
  ) {}

  /** The JSON of an answer; undefined for one without content. */
  async json<T>(path: string, request: GatewayRequest = {}): Promise<T> {
    const { url, token } = this.context();
    const { timeoutMs = answerLimitMs } = request;
    const started = Date.now();
    const tell = () => this.note(`waiting for ${url} (${Math.round((Date.now() - started) / 1000)} s)`);
    const telling = setInterval(tell, tellAfterMs);
    try {
      const response = await send(url, path, token, request, AbortSignal.timeout(timeoutMs));
      return (await contentOf(response)) as T;
    } catch (error) {
      throw asOurs(error, url, timeoutMs);
    } finally {
      clearInterval(telling);
    }
  }

  /** Opens a response that goes on; `signal` ends it. */
  async stream(path: string, signal: AbortSignal): Promise<EventStream> {
    const { url, token } = this.context();
    const abort = new AbortController();
    const limit = setTimeout(() => abort.abort(timeout()), answerLimitMs);
    try {
      const ending = AbortSignal.any([signal, abort.signal]);
      const response = await send(url, path, token, {}, ending);
      return { clockOffsetMs: clockOffset(response), chunks: chunksOf(response, abort, url) };
    } catch (error) {
      throw asOurs(error, url, answerLimitMs);
    } finally {
      clearTimeout(limit);
    }
  }
}

async function send(
  url: string,
  path: string,
  token: string,
  { method = "GET", body, headers }: GatewayRequest,
  signal: AbortSignal,
): Promise<Response> {
  const response = await fetch(url + path, {
    method,
    headers: headersOf({
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    }),
    ...(body === undefined ? {} : { body }),
    redirect: "manual", // a token goes nowhere but where it was meant to go
    signal,
  });
  if (response.ok) return response;
  throw await problemOf(response);
}

/** Throws `usage` for what no header can hold: an argument with a line break, say. */
function headersOf(values: Readonly<Record<string, string>>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(values)) {
    try {
      headers.set(name, value);
    } catch {
      const shown = name === "authorization" ? "the token" : JSON.stringify(value.slice(0, 100));
      throw usageError(
        `${shown} holds a line break or another character that no header (${name}) can hold; leave it out`,
      );
    }
  }
  return headers;
}

async function contentOf(response: Response): Promise<unknown> {
  if (response.status === 204) return undefined;
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unexpectedAnswer(response, cause);
  }
}

async function problemOf(response: Response): Promise<HmsSyncError> {
  const { status, headers } = response;
  const passing = [429, 502, 503, 504].includes(status);
  if (!/\bapplication\/(problem\+)?json\b/.test(headers.get("content-type") ?? "")) {
    await response.body?.cancel();
    return unexpectedAnswer(response, undefined, passing);
  }
  const problem = (await contentOf(response)) as Record<string, unknown>;
  const { code = "unexpected_answer", detail = `${response.url} answered ${status}` } = problem;
  return new HmsSyncError(String(code), String(detail), { status, retryable: passing, details: problem });
}

function unexpectedAnswer(response: Response, cause: unknown, retryable = false): HmsSyncError {
  const type = response.headers.get("content-type") ?? "no content type";
  const { origin } = new URL(response.url);
  return new HmsSyncError(
    "unexpected_answer",
    `${origin} answered ${response.status} (${type}), which is no answer of an HMS-Sync gateway; check HMS_SYNC_URL`,
    { status: 502, retryable, ...(cause === undefined ? {} : { cause }) },
  );
}

/** The Date header has whole seconds: a smaller difference is none. */
function clockOffset(response: Response): number {
  const offset = Date.parse(response.headers.get("date") ?? "") - Date.now();
  return Math.abs(offset) > 2_000 ? offset : 0;
}

async function* chunksOf(
  response: Response,
  abort: AbortController,
  url: string,
): AsyncGenerator<Uint8Array> {
  const reader = response.body!.getReader();
  try {
    for (;;) {
      // Only while we wait: a reader of ours that pauses is no sign of a dead bus.
      const limit = setTimeout(() => abort.abort(timeout()), silenceLimitMs);
      const { done, value } = await reader.read().finally(() => clearTimeout(limit));
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw asOurs(error, url, silenceLimitMs);
  } finally {
    abort.abort();
  }
}

function timeout(): DOMException {
  return new DOMException("no sign of life", "TimeoutError");
}

const nobodyThere =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/;

function asOurs(error: unknown, url: string, limitMs: number): unknown {
  if (error instanceof HmsSyncError || !(error instanceof Error)) return error;
  if (error.name === "TimeoutError") {
    const message = `${url} gave no answer within ${limitMs / 1000} s; look at the bus's log, or try again`;
    return new HmsSyncError("bus_timeout", message, { status: 504, retryable: true, cause: error });
  }
  const cause = error.cause as { code?: string; message?: string } | undefined;
  const reason = cause?.code ?? cause?.message ?? error.message;
  const options = { status: 503, retryable: true, cause: error };
  if (nobodyThere.test(reason)) {
    const message = `no bus answers at ${url} (${reason}); start it with npm start, or set HMS_SYNC_URL to where it is`;
    return new HmsSyncError("bus_unreachable", message, options);
  }
  return new HmsSyncError(
    "connection_lost",
    `the connection to ${url} broke (${reason}); try again`,
    options,
  );
}
