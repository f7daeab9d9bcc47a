import { findContext } from "../../client/src/context.js";
import { HmsSyncClientError } from "../../client/src/errors.js";
import { HttpTransport } from "../../client/src/http-transport.js";
import { proxyFor } from "../../client/src/proxy.js";
import type { Answer } from "../../client/src/transport.js";
import { trustOf } from "../../client/src/trust.js";
import { failure, usageError } from "./failure.js";
import { type KnownTopic, topicOfSchema } from "./topic-sources.js";

const maxResponseBytes = 8 * 1024 * 1024;
const timeoutMs = 10_000;

/** A bus that can be asked, through the proxy and with the authorities that an adapter would use. */
export class ReachedBus {
  private constructor(
    readonly url: string,
    /** The system that the token belongs to. */
    readonly system: string,
    /** Names of the topics that it consumes. */
    readonly consumes: readonly string[],
    private readonly transport: HttpTransport,
  ) {}

  /** @throws HmsSyncError: the bus cannot be reached, or does not take the token. */
  static async reach(given: { url: string; token: string | undefined }): Promise<ReachedBus> {
    try {
      const context = findContext(given);
      const proxy = proxyFor(new URL(context.url), undefined);
      const transport = new HttpTransport({ ...context, maxResponseBytes, proxy, trust: trustOf(undefined) });
      const { system, consumes } = answered(await get(transport, "/v1/whoami"), context.url);
      return new ReachedBus(
        context.url,
        String(system),
        Array.isArray(consumes) ? consumes.map(String) : [],
        transport,
      );
    } catch (error) {
      throw error instanceof HmsSyncClientError ? told(error) : error;
    }
  }

  /** The topic in the version that `consumer` is given. */
  async topic(name: string, consumer: string): Promise<KnownTopic> {
    const query = `consumer=${encodeURIComponent(consumer)}`;
    const answer = answered(
      await get(this.transport, `/v1/topics/${encodeURIComponent(name)}/schema?${query}`),
      this.url,
    );
    const { version, schema, key, consumes } = answer;
    if (typeof version !== "number" || typeof schema !== "object" || schema === null) {
      throw failure("malformed_response", `${this.url} told no schema of ${name}; give --schema FILE`);
    }
    return {
      ...topicOfSchema(
        name,
        version,
        schema as Record<string, unknown>,
        `the schema of ${name} at ${this.url}`,
      ),
      ...(typeof key === "string" ? { keyPointer: key } : {}),
      ...(typeof consumes === "boolean" ? { consumed: consumes } : {}),
    };
  }

  close(): void {
    this.transport.close();
  }
}

async function get(transport: HttpTransport, path: string): Promise<Answer> {
  try {
    return await transport.call({ method: "GET", path, timeoutMs });
  } catch (error) {
    throw error instanceof HmsSyncClientError ? told(error) : error;
  }
}

function answered({ status, body }: Answer, url: string): Record<string, unknown> {
  const answer = objectIn(body.toString("utf8"));
  if (status === 200 && answer !== undefined) return answer;
  const { code = `http_${status}`, detail = `it answered ${status}` } = answer ?? {};
  throw failure(String(code), `${url}: ${String(detail).slice(0, 500)}`);
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // a page of a proxy, say: the status tells
  }
}

function told(error: HmsSyncClientError): Error {
  return ["invalid_option", "no_context"].includes(error.code)
    ? usageError(error.message)
    : failure(error.code, `${error.message}; leave out --url and give --schema FILE or --topics FILE`, error);
}
