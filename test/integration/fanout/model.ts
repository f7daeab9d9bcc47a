import fc from "fast-check";
import type { Redis } from "ioredis";
import type { DeliveryQueue } from "../../../src/fanout/delivery-queue.js";
import { type DeliveryScripts, loadDeliveryScripts } from "../../../src/fanout/delivery-records.js";
import type { Lease, SettleAction } from "../../../src/fanout/types.js";
import { type LedgerScripts, loadLedgerScripts } from "../../../src/ledger/stream-ledger.js";
import { type Belt, belt, event, numberIn, passTime, topic } from "../../support/belt.js";
import { eventually } from "../../support/eventually.js";
import { type Death, Life } from "../../support/mortal.js";

/** One step of a random history: two sidecars, one consumer, an adapter that settles as it likes. */
export type Step =
  | { readonly do: "publish"; readonly by: number; readonly count: number; readonly waited: boolean }
  | { readonly do: "publishAgain"; readonly by: number; readonly which: number }
  | { readonly do: "pull"; readonly by: number; readonly max: number }
  | {
      readonly do: "settle";
      readonly by: number;
      readonly which: number;
      readonly action: SettleAction;
      readonly share: number;
    }
  | { readonly do: "lapse"; readonly by: number }
  | { readonly do: "crash"; readonly who: number; readonly death: Death };

const sidecar = fc.nat(1);
const death = fc.record({ atCommand: fc.integer({ min: 1, max: 12 }), executed: fc.boolean() });
const action = fc.oneof(
  { weight: 6, arbitrary: fc.constant<SettleAction>("ack") },
  { weight: 4, arbitrary: fc.constantFrom<SettleAction>("nack", "term", "release", "extend") },
);

export const histories: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("publish" as const),
        by: sidecar,
        count: fc.integer({ min: 1, max: 6 }),
        waited: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("publishAgain" as const), by: sidecar, which: fc.nat(20) }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant("pull" as const),
        by: sidecar,
        max: fc.integer({ min: 1, max: 8 }),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant("settle" as const),
        by: sidecar,
        which: fc.nat(20),
        action,
        share: fc.integer({ min: 1, max: 100 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("lapse" as const), by: sidecar }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("crash" as const), who: sidecar, death }) },
  ),
  { minLength: 8, maxLength: 40 },
);

/** Which checks the code under test is deprived of. */
export interface Mutations {
  readonly delivery?: (scripts: DeliveryScripts) => DeliveryScripts;
  readonly ledger?: (scripts: LedgerScripts) => LedgerScripts;
  readonly noSweeper?: boolean;
}

interface Held {
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
}

/** The obviously right reference: what an adapter was told, and what it must never be told. */
export class Reference {
  readonly events = new Map<number, Known>();
  readonly held: Held[] = [];
  private deliveries = 0;

  published(number: number): void {
    if (!this.events.has(number)) this.events.set(number, { state: "owed", latest: 0, leased: false });
  }

  delivered(number: number, token: string): void {
    const known = this.events.get(number);
    if (known === undefined) throw new Error(`event ${number} was delivered but never published`);
    if (known.state === "acked")
      throw new Error(`event ${number} was delivered after its ack had answered ok`);
    if (known.state === "dead")
      throw new Error(`event ${number} was delivered after it became a dead letter`);
    if (known.leased) throw new Error(`event ${number} was delivered while it was leased`);
    known.leased = true;
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
    if (held.delivery === known.latest && known.state === "owed" && (action === "ack" || action === "term"))
      known.state = "maybe";
  }

  lapsed(): void {
    for (const known of this.events.values()) known.leased = false;
  }
}

/** Plays one history on real Redis and BullMQ, heals, drains, and throws when a promise was broken. */
export async function play(
  url: string,
  admin: Redis,
  steps: readonly Step[],
  mutations: Mutations = {},
): Promise<void> {
  await admin.flushall();
  const world = new World(url, admin, mutations);
  try {
    await world.start();
    for (const step of steps) await world.step(step);
    await world.heal();
    world.check(await world.deadNumbers());
  } finally {
    await world.close();
  }
}

