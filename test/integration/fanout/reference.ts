import type { SettleAction } from "../../../src/fanout/types.js";

/** What a consumer is promised beyond at-least-once; as in topics.yaml. */
export interface Promises {
  /** Number of ordering keys among the events, with order by key; undefined: no order. */
  readonly keys?: number;
  readonly maxInFlight?: number;
}

/** The ordering key of an event; events without order have none. */
export function keyOf(number: number, { keys }: Promises): string | undefined {
  return keys === undefined ? undefined : `key ${(number * number) % keys}`;
}

export interface Held {
  readonly number: number;
  readonly token: string;
  /** Order in which deliveries happened; the latest one of an event is the only one that may settle it. */
  readonly delivery: number;
  settled: SettleAction | undefined;
}

interface Known {
  state: "owed" | "acked" | "dead" | "maybe";
  latest: number;
  /** True while a lease of it is surely in force: another delivery would be a double one. */
  leased: boolean;
  /** A settle of it went unanswered: it may be a dead letter by its last attempt. */
  unsure: boolean;
}

/** The obviously right reference: what an adapter was told, and what it must never be told. */
export class Reference {
  readonly events = new Map<number, Known>();
  readonly held: Held[] = [];
  private deliveries = 0;
  /** Per key the newest event that was handed out. */
  private readonly newest = new Map<string, number>();
  private readonly mustBeDead = new Set<number>();

  constructor(private readonly promises: Promises) {}

  published(number: number): void {
    if (!this.events.has(number))
      this.events.set(number, { state: "owed", latest: 0, leased: false, unsure: false });
  }

  delivered(number: number, token: string): void {
    const known = this.events.get(number);
    if (known === undefined) throw new Error(`event ${number} was delivered but never published`);
    if (known.state === "acked")
      throw new Error(`event ${number} was delivered after its ack had answered ok`);
    if (known.state === "dead")
      throw new Error(`event ${number} was delivered after it became a dead letter`);
    if (known.leased) throw new Error(`event ${number} was delivered while it was leased`);
    this.handedOut(number);
    known.leased = true;
    this.checkInFlight();
    known.latest = ++this.deliveries;
    this.held.push({ number, token, delivery: known.latest, settled: undefined });
  }

  answered(held: Held, action: SettleAction, result: string): void {
    const known = this.events.get(held.number)!;
    if (result !== "ok") return;
    if (held.settled === action) return; // a repeat
    if (held.settled !== undefined)
      throw new Error(`event ${held.number}: ${action} answered ok after ${held.settled}`);
    if (held.delivery !== known.latest)
      throw new Error(`event ${held.number}: a superseded lease settled it (${action})`);
    if (known.state === "owed" && !known.unsure && this.overtaken(held.number))
      throw new Error(
        `event ${held.number}: ${action} answered ok after a later event of its key was handed out`,
      );
    if (action === "extend") return;
    held.settled = action;
    known.leased = false;
    if (action === "ack") known.state = "acked";
    if (action === "term") known.state = "dead";
  }

  /** The answer was lost: the settle may or may not have happened. */
  unanswered(held: Held, action: SettleAction): void {
    const known = this.events.get(held.number)!;
    known.leased = false;
    known.unsure = true;
    if (held.delivery === known.latest && known.state === "owed" && (action === "ack" || action === "term"))
      known.state = "maybe";
  }

  lapsed(): void {
    for (const known of this.events.values()) known.leased = false;
  }

  /** The events' fate, when everything that comes was settled. */
  check(dead: readonly number[]): void {
    if (new Set(dead).size !== dead.length) throw new Error(`an event is a dead letter twice: ${dead}`);
    for (const [number, known] of this.events) {
      const isDead = dead.includes(number);
      if (known.state === "acked" && isDead) throw new Error(`event ${number} is acked and a dead letter`);
      if (known.state === "owed" && !isDead)
        throw new Error(`event ${number} is lost: neither acked nor owed nor dead`);
      if (known.state === "dead" && !isDead)
        throw new Error(`event ${number} was termed but is no dead letter`);
      if (this.mustBeDead.has(number) && known.state === "owed" && !isDead)
        throw new Error(`event ${number} was overtaken by a later one of its key and is no dead letter`);
    }
  }

  private handedOut(number: number): void {
    const key = keyOf(number, this.promises);
    if (key === undefined) return;
    if (this.overtaken(number))
      throw new Error(`event ${number} was delivered after a later event of its key`);
    this.newest.set(key, number);
    for (const [earlier, { state }] of this.events) {
      if (earlier >= number || state !== "owed" || keyOf(earlier, this.promises) !== key) continue;
      if (this.events.get(earlier)!.leased)
        throw new Error(`event ${number} was delivered while ${earlier} of its key was leased`);
      this.mustBeDead.add(earlier);
    }
  }

  private overtaken(number: number): boolean {
    const key = keyOf(number, this.promises);
    return key !== undefined && (this.newest.get(key) ?? 0) > number;
  }

  private checkInFlight(): void {
    const { maxInFlight } = this.promises;
    if (maxInFlight === undefined) return;
    let count = 0;
    for (const { leased } of this.events.values()) if (leased) count++;
    if (count > maxInFlight) throw new Error(`${count} events are in flight, more than ${maxInFlight}`);
  }
}
