/** Levels from the most to the least talkative; `silent` prints nothing. */
export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** Values of one line beside its message. An `Error` is printed as name, code, message and cause. */
export type LogFields = Readonly<Record<string, unknown>>;

/** One JSON object a line: `time` (RFC 3339, UTC), `level`, `msg`, then the fields. */
export interface Logger {
  debug(msg: string, fields?: LogFields): void;
  info(msg: string, fields?: LogFields): void;
  warn(msg: string, fields?: LogFields): void;
  error(msg: string, fields?: LogFields): void;
  /** A logger that adds these fields to each of its lines. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly level?: LogLevel;
  /** Takes one line with its newline; standard error unless given. */
  readonly write?: (line: string) => void;
  readonly now?: () => Date;
}

/** What a person or a credential may be read from is never logged, at whatever depth it stands. */
const SECRET = /^(payload|data|envelope|body|.*token|authorization|.*password|.*secret|cookie)$/i;
const MAX_DEPTH = 5;

/** A structured logger. Members named like payloads and credentials come out as "[redacted]". */
export function createLogger(options: LoggerOptions = {}): Logger {
  const write = options.write ?? ((line: string) => process.stderr.write(line));
  const threshold = LOG_LEVELS.indexOf(options.level ?? "info");
  const now = options.now ?? (() => new Date());
  return loggerWith({}, (level, msg, fields) => {
    if (LOG_LEVELS.indexOf(level) < threshold) return;
    const head = { time: now().toISOString(), level, msg };
    write(`${JSON.stringify({ ...head, ...printableMembers(fields, 0), ...head })}\n`); // head first, and never replaced
  });
}

type Emit = (level: LogLevel, msg: string, fields: LogFields) => void;

function loggerWith(bound: LogFields, emit: Emit): Logger {
  const at = (level: LogLevel) => (msg: string, fields?: LogFields) =>
    emit(level, msg, { ...bound, ...fields });
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => loggerWith({ ...bound, ...fields }, emit),
  };
}

function printable(value: unknown, depth: number): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "function" || typeof value === "symbol") return `[${typeof value}]`;
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) return "[nested]"; // also ends a circular structure
  if (value instanceof Error) return printableError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "invalid date" : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.map((item) => printable(item, depth + 1));
  return printableMembers(value as LogFields, depth + 1);
}

function printableMembers(fields: LogFields, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      SECRET.test(name) ? "[redacted]" : printable(value, depth),
    ]),
  );
}

/** Named members only: an ioredis error carries the command's arguments, and with them payloads. */
function printableError(error: Error, depth: number): Record<string, unknown> {
  const { name, message, cause } = error;
  const code = (error as { code?: unknown }).code;
  return {
    name,
    ...(code === undefined ? {} : { code: String(code) }),
    message,
    ...(cause === undefined ? {} : { cause: printable(cause, depth + 1) }),
    ...(code === undefined && error.stack !== undefined ? { stack: error.stack } : {}),
  };
}
