import type { SettleAction } from "../../../../src/fanout/types.js";

/** How one consumer is served, as far as the reference must know. Times in ms. */
export interface Terms {
  readonly ackWaitMs: number;
  readonly maxDeliver: number;
  readonly backoffMs: readonly number[];
  /** Its ordering key, with order by key. */
  keyOf?(number: number): string;
  /** Why it cannot be given the event in its version now: such an event is dead as soon as it is leased. */
  castFailure(number: number): string | undefined;
}

/** One event that a consumer is owed, or was. */
interface Owed {
  readonly number: number;
  state: "waiting" | "leased" | "acked" | "dead";
  /** Delivered by itself, so that its attempts count; before, it goes with its run, whose lapses count. */
  alone: boolean;
  counted: number;
  lapses: number;
  /** It was silent: such events are in hand one at a time. */
  suspect: boolean;
  /** It takes its turn among those of its key; not when it was redriven. */
  ordered: boolean;
  /** Not delivered before. */
  due: number;
  /** The one that settles it: of its lease, and after that has lapsed still until it is handed out again. */
  token: string;
  deadline: number;
  /** Leases of it that may have been made for a sidecar that died, and that nobody got. */
  silent: number;
  reason: string;
}

/** A dead letter: of which event, after how many counted attempts, and why. */
export interface Letter {
  readonly number: number;
  readonly attempts: number;
  readonly reason: string;
}

/** What was handed out: events of one lease, in their order. */
export interface Handed {
  readonly attempt: number;
  readonly events: readonly { readonly number: number; readonly token: string }[];
}

export interface Settlement {
  readonly action: SettleAction;
  readonly delayMs?: number;
  readonly reason: string;
}

const maxLapses = 2;
const silence = "no answer within ack_wait";

/** What one consumer is owed: a list of events, each in one state. Its clock goes on when it is told so. */
export class Reference {
  private now = 0;
  private readonly events = new Map<number, Owed>();
  /** Each token that was handed out, and how its event was settled with it. */
  private readonly handed = new Map<string, { event: Owed; settled?: SettleAction }>();

  constructor(private readonly terms: Terms) {}

  /** What it is now, to go back to. */
  copy(): Reference {
    const copied = new Reference(this.terms);
    const { events, handed, now } = structuredClone({
      events: this.events,
      handed: this.handed,
      now: this.now,
    });
    return Object.assign(copied, { events, handed, now });
  }

  published(number: number): void {
    if (this.events.has(number)) return;
    const ordered = this.terms.keyOf !== undefined;
    const fresh = { ordered, alone: false, counted: 0, lapses: 0, suspect: false, silent: 0, reason: "" };
    this.events.set(number, { number, state: "waiting", ...fresh, due: this.now, token: "", deadline: 0 });
  }

  /** A dead letter was redriven: by itself, with fresh attempts, and out of its turn. */
  redriven(number: number): void {
    const event = this.events.get(number)!;
    const fresh = { ordered: false, alone: true, counted: 0, lapses: 0, suspect: false };
    Object.assign(event, { state: "waiting", ...fresh, due: this.now, token: "" });
  }

  /** A lease came to an adapter. */
  delivered({ attempt, events }: Handed): void {
    for (const { number, token } of events) {
      const event = this.events.get(number);
      if (event === undefined) throw new Error(`event ${number} was delivered and is not owed`);
      if (event.state !== "waiting") throw new Error(`event ${number} was delivered while ${event.state}`);
      if (event.due > this.now)
        throw new Error(`event ${number} was delivered ${event.due - this.now} ms too early`);
      if (this.terms.castFailure(number) !== undefined)
        throw new Error(`event ${number} was delivered in a version it cannot be cast to`);
      if (this.isHeldBack(event)) throw new Error(`event ${number} was delivered before its turn in its key`);
      this.takeNoteOfSilence(event, attempt);
      if (attemptOf(event) !== attempt)
        throw new Error(`event ${number} came as attempt ${attempt} instead of ${attemptOf(event)}`);
      if (event.suspect && this.some((other) => other.suspect && other.state === "leased"))
        throw new Error(`event ${number} was delivered while another one that had been silent was in hand`);
      if (event.token !== "") this.voidLease(leaseOf(event.token));
      if (event.alone) event.counted++;
      Object.assign(event, { state: "leased", token, deadline: this.now + this.terms.ackWaitMs });
      this.handed.set(token, { event });
    }
  }

