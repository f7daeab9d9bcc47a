import { successful } from "./answers.js";
import { HmsSyncClientError } from "./errors.js";
import type { Logger } from "./log.js";
import type { Transport } from "./transport.js";

const TIMEOUT_MS = 30_000;

/** Whose window of which topic is asked for, and where. */
export interface ReplayTarget {
  readonly transport: Transport;
  readonly url: string;
  readonly topic: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly log: Logger;
}

/**
 * Asks the bus to owe the consumer a topic's events since then once more. One that already runs is left to run: the
 * answer to an earlier try may have been lost, or the program has been started again.
 */
export async function requestReplay(target: ReplayTarget, since: string, signal: AbortSignal): Promise<void> {
  const { transport, url, topic, headers, log } = target;
  const answer = await transport.call({
    method: "POST",
    path: `/v1/topics/${encodeURIComponent(topic)}/replay`,
    headers,
    body: JSON.stringify({ since }),
    timeoutMs: TIMEOUT_MS,
    signal,
  });
  try {
    successful(answer, url);
  } catch (error) {
    if (!(error instanceof HmsSyncClientError) || error.code !== "replay_running") throw error;
    log.info("a replay runs already, no other is begun", { topic });
  }
}
