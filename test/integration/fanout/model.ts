import fc from "fast-check";
import type { Redis } from "ioredis";
import type { DeliveryQueue } from "../../../src/fanout/delivery-queue.js";
import { type DeliveryScripts, loadDeliveryScripts } from "../../../src/fanout/delivery-records.js";
import type { DeliveryPolicy, Lease, SettleAction } from "../../../src/fanout/types.js";
import type { RecordableEvent } from "../../../src/ledger/ledger.js";
import { type LedgerScripts, loadLedgerScripts } from "../../../src/ledger/stream-ledger.js";
import { type Belt, belt, event, keyedEvent, numberIn, passTime, topic } from "../../support/belt.js";
import { eventually } from "../../support/eventually.js";
import { type Death, Life } from "../../support/mortal.js";
import { type Held, keyOf, type Promises, Reference } from "./reference.js";

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

/** Plays one history on real Redis and BullMQ, heals, drains, and throws when a promise was broken. */
export async function play(
  url: string,
  admin: Redis,
  steps: readonly Step[],
  mutations: Mutations = {},
  promises: Promises = {},
): Promise<void> {
  await admin.flushall();
  const world = new World(url, admin, mutations, promises);
  try {
    await world.start();
    for (const step of steps) await world.step(step);
    await world.heal();
    await world.check();
  } finally {
    await world.close();
  }
}

const consumer = "model";
const overrides = { maxDeliver: 4, backoffMs: [1_000], run: 5 };
const maxRounds = 1_000;

interface Simulated {
  life: Life;
  bus: Belt;
  queue: DeliveryQueue | undefined;
}

class World {
  private readonly reference: Reference;
  private readonly sidecars: Simulated[] = [];
  private next = 0;

  constructor(
    private readonly url: string,
    private readonly admin: Redis,
    private readonly mutations: Mutations,
    private readonly promises: Promises,
  ) {
    this.reference = new Reference(promises);
  }

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
    for (let quiet = 0, round = 0; quiet < 3 && round < maxRounds; round++) {
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

  async check(): Promise<void> {
    const letters = await this.sidecars[0]!.bus.records(consumer).deadLetters(1_000);
    this.reference.check(letters.map(({ envelope }) => numberIn(Buffer.from(envelope))));
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
    const queue = await life.unlessDead(bus.queue(consumer, this.policy()));
    this.sidecars[who] = { life, bus, queue };
    if (queue === undefined) await this.replace(who);
  }

  private policy(): Partial<DeliveryPolicy> {
    const { keys, maxInFlight } = this.promises;
    return {
      ...overrides,
      order: keys === undefined ? "none" : "key",
      ...(maxInFlight === undefined ? {} : { maxInFlight }),
    };
  }

  private event(number: number): RecordableEvent {
    const key = keyOf(number, this.promises);
    return key === undefined ? event(number) : keyedEvent(number, key);
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
    const recorded = await life.unlessDead(
      bus.ledger.record(
        topic,
        numbers.map((number) => this.event(number)),
        options,
      ),
    );
    if (recorded === undefined) {
      await this.replace(this.sidecars.findIndex((each) => each.life === life));
      const { bus: healthy } = this.sidecars.find((each) => !each.life.dead)!;
      await healthy.ledger.record(
        topic,
        numbers.map((number) => this.event(number)),
        options,
      );
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