const consumer = "model";
const overrides = { maxDeliver: 4, backoffMs: [1_000], run: 5 };

interface Simulated {
  life: Life;
  bus: Belt;
  queue: DeliveryQueue | undefined;
}

class World {
  private readonly reference = new Reference();
  private readonly sidecars: Simulated[] = [];
  private next = 0;

  constructor(
    private readonly url: string,
    private readonly admin: Redis,
    private readonly mutations: Mutations,
  ) {}

  async start(): Promise<void> {
    for (const who of [0, 1]) await this.replace(who);
  }

  async step(step: Step): Promise<void> {
    if (step.do === "crash") {
      await this.replace(step.who, step.death);
      return;
    }
    const { life, bus, queue } = this.sidecars[step.by]!;
    if (life.dead || queue === undefined) return await this.replace(step.by);
    if (step.do === "publish" && step.waited)
      return await this.publishToWaiting(life, bus, queue, this.fresh(step.count));
    if (step.do === "publish") await this.publish(life, bus, queue, this.fresh(step.count));
    if (step.do === "publishAgain") await this.publish(life, bus, queue, this.again(step.which));
    if (step.do === "pull") await this.pull(life, queue, step.max);
    if (step.do === "settle") await this.settle(life, queue, step.which, step.action, step.share);
    if (step.do === "lapse") await this.lapse(life, queue);
  }

  /** New sidecars; everything still owed is pulled and acked until nothing comes any more. */
  async heal(): Promise<void> {
    for (const who of [0, 1]) await this.replace(who);
    for (let quiet = 0, round = 0; quiet < 3 && round < 60; round++) {
      for (const { queue, life } of this.sidecars) {
        await this.lapse(life, queue!);
        await queue!.audit();
        await queue!.catchUp();
      }
      const before = this.reference.held.length;
      for (const { queue, life } of this.sidecars) await this.pull(life, queue!, 1_000);
      const got = this.reference.held.slice(before);
      for (const held of got)
        await this.settleOne(this.sidecars[0]!.life, this.sidecars[0]!.queue!, [held], "ack");
      quiet = got.length === 0 ? quiet + 1 : 0;
    }
  }

  check(dead: readonly number[]): void {
    if (new Set(dead).size !== dead.length) throw new Error(`an event is a dead letter twice: ${dead}`);
    for (const [number, known] of this.reference.events) {
      const isDead = dead.includes(number);
      if (known.state === "acked" && isDead) throw new Error(`event ${number} is acked and a dead letter`);
      if (known.state === "owed" && !isDead)
        throw new Error(`event ${number} is lost: neither acked nor owed nor dead`);
      if (known.state === "dead" && !isDead)
        throw new Error(`event ${number} was termed but is no dead letter`);
    }
  }

  async deadNumbers(): Promise<number[]> {
    const letters = await this.sidecars[0]!.bus.records(consumer).deadLetters(1_000);
    return letters.map(({ envelope }) => numberIn(Buffer.from(envelope)));
  }

  async close(): Promise<void> {
    for (const { bus } of this.sidecars) await bus.close();
  }

  private fresh(count: number): number[] {
    return Array.from({ length: count }, () => ++this.next);
  }

  private again(which: number): number[] {
    return this.next === 0 ? [] : [(which % this.next) + 1];
  }

  // A killed process leaves its connections to the kernel; a doomed one works on until its command comes.
  private async replace(who: number, death?: Death): Promise<void> {
    const old = this.sidecars[who];
    if (old !== undefined) {
      if (!old.life.dead) await settleBackground(old.queue);
      old.life.kill();
      await old.bus.close();
    }
    const life = new Life(death);
    const { ledgerScripts, scripts } = this.scripts();
    const bus = belt(this.url, { life, ...ledgerScripts, ...scripts });
    const queue = await life.unlessDead(bus.queue(consumer, overrides));
    this.sidecars[who] = { life, bus, queue };
    if (queue === undefined) await this.replace(who);
  }