  /** A settle was answered. */
  settled(token: string, settlement: Settlement, result: string): void {
    const { action } = settlement;
    const held = this.handed.get(token);
    if (held === undefined) {
      if (result === "ok") throw new Error(`${token}, which Redis has lost, was answered ok`);
      return;
    }
    const { event } = held;
    const inForce = event.token === token && (event.state === "leased" || action !== "extend");
    const expected = inForce || held.settled === action;
    if (result !== "ok" && inForce && event.silent > 0) return; // it was leased again, for nobody
    if ((result === "ok") !== expected)
      throw new Error(
        `event ${event.number}: ${action} of ${token} answered ${result}, the event being ${event.state}`,
      );
    if (!inForce) return;
    event.silent = 0;
    if (action === "extend") event.deadline = this.now + this.terms.ackWaitMs;
    else {
      held.settled = action;
      this.apply(event, settlement);
    }
  }

  /** So much time passed, and what was silent was taken back. */
  passed(ms: number): void {
    this.now += ms;
    for (const lease of new Set(this.inHand().map(leaseOf))) {
      const members = [...this.events.values()].filter((event) => this.isIn(event, lease));
      const expired = members.filter(({ deadline }) => deadline <= this.now);
      for (const event of expired) this.silent(event, expired.length === members.length);
    }
  }

  /** A sidecar died: it may have leased, for nobody, whatever could be leased. */
  doubted(): void {
    for (const event of this.events.values())
      if (event.state === "waiting" && event.due <= this.now && !this.isHeldBack(event)) event.silent++;
  }

  /** All that could be pulled was pulled; what is wrong with what came and with these dead letters, if anything. */
  complaint(letters: readonly Letter[]): string | undefined {
    const dead = new Set(letters.map(({ number }) => number));
    if (dead.size < letters.length) throw new Error("an event is a dead letter twice");
    for (const letter of letters) this.takeNoteOfDeath(letter);
    const missing = this.find(({ number, state }) => state === "dead" && !dead.has(number));
    if (missing !== undefined) return `event ${missing.number} is no dead letter`;
    const late = this.find((event) => this.isOverdue(event));
    if (late !== undefined) return `event ${late.number} is due and did not come`;
    return undefined;
  }

  /** Whether a sidecar that died may have leased some of it, unseen. */
  get isDoubtful(): boolean {
    return this.some(({ silent, state }) => state === "waiting" && silent > 0);
  }

  /** Tokens of what is in adapters' hands now. */
  inHand(): string[] {
    return [...this.events.values()].filter(({ state }) => state === "leased").map(({ token }) => token);
  }

  count(...states: Owed["state"][]): number {
    return [...this.events.values()].filter(({ state }) => states.includes(state)).length;
  }

  private apply(event: Owed, { action, delayMs, reason }: Settlement): void {
    const attempts = event.alone ? event.counted : 1;
    event.token = "";
    if (action === "ack") event.state = "acked";
    if (action === "term") this.die(event, attempts, reason);
    if (action === "release") {
      Object.assign(event, { state: "waiting", due: this.now, counted: event.alone ? attempts - 1 : 0 });
    }
    if (action !== "nack") return;
    if (attempts < this.terms.maxDeliver)
      this.retry(event, attempts, delayMs ?? this.backoff(attempts), false);
    else this.die(event, attempts, reason === "" ? "nacked" : reason);
  }

  // An event that is silent leaves its run; when all are, the run lapses, and counts no attempt against them.
  private silent(event: Owed, whole: boolean): void {
    if (event.alone) {
      if (event.counted >= this.terms.maxDeliver) this.die(event, event.counted, silence);
      else this.retry(event, event.counted, this.backoff(event.counted), true);
    } else if (!whole) {
      event.token = "";
      if (this.terms.maxDeliver <= 1) this.die(event, 1, silence);
      else this.retry(event, 1, this.backoff(1), true);
    } else {
      event.lapses++;
      const apart = event.lapses === maxLapses;
      Object.assign(event, { state: "waiting", due: this.now, alone: apart, suspect: apart });
      if (apart) event.token = "";
    }
  }

