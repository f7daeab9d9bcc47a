import { type FieldError, HmsSyncClientError, malformed } from "./errors.js";
import { parseRetryAfter } from "./retry.js";
import type { Answer } from "./transport.js";

/** The answer, when it is a success. @throws HmsSyncClientError with what the gateway said otherwise. */
export function successful(answer: Answer, url: string): Answer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw errorOf(answer, url);
}

/** The body of a JSON answer. @throws HmsSyncClientError `malformed_response` when it is no object. */
export function jsonBody(answer: Pick<Answer, "body">): Record<string, unknown> {
  const value = parsed(answer.body.toString("utf8"));
  if (isObject(value)) return value;
  throw malformed(`something that is no JSON object: "${answer.body.toString("utf8", 0, 60)}"`);
}

/**
 * The error an answer is. The gateway's own errors (RFC 9457 with a `code`) say whether to come again by their status;
 * other 4xx come from something between, say a proxy whose backend is away, and are worth another try.
 */
export function errorOf(answer: Omit<Answer, "arrivedAt">, url: string): HmsSyncClientError {
  const { status, headers } = answer;
  const problem = problemOf(answer);
  const refused = status === 401 || status === 403;
  return new HmsSyncClientError(problem?.code ?? unnamed(status), problem?.detail ?? describe(answer, url), {
    status,
    retryable: isTransient(status) || (status >= 400 && problem === undefined && !refused),
    errors: problem?.errors,
    retryAfterMs: parseRetryAfter(headers["retry-after"], Date.now()),
  });
}

function isTransient(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429;
}

interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly FieldError[];
}

function problemOf(answer: Pick<Answer, "headers" | "body">): Problem | undefined {
  if (!answer.headers["content-type"]?.includes("json")) return undefined;
  const value = parsed(answer.body.toString("utf8"));
  if (!isObject(value) || typeof value.code !== "string") return undefined;
  const detail = typeof value.detail === "string" ? value.detail : value.code;
  const errors = Array.isArray(value.errors) ? value.errors.filter(isFieldError) : [];
  return { code: value.code, detail, errors };
}

function isFieldError(value: unknown): value is FieldError {
  return isObject(value) && typeof value.path === "string" && typeof value.message === "string";
}

function unnamed(status: number): string {
  if (status === 401) return "unauthorized";
  return isTransient(status) ? "unavailable" : "unexpected_answer";
}

function describe({ status, headers }: Pick<Answer, "status" | "headers">, url: string): string {
  if (status >= 300 && status < 400 && headers.location !== undefined) {
    return `${url} answers ${status}, go to ${headers.location}; set HMS_SYNC_URL to where the bus really is`;
  }
  if (status === 401 || status === 403) {
    return `${url} refuses the token (${status}); set HMS_SYNC_TOKEN to one that hms-sync keys create printed`;
  }
  return `${url} answers ${status}, which is not the gateway's own answer; check HMS_SYNC_URL and what is in between`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the callers say what they expected
  }
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