  private scripts(): {
    ledgerScripts?: { ledgerScripts: LedgerScripts };
    scripts?: { scripts: DeliveryScripts };
  } {
    const { delivery, ledger } = this.mutations;
    return {
      ...(ledger === undefined ? {} : { ledgerScripts: { ledgerScripts: ledger(loadedLedger) } }),
      ...(delivery === undefined ? {} : { scripts: { scripts: delivery(loadedDelivery) } }),
    };
  }

  private async publish(
    life: Life,
    bus: Belt,
    queue: DeliveryQueue,
    numbers: readonly number[],
  ): Promise<void> {
    if (numbers.length === 0) return;
    // Known beforehand, since a lost answer may still have recorded them; a lost publish is repeated, as any door does.
    for (const number of numbers) this.reference.published(number);
    const options = { rememberMs: 3_600_000 };
    const recorded = await life.unlessDead(bus.ledger.record(topic, numbers.map(event), options));
    if (recorded === undefined) {
      await this.replace(this.sidecars.findIndex((each) => each.life === life));
      const { bus: healthy } = this.sidecars.find((each) => !each.life.dead)!;
      await healthy.ledger.record(topic, numbers.map(event), options);
      return;
    }
    queue.recorded(recorded.at(-1)!.ledgerId);
  }

  // The pull waits first, so that the run is handed over as it is cut.
  private async publishToWaiting(
    life: Life,
    bus: Belt,
    queue: DeliveryQueue,
    numbers: readonly number[],
  ): Promise<void> {
    const controller = new AbortController();
    const pulled = queue.pull(3, 10_000, controller.signal);
    await life.unlessDead(Promise.race([pulled, eventually(() => queue.waiting > 0, { everyMs: 1 })]));
    await this.publish(life, bus, queue, numbers);
    await life.unlessDead(Promise.race([pulled, queue.catchUp().then(() => controller.abort())]));
    this.deliver((await life.unlessDead(pulled)) ?? []);
  }

  private async pull(life: Life, queue: DeliveryQueue, max: number): Promise<void> {
    const leases = await life.unlessDead(queue.pull(max, 0, new AbortController().signal));
    this.deliver(leases ?? []);
  }

  private deliver(leases: readonly Lease[]): void {
    for (const { lease, indexes, bodies } of leases) {
      for (const [i, body] of bodies.entries())
        this.reference.delivered(numberIn(body), `${lease}.${indexes[i]}`);
    }
  }

  private async settle(
    life: Life,
    queue: DeliveryQueue,
    which: number,
    action: SettleAction,
    share: number,
  ): Promise<void> {
    const { held } = this.reference;
    if (held.length === 0) return;
    const lease = leaseOf(held[held.length - 1 - (which % held.length)]!.token);
    const all = held.filter(({ token }) => leaseOf(token) === lease);
    await this.settleOne(
      life,
      queue,
      all.slice(0, Math.max(1, Math.ceil((all.length * share) / 100))),
      action,
    );
  }

  private async settleOne(
    life: Life,
    queue: DeliveryQueue,
    held: readonly Held[],
    action: SettleAction,
  ): Promise<void> {
    const settled = await life.unlessDead(queue.settle(held.map(({ token }) => ({ token, action }))));
    for (const [i, each] of held.entries()) {
      if (settled === undefined) this.reference.unanswered(each, action);
      else this.reference.answered(each, action, settled[i]!.result);
    }
  }

  private async lapse(life: Life, queue: DeliveryQueue): Promise<void> {
    await passTime(this.admin, consumer, 3_600_000);
    this.reference.lapsed();
    if (this.mutations.noSweeper !== true) await life.unlessDead(queue.sweep());
  }
}

function leaseOf(token: string): string {
  return token.slice(0, token.lastIndexOf("."));
}

// Lets a living sidecar finish what it does in the background, so that killing it is a step of its own.
async function settleBackground(queue: DeliveryQueue | undefined): Promise<void> {
  await queue?.sweep();
}

const loadedDelivery = loadDeliveryScripts();
const loadedLedger = loadLedgerScripts();
