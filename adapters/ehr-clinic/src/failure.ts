/** An event that the database can never take, however often it comes. The message says why, without values of it. */
export class Unacceptable extends Error {
  readonly code = "unacceptable";
}

/** Results of SQLite that say that the row is wrong; what else happens to a database may pass. */
const REFUSALS = /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/;

/** Why an event can never be taken; undefined when it may be next time (SQLITE_BUSY, SQLITE_FULL, …). */
export function whyNever(error: unknown): string | undefined {
  if (error instanceof Unacceptable) return error.message;
  // The text of a refusal names the constraint and its columns, no values.
  return REFUSALS.test(codeOf(error))
    ? `the database refuses the row: ${(error as Error).message}`
    : undefined;
}

/** SQLite's result code, or what else an error calls itself. */
export function codeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return String(code || name || "unknown");
}
