import type { ServerResponse } from "node:http";
import { mayRead, topicNamed } from "./authorize.js";
import { invalidRequest } from "./body.js";
import { beginLines, writeLines } from "./ndjson.js";
import type { Directory, EventReader, Identity } from "./types.js";

const keepAliveMs = 15_000;
const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `10m`, `2h30m`, an RFC 3339 time, or `0` for all that is kept -> ms since the epoch. Throws `invalid_request` (400). */
export function readSince(text: string, now: number, name = "since"): number {
  if (text === "0") return 0;
  if (/^(\d{1,9}(ms|s|m|h|d))+$/.test(text)) {
    const parts = text.matchAll(/(\d+)(ms|s|m|h|d)/g);
    return [...parts].reduce((since, [, count, unit]) => since - Number(count) * units[unit!]!, now);
  }
  const time = /^\d{4}-\d\d-\d\d[Tt ]/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw invalidRequest(name, text, "a duration (10m, 2h), an RFC 3339 time, or 0");
  return time;
}

export interface EventsRouteParts {
  readonly directory: Directory;
  readonly events: EventReader;
  readonly closing: AbortSignal;
}

/**
 * GET /v1/topics/{topic}/events: envelopes as NDJSON, one a line, recorded from `since` on; with `follow` the response
 * stays open, and a blank line every 15 s shows that it lives. A passing reader is owed nothing.
 */
export async function eventsRoute(
  parts: EventsRouteParts,
  query: URLSearchParams,
  response: ServerResponse,
  identity: Identity,
  name: string,
): Promise<void> {
  mayRead(identity, topicNamed(parts.directory, name));
  const since = query.get("since");
  const sinceMs = since === null ? undefined : readSince(since, Date.now());
  const follow = query.get("follow") === "true";
  const controller = new AbortController();
  const stop = () => controller.abort();
  response.on("close", stop);
  parts.closing.addEventListener("abort", stop);
  const events = await parts.events.read(name, sinceMs, follow, controller.signal);
  beginLines(response);
  const keepAlive = setInterval(() => response.write("\n"), keepAliveMs);
  try {
    for await (const bodies of events) {
      await writeLines(response, linesOf(bodies), controller.signal);
    }
    // A reader that wanted all there is must not take a stream that was cut off for the whole.
    if (controller.signal.aborted && !follow) response.destroy();
    else response.end();
  } catch (error) {
    response.destroy();
    throw error;
  } finally {
    clearInterval(keepAlive);
    parts.closing.removeEventListener("abort", stop);
  }
}

const newline = Buffer.from("\n");

function linesOf(bodies: readonly Buffer[]): Buffer {
  return Buffer.concat(bodies.flatMap((body) => [body, newline]));
}
