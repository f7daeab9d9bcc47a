import type { IncomingMessage } from "node:http";
import { decodeUtf8 } from "../envelope/wire.js";
import { HmsSyncError } from "../errors.js";

/**
 * Reads a request body of at most `limit` bytes; `raise` says how more would be allowed.
 * Rejects with `body_too_large` (413), `unsupported_encoding` (415), or `truncated_body` (400) when the client went
 * away half-way.
 */
export async function readBody(
  request: IncomingMessage,
  limit: number,
  raise = "raise HMS_SYNC_BODY_LIMIT",
): Promise<Buffer> {
  checkEncoding(request);
  if (Number(request.headers["content-length"] ?? 0) > limit) throw tooLarge(limit, raise);
  // Gone while we were busy: no event will tell of it any more.
  if (request.destroyed) throw truncated();
  const chunks: Buffer[] = [];
  let size = 0;
  return await new Promise<Buffer>((resolve, reject) => {
    const collect = (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= limit) return;
      request.off("data", collect); // what still comes is not kept
      request.pause();
      reject(tooLarge(limit, raise));
    };
    request.on("data", collect);
    request.on("end", () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    request.on("error", () => reject(truncated()));
    request.on("close", () => {
      if (!request.complete) reject(truncated());
    });
  });
}

/** Refuses a compressed body (`unsupported_encoding`, 415): what it expands to could not be bounded by its bytes. */
export function checkEncoding(request: IncomingMessage): void {
  const encoding = request.headers["content-encoding"];
  if (encoding === undefined || encoding.trim().toLowerCase() === "identity") return;
  throw new HmsSyncError(
    "unsupported_encoding",
    `content encoding "${encoding.slice(0, 100)}" is not taken; send the body as it is, without Content-Encoding`,
    { status: 415 },
  );
}

/** The body as text; bytes that are not UTF-8 are refused (`invalid_utf8`, 400), as RFC 8259 asks. */
export function bodyText(body: Buffer): string {
  return decodeUtf8(body, "the body");
}

/** The body as a JSON object; an empty body is `{}`. Refused with `malformed_json` (400). */
export function bodyObject(body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(bodyText(body));
  } catch (cause) {
    if (cause instanceof HmsSyncError) throw cause;
    throw new HmsSyncError("malformed_json", `the body is not JSON: ${(cause as Error).message}`, {
      status: 400,
      cause,
    });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidRequest("body", value, "a JSON object");
  }
  return value as Record<string, unknown>;
}

/** The error for a member of a request that is not what it must be. */
export function invalidRequest(name: string, value: unknown, expected: string): HmsSyncError {
  const shown =
    typeof value === "object" && value !== null
      ? Array.isArray(value)
        ? "an array"
        : "an object"
      : JSON.stringify(value);
  const short = shown === undefined ? "missing" : shown.length > 80 ? `${shown.slice(0, 80)}…` : shown;
  return new HmsSyncError("invalid_request", `${name} is ${short}; send ${expected}`, { status: 400 });
}

/** The error for a body of more than `limit` bytes. */
export function tooLarge(limit: number, raise: string): HmsSyncError {
  return new HmsSyncError(
    "body_too_large",
    `the body is larger than ${limit} bytes; send less at a time, or ${raise}`,
    { status: 413, details: { limit } },
  );
}

function truncated(): HmsSyncError {
  return new HmsSyncError("truncated_body", "the connection ended before the body did; nothing was stored", {
    status: 400,
  });
}
