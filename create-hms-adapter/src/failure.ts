import { HmsSyncError } from "../../src/errors.js";

/** How it ended: done; failed or refused; called in a way that cannot work. */
export const exit = { ok: 0, failed: 1, usage: 2 } as const;
export type ExitCode = (typeof exit)[keyof typeof exit];

/** An argument that cannot work; its message names the value and the remedy. */
export function usageError(message: string): HmsSyncError {
  return new HmsSyncError("usage", message, { status: 400 });
}

/** Nothing that other arguments would mend: a file that cannot be read, a bus that does not answer. */
export function failure(code: string, message: string, cause?: unknown): HmsSyncError {
  return new HmsSyncError(code, message, { cause });
}

export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof HmsSyncError && error.status === 400 ? exit.usage : exit.failed;
}
