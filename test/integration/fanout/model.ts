import fc from "fast-check";
import type { Redis } from "ioredis";
import type { DeliveryQueue } from "../../../src/fanout/delivery-queue.js";
import { type DeliveryScripts, loadDeliveryScripts } from "../../../src/fanout/delivery-records.js";
import type { DeliveryPolicy, Lease, SettleAction } from "../../../src/fanout/types.js";
import type { RecordableEvent } from "../../../src/ledger/ledger.js";
import { type LedgerScripts, loadLedgerScripts } from "../../../src/ledger/stream-ledger.js";
import { deliveryKeys, ledgerKeys } from "../../../src/redis/keys.js";
import { beforeAll, compareIds } from "../../../src/redis/ledger-id.js";
import { streamFields } from "../../../src/redis/stream-fields.js";
import { type Belt, belt, event, keyedEvent, numberIn, passTime, topic } from "../../support/belt.js";
import { eventually } from "../../support/eventually.js";
import { type Death, Life } from "../../support/mortal.js";
import { keyOf, type Promises } from "./reference.js";
import { type Handed, type Letter, References } from "./replay-reference.js";

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
  /** Of the last `back` events that the ledger keeps. */
  | { readonly do: "replay"; readonly by: number; readonly back: number }
  | { readonly do: "cancel"; readonly by: number }
  | { readonly do: "trim"; readonly by: number }
  | { readonly do: "crash"; readonly who: number; readonly death: Death };

const sidecar = fc.nat(1);
const death = fc.record({ atCommand: fc.integer({ min: 1, max: 12 }), executed: fc.boolean() });
const action = fc.oneof(
  { weight: 6, arbitrary: fc.constant<SettleAction>("ack") },
  { weight: 4, arbitrary: fc.constantFrom<SettleAction>("nack", "term", "release", "extend") },
);

const withoutReplays: fc.MaybeWeightedArbitrary<Step>[] = [
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
];

export const histories: fc.Arbitrary<Step[]> = fc.array(fc.oneof(...withoutReplays), {
  minLength: 8,
  maxLength: 40,
});

export const historiesWithReplays: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    ...withoutReplays,
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant("replay" as const),
        by: sidecar,
        back: fc.integer({ min: 1, max: 30 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("cancel" as const), by: sidecar }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("trim" as const), by: sidecar }) },
  ),
  { minLength: 12, maxLength: 50 },
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
const keys = deliveryKeys(consumer, topic);
const overrides = { maxDeliver: 4, backoffMs: [1_000], run: 5 };
const maxRounds = 1_000;

interface Simulated {
  life: Life;
  bus: Belt;
  queue: DeliveryQueue | undefined;
}

class World {
  private readonly references: References;
  private readonly sidecars: Simulated[] = [];
  private next = 0;

  constructor(
    private readonly url: string,
    private readonly admin: Redis,
    private readonly mutations: Mutations,
    private readonly promises: Promises,
  ) {
    this.references = new References(promises);
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
    if (step.do === "replay") await this.replay(life, queue, step.back);
    if (step.do === "cancel") await this.cancel(life, queue);
    if (step.do === "trim") await this.trim(life, bus, queue);
  }

  /** New sidecars; everything still owed is pulled and acked until nothing comes any more. */
  async heal(): Promise<void> {
    for (const who of [0, 1]) await this.replace(who);
    for (let quiet = 0, round = 0; quiet < 3 && round < maxRounds; round++) {
      if (await this.isReplaying()) quiet = 0;
      for (const { queue, life } of this.sidecars) {
        await this.lapse(life, queue!);
        await queue!.audit();
        await queue!.catchUp();
      }
      const before = this.references.handed.length;
      for (const { queue, life } of this.sidecars) await this.pull(life, queue!, 1_000);
      const got = this.references.handed.slice(before);
      for (const handed of got)
        await this.settleOne(this.sidecars[0]!.life, this.sidecars[0]!.queue!, [handed], "ack");
      quiet = got.length === 0 ? quiet + 1 : 0;
    }
  }

