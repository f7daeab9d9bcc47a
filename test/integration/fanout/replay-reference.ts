import type { Lease } from "../../../src/fanout/types.js";
import { numberIn } from "../../support/belt.js";
import { type Held, keyOf, type Promises, Reference } from "./reference.js";

/** What one replay has to bring. Older deliveries of an event, live or of an earlier replay, exclude its own. */
class ReplayReference extends Reference {
  /** Events that an older delivery answers for: they were open when this one began. */
  readonly older = new Set<number>();
  readonly brought = new Set<number>();
  cancelled = false;

  /** `spared`: the event may have been owed already, so that it need not come. */
  begun(number: number, spared: boolean): void {
    this.published(number);
    if (spared) this.events.get(number)!.state = "maybe";
  }

  override delivered(number: number, token: string): void {
    if (this.older.has(number)) throw new Error(`event ${number} was replayed while it was owed already`);
    const known = this.events.get(number);
    if (known?.state === "maybe" && known.latest === 0) known.state = "owed";
    this.brought.add(number);
    super.delivered(number, token);
  }

  override check(dead: readonly number[]): void {
    for (const [number, known] of this.events)
      if (this.cancelled && !this.brought.has(number)) known.state = "maybe";
    super.check(dead);
  }
}

/** A dead letter: of which event, and which replay brought it. */
export interface Letter {
  readonly number: number;
  readonly redo: string | undefined;
  readonly reason: string;
}

/** An event in an adapter's hand, and whose promise it is. */
export interface Handed {
  readonly of: Reference;
  readonly held: Held;
}

/** The live deliveries and those of each replay, and what is promised of them together. */
export class References {
  readonly live: Reference;
  readonly handed: Handed[] = [];
  private readonly replays = new Map<string, ReplayReference>();

  constructor(private readonly promises: Promises) {
    this.live = new Reference(promises);
  }

  /** A replay of these events was begun. */
  replayBegun(replay: string, window: readonly number[]): void {
    if (this.replays.has(replay)) return;
    const reference = new ReplayReference(this.promises);
    const older = [this.live, ...this.replays.values()];
    for (const number of window) {
      const states = older.flatMap((each) => each.events.get(number) ?? []);
      reference.begun(number, !states.every(({ state, unsure }) => state === "acked" && !unsure));
      if (states.some(({ leased }) => leased)) reference.older.add(number);
    }
    this.replays.set(replay, reference);
  }

  /** It was cancelled, or may have been. */
  cancelled(): void {
    for (const replay of this.replays.values()) replay.cancelled = true;
  }

  deliver({ lease, indexes, bodies, redo, replayed }: Lease): void {
    const of = redo === undefined ? this.live : this.replays.get(redo);
    if (of === undefined) throw new Error(`a replay ${redo} that nobody asked for brought ${lease}`);
    if (replayed !== (redo !== undefined))
      throw new Error(`${lease}: replayed ${replayed} with redo ${redo}`);
    for (const [i, body] of bodies.entries()) {
      const number = numberIn(body);
      this.checkYounger(of, number);
      of.delivered(number, `${lease}.${indexes[i]}`);
      this.handed.push({ of, held: of.held.at(-1)! });
      this.checkInHand(of, number);
    }
  }

  lapsed(): void {
    for (const each of this.all()) each.lapsed();
  }

  check(letters: readonly Letter[]): void {
    const unreadable = letters.find(({ reason }) => reason.includes("no longer holds"));
    if (unreadable !== undefined) throw new Error(`event ${unreadable.number} was trimmed while it was owed`);
    for (const [replay, of] of [[undefined, this.live] as const, ...this.replays]) {
      of.check(letters.filter(({ redo }) => redo === replay).map(({ number }) => number));
    }
  }

  private all(): Reference[] {
    return [this.live, ...this.replays.values()];
  }

  private checkYounger(of: Reference, number: number): void {
    const all = this.all();
    for (const younger of all.slice(all.indexOf(of) + 1) as ReplayReference[]) {
      if (!younger.events.has(number)) continue;
      if (younger.brought.has(number))
        throw new Error(`event ${number} was replayed, and came of itself as well`);
      younger.older.add(number);
    }
  }

  private checkInHand(of: Reference, number: number): void {
    const { maxInFlight } = this.promises;
    let count = 0;
    for (const each of this.all()) {
      for (const [other, { leased }] of each.events) {
        if (!leased) continue;
        count++;
        const key = keyOf(other, this.promises);
        if (each !== of && key !== undefined && key === keyOf(number, this.promises))
          throw new Error(`${number} and ${other} of one key are in hand together, live and replayed`);
      }
    }
    if (maxInFlight !== undefined && count > maxInFlight)
      throw new Error(`${count} events are in flight, more than ${maxInFlight}`);
  }
}
