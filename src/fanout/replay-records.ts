import type { Redis } from "ioredis";
import type { DeliveryKeys } from "../redis/keys.js";
import type { LedgerId } from "../redis/ledger-id.js";
import { list, type Script, type ScriptArgument, text } from "../redis/scripts.js";
import { openEvents } from "./open-events.js";
import type { LedgerReader } from "./types.js";

/** A replay that is begun and not cut to its end. */
export interface RunningReplay {
  readonly replay: string;
  readonly phase: "preparing" | "running";
  /** Its window: what the ledger has after `from` up to `to`. */
  readonly from: LedgerId;
  readonly to: LedgerId;
  /** Up to where the window was cut. */
  readonly cursor: LedgerId;
  /** Runs of replays that wait for a lease, and events that wait for an earlier one of their key. */
  readonly ready: number;
  readonly parked: number;
}

/** What is cut of a replay's window; see replay-cut.lua. */
export interface ReplayStep {
  readonly replay: string;
  readonly from: LedgerId;
  readonly to: LedgerId;
  readonly count: number;
  /** One byte an event, 'o' owed or '-' not to be replayed; '' when all are owed. */
  readonly states: string;
  /** With order by key: the key of each event (see order-keys.ts), and its ledger id. */
  readonly order?: { readonly keys: string; readonly ids: readonly LedgerId[] };
}

/**
 * With order by key, no more of a replay is cut while this many events are parked: live ones, of which far more may be
 * parked, are not to wait for room because of it.
 */
export const replayParked = 1_000;

export type ReplayBegin =
  | { readonly outcome: "begun"; readonly to: LedgerId }
  | { readonly outcome: "running" }
  | { readonly outcome: "absent" };

export type ReplayCut =
  | { readonly outcome: "cut"; readonly ticket: string }
  | { readonly outcome: "passed" | "moved" | "full" | "over" };

/** The replay of one (consumer, topic): each method is one script or one command. */
export class ReplayRecords {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: { readonly replay: Script; readonly replayCut: Script },
    private readonly keys: DeliveryKeys,
  ) {}

  /** Undefined when none is begun and not cut to its end. */
  async running(): Promise<RunningReplay | undefined> {
    const names = ["replay", "replay_phase", "replay_from", "replay_to", "replay_cursor"];
    const reply = await this.redis
      .multi()
      .hmget(this.keys.state, ...names)
      .scard(this.keys.replayReady)
      .zcard(this.keys.parked)
      .exec();
    const [replay, phase, from, to, cursor] = (reply?.[0]?.[1] ?? []) as (string | null)[];
    if (!phase) return undefined;
    const window = { from: from!, to: to!, cursor: cursor! };
    const waiting = { ready: Number(reply?.[1]?.[1] ?? 0), parked: Number(reply?.[2]?.[1] ?? 0) };
    return { replay: replay!, phase: phase as RunningReplay["phase"], ...window, ...waiting };
  }

  /** Begins one of what was recorded after `from` up to the live cursor, or up to `until` where that is earlier. */
  async begin(
    replay: string,
    from: LedgerId,
    until: LedgerId | undefined,
    redo: boolean,
  ): Promise<ReplayBegin> {
    const [outcome, to] = await this.call("begin", replay, from, until ?? "", redo ? "1" : "");
    if (outcome === "begun") return { outcome, to: to! };
    return { outcome: outcome as "running" | "absent" };
  }

  /** The ledger ids, in pages, of what is owed up to `to`. */
  openEvents(ledger: Pick<LedgerReader, "range">, topic: string, to: LedgerId): AsyncIterable<LedgerId[]> {
    return openEvents(this.redis, ledger, this.keys, topic, to);
  }

  /** These events are owed already and are not replayed. */
  async spare(replay: string, ids: readonly LedgerId[]): Promise<void> {
    if (ids.length > 0) await this.call("spare", replay, ...ids);
  }

  /** It is prepared: from now on it is cut, beginning after `cursor`. */
  async start(replay: string, events: number, cursor: LedgerId): Promise<void> {
    await this.call("start", replay, events, cursor);
  }

  /** False when it was cut to its end already. What was cut stays owed. */
  async cancel(replay: string): Promise<boolean> {
    return (await this.call("cancel", replay))[0] === "cancelled";
  }

  /** Which of the events are not replayed, since they were owed when it began. */
  async spared(ids: readonly LedgerId[]): Promise<readonly boolean[]> {
    if (ids.length === 0) return [];
    const members = await this.redis.smismember(this.keys.spared, ...ids);
    return members.map((member) => member === 1);
  }

  /** REPLAY_CUT; see replay-cut.lua. */
  async cut({ replay, from, to, count, states, order }: ReplayStep): Promise<ReplayCut> {
    const step = [
      replay,
      from,
      to,
      count,
      states,
      order?.keys ?? "",
      order?.ids.join(" ") ?? "",
      replayParked,
    ];
    const args = [this.keys.prefix, ...step];
    const reply = list(await this.scripts.replayCut.run(this.redis, [this.keys.state], args));
    const outcome = text(reply[0]) as ReplayCut["outcome"];
    return outcome === "cut" ? { outcome, ticket: text(reply[1]) } : { outcome };
  }

  private async call(...args: ScriptArgument[]): Promise<string[]> {
    const reply = await this.scripts.replay.run(this.redis, [this.keys.state], [this.keys.prefix, ...args]);
    return list(reply).map(text);
  }
}
