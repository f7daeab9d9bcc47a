import type { Logger } from "../../src/index.js";

/** A logger that keeps its lines. */
export function recorder(): { lines: string[]; log: Logger } {
  const lines: string[] = [];
  const add = (message: string) => void lines.push(message);
  return { lines, log: { info: add, warn: add, error: add } };
}
