import { randomBytes } from "node:crypto";
import { HmsSyncError } from "../errors.js";
import { replayHolder } from "../redis/keys.js";
import { compareIds, justBefore, type LedgerId } from "../redis/ledger-id.js";
import type { DeliveryRecords, PendingTicket, ReplayProgress } from "./delivery-records.js";
import { keysOf } from "./order-keys.js";
import { type ReplayStep, type RunningReplay, replayParked } from "./replay-records.js";
import { oneRunOf } from "./run-size.js";
import { statesFor } from "./settlement.js";
import type { DeliveryPolicy, EventView, LedgerReader, LedgerStretch } from "./types.js";

/** What is to be replayed: what was recorded after `from`, up to `until`, or up to what the consumer was handed last. */
export interface ReplayRequest {
  readonly from: LedgerId;
  readonly until?: LedgerId;
  /** Its events count as new to those who keep account of what was done (`redo` of a delivery). */
  readonly redo: boolean;
}

/** A replay that was begun: its window's events, as the ledger keeps them. */
export interface ReplayBegun extends LedgerStretch {
  readonly replay: string;
}

export interface ReplayerParts {
  readonly consumer: string;
  readonly topic: string;
  readonly records: DeliveryRecords;
  readonly ledger: LedgerReader;
  /** How the consumer is served, and what it is given, right now. */
  readonly policy: () => DeliveryPolicy;
  readonly view: () => EventView;
  /** False while nothing may be cut. */
  readonly mayCut: () => boolean;
  readonly offer: (tickets: readonly PendingTicket[]) => Promise<void>;
}

/**
 * Owes a consumer a stretch of its topic again, run by run beside what is live. What a sidecar leaves undone, any other
 * one goes on with: `advance` may be called at any time, by several at once.
 */
export class Replayer {
  private advancing: Promise<void> | undefined;
  private again = false;

  constructor(private readonly parts: ReplayerParts) {}

  /** Resolves when it is prepared. Rejects with `replay_running` (409), `unavailable` (503) before the consumer joined. */
  async begin({ from, until, redo }: ReplayRequest): Promise<ReplayBegun> {
    const { records, consumer, topic } = this.parts;
    const replay = randomBytes(9).toString("base64url");
    const begun = await records.replays.begin(replay, from, until, redo);
    if (begun.outcome === "absent") throw notServedYet(consumer, topic);
    if (begun.outcome === "running") throw running(consumer, topic, (await records.counts()).replay);
    return { replay, ...(await this.prepare({ replay, from, to: begun.to })) };
  }

  /** The events that a replay begun now would have in its window. */
  async preview({ from, until }: ReplayRequest): Promise<LedgerStretch> {
    const { records, ledger, topic, consumer } = this.parts;
    const cursor = await records.cursor();
    if (cursor === undefined) throw notServedYet(consumer, topic);
    const to = until !== undefined && compareIds(until, cursor) < 0 ? until : cursor;
    return await ledger.count(topic, from, to);
  }

  /** Ends the one that runs; what it has cut stays owed. Resolves to how far it was. Rejects with `no_replay` (404). */
  async cancel(): Promise<ReplayProgress> {
    const { records, consumer, topic } = this.parts;
    const { replay } = await records.counts();
    if (!replay?.running || !(await records.replays.cancel(replay.replay))) throw noneRuns(consumer, topic);
    const { done, of } = (await records.counts()).replay ?? { ...replay, of: replay.done };
    return { replay: replay.replay, running: false, done, of };
  }

  /** Cuts what may be cut of the one that runs, if there is one. Calls while one runs are joined. */
  async advance(): Promise<void> {
    this.again = true;
    this.advancing ??= this.advanceAll().finally(() => {
      this.advancing = undefined;
    });
    await this.advancing;
  }

  private async advanceAll(): Promise<void> {
    while (this.again) {
      this.again = false;
      if (!this.parts.mayCut()) return;
      const replay = await this.parts.records.replays.running();
      if (replay === undefined) return;
      if (replay.phase === "running") await this.cut(replay);
      else {
        await this.prepare(replay);
        this.again = true;
      }
    }
  }

  // The hold on the ledger first, so that what is counted then stays until it is replayed.
  private async prepare({
    replay,
    from,
    to,
  }: Pick<RunningReplay, "replay" | "from" | "to">): Promise<LedgerStretch> {
    const { records, ledger, topic, consumer } = this.parts;
    await ledger.raiseFloor(topic, replayHolder(consumer, replay), from);
    for await (const ids of records.replays.openEvents(ledger, topic, to))
      await records.replays.spare(
        replay,
        ids.filter((id) => compareIds(id, from) > 0),
      );
    const window = await ledger.count(topic, from, to);
    // From the first event that is kept on: a sidecar's memory may have earlier ones, and indexes in a run count on all
    // sidecars reading the same events.
    const cursor = window.first === undefined ? to : justBefore(window.first);
    await records.replays.start(replay, window.count, cursor);
    return window;
  }

  private async cut({ replay, cursor, to, ready, parked }: RunningReplay): Promise<void> {
    const { records, ledger, topic } = this.parts;
    const { run, order } = this.parts.policy();
    if (ready > 0 || (order === "key" && parked >= replayParked)) return;
    const found = await ledger.range(topic, cursor, to, run);
    const entries = oneRunOf(found);
    const ids = entries.map(({ id }) => id);
    const isLast = found.length < run && entries.length === found.length;
    const step: ReplayStep = {
      ...{ replay, from: cursor, to: isLast ? to : ids.at(-1)!, count: entries.length },
      states: await this.statesOf(entries),
      ...(order === "key" ? { order: { keys: keysOf(entries), ids } } : {}),
    };
    const cut = await records.replays.cut(step);
    if (cut.outcome === "cut") await this.parts.offer([{ ticket: cut.ticket, due: 0 }]);
    this.again ||= cut.outcome === "passed" || cut.outcome === "moved";
  }

  private async statesOf(
    entries: readonly { id: LedgerId; body: Buffer; systems: string }[],
  ): Promise<string> {
    const states = statesFor(this.parts.consumer, entries, this.parts.view());
    const spared = await this.parts.records.replays.spared(entries.map(({ id }) => id));
    if (!spared.includes(true)) return states;
    return entries.map((_entry, i) => (spared[i] || states[i] === "-" ? "-" : "o")).join("");
  }
}

function running(consumer: string, topic: string, progress: ReplayProgress | undefined): HmsSyncError {
  const { replay, done, of } = progress ?? {};
  const far = progress === undefined ? "" : ` (${done} of ${of})`;
  return new HmsSyncError(
    "replay_running",
    `a replay of ${topic} for ${consumer} runs already${far}; wait for its end, or cancel it`,
    { status: 409, details: { replay, done, of } },
  );
}

function noneRuns(consumer: string, topic: string): HmsSyncError {
  return new HmsSyncError(
    "no_replay",
    `no replay of ${topic} for ${consumer} runs; what one has brought already stays owed`,
    { status: 404 },
  );
}

function notServedYet(consumer: string, topic: string): HmsSyncError {
  return new HmsSyncError("unavailable", `${consumer} of ${topic} is not served yet; try again`, {
    status: 503,
    retryable: true,
  });
}
