import type { ServerResponse } from "node:http";
import { HmsSyncError } from "../errors.js";

/** Problem details for HTTP APIs, RFC 9457, with our stable `code` and what the error tells besides. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
}

/** The problem an error is to a caller. An error that is not ours tells nothing but that it happened. */
export function problemOf(error: unknown): Problem & Record<string, unknown> {
  const known = error instanceof HmsSyncError ? error : toKnown(error);
  return {
    ...known.details,
    type: "about:blank",
    title: titleOf(known.code),
    status: known.status,
    detail: known.message,
    code: known.code,
  };
}

/** How long (ms) the rest of a refused body is awaited, unread, so that the client comes to read its answer. */
const lingerMs = 1_000;

/**
 * Answers with the problem; a retryable one says when to try again (seconds, RFC 9110 Retry-After). A body that was not
 * read to its end ends the connection.
 */
export function sendProblem(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // What came in one packet with the headers is parsed in this turn of the event loop, and is no body unread.
  if (response.req.complete) writeProblem(response, problemOf(error));
  else setImmediate(() => writeProblem(response, problemOf(error)));
}

function writeProblem(response: ServerResponse, problem: ReturnType<typeof problemOf>): void {
  const body = JSON.stringify(problem);
  const unread = !response.req.complete;
  response.writeHead(problem.status, {
    "content-type": "application/problem+json",
    "content-length": Buffer.byteLength(body),
    ...(problem.status === 503 || problem.status === 429
      ? { "retry-after": String(problem.retry_after ?? 1) }
      : {}),
    ...(problem.status === 401 ? { "www-authenticate": "Bearer" } : {}),
    ...(unread ? { connection: "close" } : {}),
  });
  if (unread) endAfterRest(response, body);
  else response.end(body);
}

/** Closing with bytes unread would reset the connection, and the client might lose the answer with it. */
function endAfterRest(response: ServerResponse, body: string): void {
  const { req: request } = response;
  response.write(body);
  const end = () => {
    clearTimeout(timer);
    if (!response.writableEnded) response.end();
  };
  const timer = setTimeout(end, lingerMs);
  request.once("end", end).once("close", end).resume();
}

function titleOf(code: string): string {
  const words = code.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const outOfMemory = /^OOM |used memory > 'maxmemory'/;

function toKnown(error: unknown): HmsSyncError {
  const message = error instanceof Error ? error.message : "";
  if (outOfMemory.test(message)) {
    return new HmsSyncError(
      "out_of_memory",
      "Redis is out of memory and takes no events; free memory or raise maxmemory",
      {
        status: 503,
        retryable: true,
      },
    );
  }
  return new HmsSyncError("internal_error", "the gateway failed to answer this request; its log says why", {
    status: 500,
  });
}
