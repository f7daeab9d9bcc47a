import { setTimeout as delay } from "node:timers/promises";

/**
 * Calls `check` every 10 ms until it neither throws nor gives false, and resolves with what it gave.
 * After `timeoutMs` it rejects with the last error, or says that the condition never held.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<Exclude<T, false>> {
  const { timeoutMs = 10_000, everyMs = 10 } = options;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const outcome = await attempt(check);
    if (outcome.held) return outcome.value;
    if (Date.now() >= deadline) {
      throw new Error(`the condition did not hold within ${timeoutMs} ms`, { cause: outcome.error });
    }
    await delay(everyMs);
  }
}

type Outcome<T> = { held: true; value: Exclude<T, false> } | { held: false; error?: unknown };

async function attempt<T>(check: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    const value = await check();
    if (value === false) return { held: false };
    return { held: true, value: value as Exclude<T, false> };
  } catch (error) {
    return { held: false, error };
  }
}
