import fc from "fast-check";
import { expect, test } from "vitest";
import type { SettleAction } from "../../src/settle-batch.js";
import { ConsumerQueue, type Lease } from "../../src/testing/consumer-queue.js";
import { Ledger } from "../../src/testing/ledger.js";
import { policyOf, type TestTopicOptions } from "../../src/testing/options.js";
import { TestClock } from "../../src/testing/test-clock.js";
import { settleAll } from "../../src/testing/wire.js";

/*
 * Random histories of publishing, pulling, settling (also late, again and against what was said before) and time that
 * passes, held event by event to the rules that docs and scripts of the fan-out state.
 */
const ACK_WAIT = 1_000;
const MAX_DELIVER = 3;
const REMEMBERED = 60_000;

type Step =
  | { readonly do: "publish"; readonly count: number }
  | { readonly do: "pull"; readonly max: number }
  | { readonly do: "settle"; readonly which: number; readonly span: number; readonly action: SettleAction }
  | { readonly do: "pass"; readonly ms: number };

/** Mostly of what was handed out lately, so that the same events are settled, lapse and come again many times. */
const which = fc.oneof({ weight: 4, arbitrary: fc.nat({ max: 5 }) }, { weight: 1, arbitrary: fc.nat() });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("publish" as const), count: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("pull" as const), max: fc.integer({ min: 1, max: 5 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      which,
      span: fc.integer({ min: 1, max: 3 }),
      action: fc.constantFrom<SettleAction>("ack", "ack", "nack", "term", "release", "extend", "extend"),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      ms: fc.constantFrom(1, 300, 700, 999, 1_000, 1_000, 1_001, 2_000, 2_000, 70_000),
    }),
  },
);

/** One event of one lease, as the rules see it. */
interface Handed {
  readonly token: string;
  readonly event: Tracked;
  readonly attempt: number;
  deadline: number;
  settled?: { readonly action: SettleAction; readonly at: number };
}

interface Tracked {
  readonly id: string;
  readonly key: string;
  state: "owed" | "acked" | "dead";
  /** Not handed out before. */
  dueAt: number;
  newest?: Handed;
  /** The attempt that the next lease has; undefined after a settle that came between lapse and next lease. */
  nextAttempt: number | undefined;
}

class History {
  private readonly clock = new TestClock(Date.parse("2024-04-23T15:00:00Z"));
  private readonly ledger: Ledger;
  private readonly queue: ConsumerQueue;
  private readonly events: Tracked[] = [];
  private readonly handed: Handed[] = [];
  /** Of runs that were leased again: the last index that they still had then; what came after may be another run's. */
  private readonly ends = new Map<string, number>();

  constructor(private readonly order: NonNullable<TestTopicOptions["order"]>) {
    const backoff = ["100ms", "2s"];
    const policy = policyOf("t", { ackWait: ACK_WAIT, maxDeliver: MAX_DELIVER, backoff, order });
    this.ledger = new Ledger(policy, undefined);
    this.queue = new ConsumerQueue("consumer", this.ledger, this.clock, () => undefined);
  }

  take(step: Step): void {
    if (step.do === "publish") for (let i = 0; i < step.count; i++) this.publish();
    else if (step.do === "pull") this.pull(step.max);
    else if (step.do === "settle") this.settle(step.which, step.span, step.action);
    else this.pass(step.ms);
    this.nothingIsLost();
  }

  /** All that is owed is handed out in time, and can be acked. */
  drain(): void {
    for (let round = 0; this.events.some(({ state }) => state === "owed"); round++) {
      expect(round).toBeLessThan(1_000);
      this.pass(70_000);
      for (const handed of this.pull(500)) this.settleOne(handed, "ack");
      this.nothingIsLost();
    }
  }

  private publish(): void {
    const id = `e${this.events.length}`;
    const key = `k${this.events.length % 3}`;
    const { event } = this.ledger.record(
      { id, source: "hms-api", data: "{}", subject: key },
      this.clock.wallTime(),
    );
    this.queue.add(event);
    this.events.push({ id, key, state: "owed", dueAt: 0, nextAttempt: 1 });
  }

  private pull(max: number): Handed[] {
    const leases = this.queue.pull(max);
    const count = leases.reduce((sum, { events }) => sum + events.length, 0);
    expect(count).toBeLessThanOrEqual(max);
    for (const { name, indexes } of leases) {
      const [run, generation] = name.split(".");
      const end = Math.min(indexes.at(-1)!, this.ends.get(run!) ?? indexes.at(-1)!);
      if (generation !== "1") this.ends.set(run!, end);
    }
    return leases.flatMap((lease) => lease.events.map((event, i) => this.handOut(lease, i, event.id)));
  }

  private handOut(lease: Lease, i: number, id: string): Handed {
    const event = this.events.find((each) => each.id === id)!;
    expect(event.state, `${id} is handed out`).toBe("owed");
    expect(this.clock.now()).toBeGreaterThanOrEqual(event.dueAt);
    this.lapseOf(event);
    if (event.nextAttempt !== undefined) expect(lease.attempt, `attempt of ${id}`).toBe(event.nextAttempt);
    if (this.order === "key") this.isTheKeysTurn(event);
    const { attempt } = lease;
    const deadline = this.clock.now() + ACK_WAIT;
    const handed = { token: `${lease.name}.${lease.indexes[i]}`, event, attempt, deadline };
    event.newest = handed;
    event.nextAttempt = attempt + 1;
    this.handed.push(handed);
    return handed;
  }

