/** One fault of a payload: where in it (JSON pointer) and what is wrong there. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

export interface ClientErrorOptions {
  readonly status?: number | undefined;
  readonly retryable?: boolean | undefined;
  readonly errors?: readonly FieldError[] | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * The one error of this package. `code` is stable: either the gateway's own (`unauthorized`, `schema_violation`, …) or
 * one of those listed in the README.
 */
export class HmsSyncClientError extends Error {
  readonly code: string;
  /** The HTTP status, when the gateway (or something before it) answered. */
  readonly status: number | undefined;
  /** What happened, with the value, the place and the remedy; the same text as `message`. */
  readonly detail: string;
  /** Whether the same call may succeed later without a change. */
  readonly retryable: boolean;
  /** What the topic's schema refused, for `schema_violation`; else empty. */
  readonly errors: readonly FieldError[];
  /** How long (ms) the gateway asked to wait before another try. */
  readonly retryAfterMs: number | undefined;

  constructor(code: string, detail: string, options: ClientErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "HmsSyncClientError";
    this.code = code;
    this.detail = detail;
    this.status = options.status;
    this.retryable = options.retryable ?? false;
    this.errors = options.errors ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The error for an answer that is not what the wire says; worth another try, since a proxy may have spoken. */
export function malformed(what: string, cause?: unknown): HmsSyncClientError {
  const short = what.length > 200 ? `${what.slice(0, 200)}…` : what;
  return new HmsSyncClientError("malformed_response", `the bus answered ${short}`, {
    retryable: true,
    cause,
  });
}

/** The error for an option that cannot be used. */
export function invalidOption(name: string, value: unknown, remedy: string): HmsSyncClientError {
  return new HmsSyncClientError("invalid_option", `${name} is ${shown(value)}; ${remedy}`);
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
