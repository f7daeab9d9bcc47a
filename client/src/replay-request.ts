import { successful } from "./answers.js";
import { HmsSyncClientError } from "./errors.js";
import type { Liveness } from "./liveness.js";
import type { Logger } from "./log.js";
import { Outage, persist } from "./retry.js";
import type { Transport } from "./transport.js";

const TIMEOUT_MS = 30_000;

/** Whose window of which topic is asked for, and where. */
export interface ReplayTarget {
  readonly transport: Transport;
  readonly url: string;
  readonly topic: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly liveness: Liveness;
  readonly log: Logger;
}

/** The question for a replay that comes before a subscription's first pull. */
export class Rewind {
  /** Whether events may be fetched: it was answered, or there is nothing to ask. */
  done: boolean;
  private readonly stopped = new AbortController();

  constructor(
    private readonly target: ReplayTarget,
    private readonly since: string | undefined,
  ) {
    this.done = since === undefined;
  }

  /** Asks until the bus has answered, or until stopped. @throws HmsSyncClientError what will not get better. */
  async ask(): Promise<void> {
    const { target, since } = this;
    if (since === undefined) return;
    const { signal } = this.stopped;
    const outage = new Outage(`asking for a replay of ${target.topic}`, target.log, target.liveness);
    try {
      await persist(() => requestReplay(target, since, signal), outage, { signal });
      this.done = true;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  stop(): void {
    this.stopped.abort();
  }
}

/**
 * Asks the bus to owe the consumer a topic's events since then once more. One that already runs is left to run: the
 * answer to an earlier try may have been lost, or the program has been started again.
 */
async function requestReplay(target: ReplayTarget, since: string, signal: AbortSignal): Promise<void> {
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
