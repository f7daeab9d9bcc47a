import type { EventEmitter } from "node:events";

/** npm passes Ctrl-C on to a program that the terminal has told already: within this time (ms) both are one. */
const sameSignalMs = 500;

interface StopSignalParts {
  readonly source: Pick<EventEmitter, "on">;
  readonly exit: (code: number) => void;
  readonly now: () => number;
}

/**
 * Resolves at the first SIGINT or SIGTERM, for a clean end. A second one ends the process at once with 1, whatever
 * the clean end waits for.
 */
export function stopSignal(
  { source, exit, now }: StopSignalParts = {
    source: process,
    exit: (code) => process.exit(code),
    now: () => performance.now(),
  },
): Promise<void> {
  return new Promise((resolve) => {
    let first: number | undefined;
    const onSignal = () => {
      if (first === undefined) {
        first = now();
        resolve();
      } else if (now() - first > sameSignalMs) exit(1);
    };
    source.on("SIGINT", onSignal);
    source.on("SIGTERM", onSignal);
  });
}
