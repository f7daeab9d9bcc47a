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
