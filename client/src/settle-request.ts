import { jsonBody, successful } from "./answers.js";
import { parseSettled, type SettleAnswer } from "./frame.js";
import type { SettleBatch } from "./settle-batch.js";
import type { Transport } from "./transport.js";

const TIMEOUT_MS = 10_000;

/** Whose events of which topic are settled, and where. */
export interface SettleTarget {
  readonly transport: Transport;
  readonly url: string;
  readonly topic: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Sends settles in a request of their own. */
export async function sendSettles(target: SettleTarget, batch: SettleBatch): Promise<SettleAnswer[]> {
  const { transport, url, headers, topic } = target;
  const answer = await transport.call({
    method: "POST",
    path: `/v1/topics/${encodeURIComponent(topic)}/settle`,
    headers,
    body: JSON.stringify({ settle: batch.entries }),
    timeoutMs: TIMEOUT_MS,
  });
  return parseSettled(jsonBody(successful(answer, url)).settled);
}
