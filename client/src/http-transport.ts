import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import type { SecureContext } from "node:tls";
import { HmsSyncClientError } from "./errors.js";
import type { ProxyAddress } from "./proxy.js";
import type { Answer, Call, OpenAnswer, Transport } from "./transport.js";
import { tunnelAgent } from "./tunnel.js";

export interface HttpTransportOptions {
  readonly url: string;
  readonly token: string;
  /** Largest answer in bytes. */
  readonly maxResponseBytes: number;
  /** How long (ms) the body of an answer may take. */
  readonly bodyTimeoutMs?: number;
  readonly proxy?: ProxyAddress | undefined;
  /** Whom TLS trusts; the public authorities unless given. */
  readonly trust?: SecureContext | undefined;
}

const BODY_TIMEOUT_MS = 60_000;
/** Codes of OpenSSL's verification, and Node's for another name. */
const CERTIFICATE_FAULT = /CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/;

/**
 * HTTP to one bus on node:http, over connections that are kept. Every call ends: it resolves with an answer of any
 * status, or rejects with `unreachable`, `timeout`, `response_too_slow`, `response_too_large`, `untrusted_certificate`
 * (all retryable), `proxy_refused`, or with its signal's reason.
 */
export class HttpTransport implements Transport {
  private readonly base: URL;
  private readonly secure: boolean;
  private readonly agent: http.Agent;

  constructor(private readonly options: HttpTransportOptions) {
    this.base = new URL(options.url);
    this.secure = this.base.protocol === "https:";
    this.agent = this.makeAgent();
  }

  async call(call: Call): Promise<Answer> {
    const response = await this.request(call);
    return await this.readWhole(response, response.statusCode ?? 0, response.headers, call.signal);
  }

  async open(call: Call): Promise<OpenAnswer> {
    const response = await this.request(call);
    return { status: response.statusCode ?? 0, headers: response.headers, body: response };
  }

  async read({ status, headers, body }: OpenAnswer, signal: AbortSignal | undefined): Promise<Answer> {
    return await this.readWhole(body as IncomingMessage, status, headers, signal);
  }

  close(): void {
    this.agent.destroy();
  }

  private makeAgent(): http.Agent {
    const { proxy, trust } = this.options;
    if (proxy !== undefined) return tunnelAgent(proxy, this.secure, trust);
    const kept = { keepAlive: true, maxFreeSockets: 16 };
    if (!this.secure) return new http.Agent(kept);
    return new https.Agent(trust === undefined ? kept : { ...kept, secureContext: trust });
  }

  private async readWhole(
    response: IncomingMessage,
    status: number,
    headers: Answer["headers"],
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    const arrivedAt = performance.now();
    return { status, headers, body: await this.readBody(response, signal), arrivedAt };
  }

  private async request(call: Call): Promise<IncomingMessage> {
    try {
      return await this.send(call);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      return await this.send(call); // the bus closed an idle connection just then; all our calls may be repeated
    }
  }

  private send(call: Call): Promise<IncomingMessage> {
    call.signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const request = this.requestOf(call);
      let answered = false;
      // Told here too: a request that waits for a tunnel emits nothing until the tunnel is there.
      const end = (error: Error) => {
        request.destroy(error);
        reject(error);
      };
      const timer = setTimeout(() => end(this.timeout(call.timeoutMs)), call.timeoutMs);
      const abort = () => end(call.signal?.reason);
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

  private requestOf(call: Call): http.ClientRequest {
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
    if (CERTIFICATE_FAULT.test(why)) return this.untrusted(why, cause);
    const detail = `no answer from ${this.options.url} (${why}); is the bus running?`;
    return new HmsSyncClientError("unreachable", detail, { retryable: true, cause });
  }

  private untrusted(why: string, cause: Error): HmsSyncClientError {
    return new HmsSyncClientError(
      "untrusted_certificate",
      `${this.options.url} shows a certificate that is not trusted (${why}); when its authority is a private one,` +
        " set HMS_SYNC_CA to a file with that authority's certificate",
      { retryable: true, cause },
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