  /** Whoever had it had it no more. */
  private lapseOf({ id, newest }: Tracked): void {
    if (newest === undefined || newest.settled !== undefined) return;
    expect(newest.deadline, `${id} is handed out again`).toBeLessThanOrEqual(this.clock.now());
  }

  private isTheKeysTurn(event: Tracked): void {
    const earlier = this.events.slice(0, this.events.indexOf(event)).filter(({ key }) => key === event.key);
    expect(earlier.filter(({ state }) => state === "owed")).toEqual([]);
  }

  private settle(which: number, span: number, action: SettleAction): void {
    const first = this.handed.at(-1 - (which % Math.max(1, this.handed.length)));
    if (first === undefined) return;
    const dot = first.token.lastIndexOf(".");
    const [lease, from] = [first.token.slice(0, dot), Number(first.token.slice(dot + 1))];
    const range = this.handed.filter(({ token }) => {
      const index = Number(token.slice(token.lastIndexOf(".") + 1));
      return token.startsWith(`${lease}.`) && index >= from && index < from + span;
    });
    const entry = { token: first.token, to: from + span - 1, action, reason: "why" };
    const results = new Map<string, string>();
    for (const { token, to, result } of settleAll(this.queue, [entry])) {
      const start = Number(token.slice(dot + 1));
      for (let index = start; index <= to!; index++) results.set(`${lease}.${index}`, result);
    }
    for (const handed of range) this.answered(handed, action, results.get(handed.token)!);
  }

  private settleOne(handed: Handed, action: SettleAction): void {
    const [answer] = settleAll(this.queue, [{ token: handed.token, action, reason: "why" }]);
    this.answered(handed, action, answer!.result);
  }

  private answered(handed: Handed, action: SettleAction, result: string): void {
    const told = `${action} of ${handed.token} at ${this.clock.now()}`;
    const [run, , index] = handed.token.split(".");
    const divided = Number(index) > (this.ends.get(run!) ?? Number.POSITIVE_INFINITY);
    expect([...this.allowed(handed, action), ...(divided ? ["unknown"] : [])], told).toContain(result);
    if (result === "ok" && handed.settled === undefined) this.apply(handed, action);
  }

  private allowed({ event, deadline, token, settled }: Handed, action: SettleAction): string[] {
    const now = this.clock.now();
    if (settled !== undefined) {
      const asThen = settled.action === action ? "ok" : "stale";
      return now - settled.at <= REMEMBERED ? [asThen] : [asThen, "unknown"];
    }
    // A single that died in silence is forgotten at once.
    const forgotten = event.state === "dead" || now - deadline > REMEMBERED;
    if (event.newest?.token !== token) return forgotten ? ["stale", "unknown"] : ["stale"];
    if (deadline > now) return ["ok"];
    // Silent for too long, but not handed out since: what a run still has may be settled late, and never extended.
    return action === "extend" ? ["stale", "unknown"] : ["ok", "stale", "unknown"];
  }

  private apply(handed: Handed, action: SettleAction): void {
    const { event, attempt } = handed;
    const now = this.clock.now();
    if (action === "extend") {
      handed.deadline = now + ACK_WAIT;
      return;
    }
    const late = handed.deadline <= now;
    handed.settled = { action, at: now };
    if (action === "ack") event.state = "acked";
    else if (action === "term") event.state = "dead";
    else if (action === "nack") {
      event.dueAt = now + 100;
      if (this.isDead(event)) event.state = "dead";
    } else event.nextAttempt = attempt;
    if (late) event.nextAttempt = undefined;
  }

  private pass(ms: number): void {
    const end = this.clock.now() + ms;
    for (let at = this.clock.nextAt; at !== undefined && at <= end; at = this.clock.nextAt)
      this.clock.moveTo(at);
    this.clock.moveTo(end);
    for (const event of this.events) {
      if (event.state !== "owed" || !this.isDead(event)) continue;
      this.lapseOf(event);
      event.state = "dead";
    }
  }

  private isDead({ id }: Tracked): boolean {
    const letter = this.queue.dead.find(({ owed }) => owed.event.id === id);
    if (letter === undefined) return false;
    expect(letter.attempts, `attempts of the dead letter ${id}`).toBe(MAX_DELIVER);
    return true;
  }

  /** Each event is at one place, and it is where the rules say. */
  private nothingIsLost(): void {
    const idsOf = (list: readonly { readonly owed: { readonly event: { readonly id: string } } }[]) =>
      list.map(({ owed }) => owed.event.id).sort();
    const expected = (state: Tracked["state"]) =>
      this.events.filter((event) => event.state === state).map(({ id }) => id);
    expect(idsOf(this.queue.acked)).toEqual(expected("acked").sort());
    expect(idsOf(this.queue.dead)).toEqual(expected("dead").sort());
    expect(idsOf(this.queue.owed)).toEqual(expected("owed").sort());
  }
}

test.each(["none", "key"] as const)(
  "whatever is settled, late or twice: no event is lost, goes out after its end or to two at a time (order: %s)",
  (order) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
        const history = new History(order);
        for (const each of steps) history.take(each);
        history.drain();
      }),
      { numRuns: 200 },
    );
  },
);
