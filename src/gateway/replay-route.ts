import type { ServerResponse } from "node:http";
import { beforeTime, recordedAt } from "../redis/ledger-id.js";
import { invalidRequest } from "./body.js";
import { readSince } from "./events-route.js";
import type { GatewayQueue, ReplayProgress, ReplayRequest, ReplayWindow } from "./types.js";

type ReplayingQueue = Pick<GatewayQueue, "replay" | "previewReplay" | "cancelReplay" | "counts">;

/**
 * POST /v1/topics/{topic}/replay `{since, until, redo, dry_run}`: owes the consumer again what was recorded from `since`
 * on, before `until`. Answers 202 `{replay, from, to, events}`; with `dry_run` 200, and nothing is begun. `from` and `to`
 * are when the window's first and last event were recorded, null when it has none.
 */
export async function requestReplay(
  response: ServerResponse,
  queue: ReplayingQueue,
  body: Record<string, unknown>,
): Promise<void> {
  const request = readReplay(body, Date.now());
  if (flag(body, "dry_run")) {
    return sendJson(response, 200, { ...inTimes(await queue.previewReplay(request)), dry_run: true });
  }
  const begun = await queue.replay(request);
  sendJson(response, 202, { replay: begun.replay, ...inTimes(begun) });
}

/** GET …/replay: `{replay: {replay, running, done, of}}`, or `{replay: null}`. */
export async function answerReplay(response: ServerResponse, queue: ReplayingQueue): Promise<void> {
  sendJson(response, 200, { replay: (await queue.counts()).replay ?? null });
}

/** DELETE …/replay: ends the one that runs; what it brought already stays owed. */
export async function cancelReplay(response: ServerResponse, queue: ReplayingQueue): Promise<void> {
  const cancelled: ReplayProgress = await queue.cancelReplay();
  sendJson(response, 200, cancelled);
}

/** Reads what is asked for; `now` in ms. Throws `invalid_request` (400) naming the member. */
export function readReplay(body: Record<string, unknown>, now: number): ReplayRequest {
  const since = timeIn(body, "since", now);
  if (since === undefined) throw invalidRequest("since", undefined, expectedTime);
  const until = timeIn(body, "until", now);
  if (until !== undefined && until <= since) throw invalidRequest("until", body.until, "a time after since");
  return {
    from: beforeTime(since),
    ...(until === undefined ? {} : { until: beforeTime(until) }),
    redo: flag(body, "redo"),
  };
}

const expectedTime = "a duration (10m, 2h), an RFC 3339 time, or 0";

function timeIn(body: Record<string, unknown>, name: string, now: number): number | undefined {
  const value = body[name];
  if (value === undefined) return undefined;
  if (typeof value !== "string") throw invalidRequest(name, value, `${expectedTime}, as text`);
  return readSince(value, now, name);
}

function flag(body: Record<string, unknown>, name: string): boolean {
  const value = body[name] ?? false;
  if (typeof value !== "boolean") throw invalidRequest(name, value, "true or false");
  return value;
}

function inTimes({ count, first, last }: ReplayWindow): object {
  const time = (id: string | undefined) => (id === undefined ? null : new Date(recordedAt(id)).toISOString());
  return { from: time(first), to: time(last), events: count };
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { "content-type": "application/json", "content-length": body.length });
  response.end(body);
}