  private retry(event: Owed, counted: number, delayMs: number, suspect: boolean): void {
    Object.assign(event, { state: "waiting", alone: true, counted, due: this.now + delayMs, suspect });
  }

  private die(event: Owed, counted: number, reason: string): void {
    Object.assign(event, { state: "dead", counted, reason, token: "" });
  }

  // A run that is leased again may be divided; no token of before counts any more.
  private voidLease(lease: string): void {
    for (const event of this.events.values())
      if (event.state === "waiting" && leaseOf(event.token) === lease) event.token = "";
  }

  private backoff(attempts: number): number {
    const { backoffMs } = this.terms;
    return backoffMs[Math.min(attempts, backoffMs.length) - 1]!;
  }

  // Of the leases that nobody got, as many were made as its attempt shows.
  private takeNoteOfSilence(event: Owed, attempt: number): void {
    for (; event.silent > 0 && attemptOf(event) < attempt; event.silent--) this.lapseUnseen(event);
    event.silent = 0;
  }

  private lapseUnseen(event: Owed): void {
    const { due } = event;
    if (event.alone) event.counted++;
    this.silent(event, true);
    event.due = Math.min(due, this.now);
  }

  private takeNoteOfDeath({ number, attempts, reason }: Letter): void {
    const event = this.events.get(number);
    if (event === undefined) throw new Error(`event ${number} is a dead letter and was not owed`);
    const failure = this.terms.castFailure(number);
    if (event.state === "waiting" && event.due <= this.now && failure === reason) {
      // A run that lapsed unseen may have come apart in more than one way.
      const counted = event.silent > 0 ? attempts : event.alone ? event.counted + 1 : 1;
      this.die(event, counted, failure);
    }
    for (; event.state === "waiting" && event.silent > 0; event.silent--) this.lapseUnseen(event);
    if (event.state !== "dead") throw new Error(`event ${number} is a dead letter, and ${event.state}`);
    if (event.counted !== attempts || event.reason !== reason)
      throw new Error(
        `event ${number} died after ${attempts} attempts (${reason}) instead of ${event.counted} (${event.reason})`,
      );
  }

  // What may have died with nobody knowing holds back nothing any more.
  private isHeldBack(event: Owed): boolean {
    const { castFailure } = this.terms;
    return this.earlierOf(event).some(({ silent, number }) => silent === 0 && !castFailure(number));
  }

  /** Unsettled events of its key that come before it. */
  private earlierOf(event: Owed): Owed[] {
    if (!event.ordered) return [];
    const key = this.terms.keyOf!(event.number);
    const all = [...this.events.values()];
    return all
      .slice(0, all.indexOf(event))
      .filter((other) => other.ordered && (other.state === "waiting" || other.state === "leased"))
      .filter(({ number }) => this.terms.keyOf!(number) === key);
  }

  private isOverdue(event: Owed): boolean {
    if (event.state !== "waiting" || event.due > this.now || event.silent > 0) return false;
    if (this.earlierOf(event).length > 0) return false;
    return (
      !event.suspect || !this.some((other) => other.silent > 0 || (other.suspect && other.state === "leased"))
    );
  }

  private isIn({ state, token }: Owed, lease: string): boolean {
    return state === "leased" && leaseOf(token) === lease;
  }

  private some(holds: (event: Owed) => boolean): boolean {
    return this.find(holds) !== undefined;
  }

  private find(holds: (event: Owed) => boolean): Owed | undefined {
    for (const event of this.events.values()) if (holds(event)) return event;
    return undefined;
  }
}

function leaseOf(token: string): string {
  return token.slice(0, token.lastIndexOf("."));
}

/** The attempt as which it comes next. */
function attemptOf({ alone, counted, lapses }: Owed): number {
  return lapses + (alone ? counted + 1 : 1);
}