  async check(): Promise<void> {
    const letters = await this.admin.xrange(keys.dead, "-", "+");
    this.references.check(letters.map(([, flat]) => letterIn(streamFields(flat))));
    const { queue } = this.sidecars[0]!;
    const { open, parked, replayed, replay } = await queue!.counts();
    if (open + parked + replayed > 0 || replay !== undefined)
      throw new Error(`left when all is settled: ${JSON.stringify({ open, parked, replayed, replay })}`);
    await queue!.raiseFloor();
    const holders = await this.admin.hkeys(ledgerKeys(topic).floors);
    if (holders.join() !== consumer) throw new Error(`the ledger is held by ${holders}`);
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
    const waker = { alone: who === 0, wakeElsewhere() {} }; // both ways in which events come to a run
    const bus = belt(this.url, { life, waker, ...ledgerScripts, ...scripts });
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
    for (const number of numbers) this.references.live.published(number);
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
    for (const lease of leases) this.references.deliver(lease);
  }

  private async settle(
    life: Life,
    queue: DeliveryQueue,
    which: number,
    action: SettleAction,
    share: number,
  ): Promise<void> {
    const { handed } = this.references;
    if (handed.length === 0) return;
    const lease = leaseOf(handed[handed.length - 1 - (which % handed.length)]!);
    const all = handed.filter((each) => leaseOf(each) === lease);
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
    handed: readonly Handed[],
    action: SettleAction,
  ): Promise<void> {
    const requests = handed.map(({ held }) => ({ token: held.token, action }));
    const settled = await life.unlessDead(queue.settle(requests));
    for (const [i, { of, held }] of handed.entries()) {
      if (settled === undefined) of.unanswered(held, action);
      else of.answered(held, action, settled[i]!.result);
    }
  }

  private async lapse(life: Life, queue: DeliveryQueue): Promise<void> {
    await passTime(this.admin, consumer, 3_600_000);
    this.references.lapsed();
    if (this.mutations.noSweeper !== true) await life.unlessDead(queue.sweep());
  }

  private async replay(life: Life, queue: DeliveryQueue, back: number): Promise<void> {
    const ledger = await this.kept();
    const from = ledger.at(-back - 1)?.id ?? beforeAll;
    const begun = await life.unlessDead(
      queue.replay({ from, redo: true }).catch((error: { code?: string }) => {
        if (error.code !== "replay_running") throw error;
        return "running" as const;
      }),
    );
    if (begun === "running") return;
    // A command of a sidecar that died on it may still be on its way; it was sent before these.
    if (begun === undefined) await this.admin.ping().then(() => this.admin.ping());
    const [replay, to] = await this.admin.hmget(keys.state, "replay", "replay_to");
    if (replay === null) return;
    const window = ledger.filter(({ id }) => compareIds(id, from) > 0 && compareIds(id, to!) <= 0);
    if (begun !== undefined && begun.count !== window.length)
      throw new Error(`a replay of ${begun.count} events, and the ledger keeps ${window.length}`);
    this.references.replayBegun(
      replay!,
      window.map(({ number }) => number),
    );
  }

  private async cancel(life: Life, queue: DeliveryQueue): Promise<void> {
    const cancelled = await life.unlessDead(queue.cancelReplay().catch(() => "none" as const));
    if (cancelled !== "none") this.references.cancelled();
  }

  private async trim(life: Life, bus: Belt, queue: DeliveryQueue): Promise<void> {
    await life.unlessDead(queue.raiseFloor());
    await life.unlessDead(bus.ledger.trim(topic, Date.now() + 3_600_000, [consumer]));
  }

  private async kept(): Promise<{ id: string; number: number }[]> {
    const entries = await this.admin.xrange(ledgerKeys(topic).stream, "-", "+");
    return entries.map(([id, [, envelope]]) => ({ id, number: numberIn(Buffer.from(envelope!)) }));
  }

  private async isReplaying(): Promise<boolean> {
    return (await this.admin.hexists(keys.state, "replay_phase")) === 1;
  }
}

function letterIn(fields: ReadonlyMap<string, string>): Letter {
  const number = numberIn(Buffer.from(fields.get("envelope") ?? ""));
  return { number, redo: fields.get("redo"), reason: fields.get("reason") ?? "" };
}

function leaseOf({ held: { token } }: Handed): string {
  return token.slice(0, token.lastIndexOf("."));
}

// Lets a living sidecar finish what it does in the background, so that killing it is a step of its own.
async function settleBackground(queue: DeliveryQueue | undefined): Promise<void> {
  await queue?.sweep();
}

const loadedDelivery = loadDeliveryScripts();
const loadedLedger = loadLedgerScripts();
