import { CommanderError } from "commander";
import { HmsSyncError } from "../errors.js";
import type { SchemaViolation } from "../registry/types.js";
import { printable, printableLines } from "./text.js";

/** How a verb ended: done; failed or refused; called in a way that cannot work (arguments, environment, input). */
export const exit = { ok: 0, failed: 1, usage: 2 } as const;
export type ExitCode = (typeof exit)[keyof typeof exit];

/** An argument that cannot work. */
export function usageError(message: string): HmsSyncError {
  return new HmsSyncError("usage", message, { status: 400 });
}

/**
 * 2 for what the caller must write differently: arguments, HMS_SYNC_ variables, and what the gateway answers with 400
 * (no JSON, no such `since`). 1 for the rest: no bus, a refusal, an invalid topics.yaml.
 */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exit.ok : exit.usage;
  if (!(error instanceof HmsSyncError)) return exit.failed;
  return error.status === 400 || error.code === "invalid_config" ? exit.usage : exit.failed;
}

/** The lines that tell a person what went wrong; for schema violations one line each. */
export function describeError(error: unknown): string {
  if (!(error instanceof HmsSyncError)) return `error: ${unexpected(error)}`;
  return [`error: ${printableLines(error.message)}`, ...untoldViolations(error)].join("\n");
}

/** The same as one JSON object, for programs that called with `--json`. */
export function errorJson(error: unknown): string {
  if (!(error instanceof HmsSyncError))
    return JSON.stringify({ code: "unexpected", detail: unexpected(error) });
  return JSON.stringify({ ...error.details, code: error.code, detail: error.message });
}

/** What the message has no room for. */
function untoldViolations({ message, details: { errors } }: HmsSyncError): string[] {
  if (!Array.isArray(errors)) return [];
  return errors
    .map((violation: SchemaViolation) => `${violation.path || "the payload"} ${violation.message}`)
    .filter((text) => !message.includes(text))
    .map((text) => `  ${printable(text)}`);
}

function unexpected(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
