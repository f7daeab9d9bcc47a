import http, { type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import https from "node:https";
import { HmsSyncClientError } from "./errors.js";

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
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** When the head arrived, on the clock of `performance.now()`. */
  readonly arrivedAt: number;
}

export interface TransportOptions {
  readonly url: string;
  readonly token: string;
  /** Largest answer in bytes. */
  readonly maxResponseBytes: number;
  /** How long (ms) the body of an answer may take. */
  readonly bodyTimeoutMs?: number;
}

const BODY_TIMEOUT_MS = 60_000;

/**
 * HTTP to one bus on node:http, over connections that are kept. Every call ends: it resolves with an answer of any
 * status, or rejects with `unreachable`, `timeout`, `response_too_slow` or
 * `response_too_large` (all retryable), or with its signal's reason.
 */
export class Transport {
  private readonly base: URL;
  private readonly secure: boolean;
  private readonly agent: http.Agent;

  constructor(private readonly options: TransportOptions) {
    this.base = new URL(options.url);
    this.secure = this.base.protocol === "https:";
    this.agent = new (this.secure ? https : http).Agent({ keepAlive: true, maxFreeSockets: 16 });
  }

  /** Sends and reads the whole answer. */
  async call(call: Call): Promise<Answer> {
    return await this.read(await this.open(call), call.signal);
  }

  /** Reads the rest of an answer. */
  async read(response: IncomingMessage, signal: AbortSignal | undefined): Promise<Answer> {
    const arrivedAt = performance.now();
    const body = await this.readBody(response, signal);
    return { status: response.statusCode ?? 0, headers: response.headers, body, arrivedAt };
  }

  /** Sends and gives the answer as it comes; the caller reads or destroys it. An abort of the signal destroys it. */
  async open(call: Call): Promise<IncomingMessage> {
    try {
      return await this.send(call);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      return await this.send(call); // the bus closed an idle connection just then; all our calls may be repeated
    }
  }

  /** Closes idle connections. */
  close(): void {
    this.agent.destroy();
  }

  private send(call: Call): Promise<IncomingMessage> {
    call.signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const request = this.request(call);
      let answered = false;
      const timer = setTimeout(() => request.destroy(this.timeout(call.timeoutMs)), call.timeoutMs);
      const abort = () => request.destroy(call.signal?.reason);
      call.signal?.addEventListener("abort", abort);
      request.once("response", (response) => {
        answered = true;
        clearTimeout(timer);
        if (call.keepAnswer) call.signal?.removeEventListener("abort", abort);
        response.on("error", () => undefined); // an error before the reader is there shows as an early end
        resolve(response);
      });
      request.on("error", (error: NodeJS.ErrnoException) => {
        if (call.signal?.aborted) return reject(call.signal.reason);
        const stale = !answered && request.reusedSocket && /^(ECONNRESET|EPIPE)$/.test(error.code ?? "");
        reject(stale ? new StaleConnection(this.options.url, error) : this.unreachable(error));
      });
      request.once("close", () => {
        clearTimeout(timer);
        call.signal?.removeEventListener("abort", abort);
      });
      request.end(call.body);
    });
  }

  private request(call: Call): http.ClientRequest {
    const { hostname, port, pathname } = this.base;
    const headers: Record<string, string> = {
      authorization: `Bearer ${this.options.token}`,
      ...call.headers,
    };
    if (call.body !== undefined) headers["content-type"] ??= "application/json";
    return (this.secure ? https : http).request({
      agent: this.agent,
      hostname: hostname.replace(/^\[|\]$/g, ""),
      ...(port === "" ? {} : { port }),
      method: call.method,
      path: `${pathname.replace(/\/$/, "")}${call.path}`,
      headers,
    });
  }

  private readBody(response: IncomingMessage, signal: AbortSignal | undefined): Promise<Buffer> {
    const limit = this.options.maxResponseBytes;
    const timeoutMs = this.options.bodyTimeoutMs ?? BODY_TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const fail = (error: unknown) => {
        reject(error);
        response.destroy();
      };
      const timer = setTimeout(() => fail(this.tooSlow(timeoutMs)), timeoutMs);
      response.once("close", () => clearTimeout(timer));
      response.on("error", (error) => fail(signal?.aborted ? signal.reason : this.unreachable(error)));
      response.on("end", () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)));
      if (Number(response.headers["content-length"] ?? 0) > limit) return fail(this.tooLarge());
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > limit) return fail(this.tooLarge());
        chunks.push(chunk);
      });
      // It may have ended early before anybody listened.
      if (response.destroyed && !response.complete) fail(this.unreachable(new Error("the connection ended")));
    });
  }

  private unreachable(cause: NodeJS.ErrnoException): HmsSyncClientError {
    if (cause instanceof HmsSyncClientError) return cause;
    const why = cause.code ?? cause.message;
    return new HmsSyncClientError(
      "unreachable",
      `no answer from ${this.options.url} (${why}); is the bus running?`,
      {
        retryable: true,
        cause,
      },
    );
  }

  private timeout(ms: number): HmsSyncClientError {
    return new HmsSyncClientError("timeout", `no answer from ${this.options.url} within ${ms} ms`, {
      retryable: true,
    });
  }

  private tooSlow(ms: number): HmsSyncClientError {
    const detail = `the answer of ${this.options.url} began but did not end within ${ms} ms`;
    return new HmsSyncClientError("response_too_slow", detail, { retryable: true });
  }

  private tooLarge(): HmsSyncClientError {
    const limit = this.options.maxResponseBytes;
    return new HmsSyncClientError(
      "response_too_large",
      `the answer of ${this.options.url} is larger than ${limit} bytes; raise maxResponseBytes of connect()`,
      { retryable: true },
    );
  }
}

/** A kept connection was closed by the other side before it answered. */
class StaleConnection extends HmsSyncClientError {
  constructor(url: string, cause: Error) {
    super("unreachable", `${url} closed the connection instead of answering; is the bus running?`, {
      retryable: true,
      cause,
    });
  }
}
