/** What a line is about: ids, topic, counts, durations. Never a payload or a token. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where the client says what happens; `console` fits, and most loggers through a line of glue. */
export interface Logger {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Plain lines on standard error. */
export function defaultLogger(write = (line: string): unknown => process.stderr.write(line)): Logger {
  const print = (message: string, fields: LogFields = {}) => {
    const details = Object.entries(fields).map(([name, value]) => ` ${name}=${String(value)}`);
    write(`hms-sync: ${message}${details.join("")}\n`);
  };
  return { info: print, warn: print, error: print };
}

/** One JSON object a line, `time`, `level`, `msg` and the fields, on standard error unless given. */
export function jsonLogger(stream: { write(line: string): unknown } = process.stderr): Logger {
  const at =
    (level: string) =>
    (msg: string, fields: LogFields = {}) => {
      const head = { time: new Date().toISOString(), level, msg };
      stream.write(`${jsonLine(Object.assign({ ...head }, fields, head))}\n`);
    };
  return { info: at("info"), warn: at("warn"), error: at("error") };
}

/** A line is written whatever the fields are: a logger that throws would end what it speaks of. */
function jsonLine(line: object): string {
  try {
    return JSON.stringify(line, (_name, value: unknown) =>
      typeof value === "bigint" ? String(value) : value,
    );
  } catch {
    const texts = Object.entries(line).map(([name, value]) => [name, String(value)]);
    return JSON.stringify(Object.fromEntries(texts)); // a circle, or a toJSON that throws
  }
}
