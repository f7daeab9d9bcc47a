import type { Redis } from "ioredis";
import type { DeliveryQueue } from "../../../../src/fanout/delivery-queue.js";
import { type DeliveryScripts, loadDeliveryScripts } from "../../../../src/fanout/delivery-records.js";
import type { Lease } from "../../../../src/fanout/types.js";
import type { RecordableEvent } from "../../../../src/ledger/ledger.js";
import {
  deliveryKeys,
  knownTopicsKey,
  ledgerKeys,
  queueName,
  queuePrefix,
} from "../../../../src/redis/keys.js";
import { streamFields } from "../../../../src/redis/stream-fields.js";
import {
  belt,
  policy as defaults,
  keyedEvent,
  numberIn,
  passTime,
  subscriptionOf,
  topic,
} from "../../../support/belt.js";
import { eventually } from "../../../support/eventually.js";
import { type Consumer, keyOf, Served, systemsOf } from "./consumers.js";
import { minute, type SettleStep, type Step } from "./history.js";
import type { Letter } from "./reference.js";
import { retireOn } from "./retire.js";
import { type Sidecar, WatchedLife } from "./sidecar.js";
import { snapshot } from "./snapshot.js";

/** Takes a check out of the product's scripts. */
export type Mutate = (scripts: DeliveryScripts) => Partial<DeliveryScripts>;

/** Plays one history on real Redis and BullMQ, drains, and throws where the product and the reference differ. */
export async function play(
  url: string,
  admin: Redis,
  consumers: readonly Consumer[],
  steps: readonly Step[],
  mutate: Mutate = () => ({}),
): Promise<void> {
  await admin.flushall();
  const world = new World(url, admin, consumers, { ...loadedScripts, ...mutate(loadedScripts) });
  try {
    await world.start();
    for (const step of steps) await world.step(step);
    await world.drain();
    await world.check();
  } finally {
    await world.close();
  }
}

const loadedScripts = loadDeliveryScripts();
/** Steps that regard a consumer whether it is served or not. */
const forAnybody: readonly Step["do"][] = ["takeOut", "putBack", "retire"];
const mostVain = 10;
const remembered = { rememberMs: 3_600_000 };

class World {
  private readonly sidecars: Sidecar[] = [];
  private readonly consumers: readonly Served[];
  private published = 0;
  private goBack: (() => Promise<void>) | undefined;
  private opened = 0;
  /** What a dead sidecar had taken from BullMQ comes back by the audit. */
  private auditDue = false;

  constructor(
    private readonly url: string,
    private readonly admin: Redis,
    consumers: readonly Consumer[],
    private readonly scripts: DeliveryScripts,
  ) {
    this.consumers = consumers.map((each) => new Served(each));
  }

  async start(): Promise<void> {
    for (const who of [0, 1]) await this.open(who);
  }

  async step(step: Step): Promise<void> {
    for (const who of [0, 1]) if (this.sidecars[who]!.life.dead) await this.replaceDead(who);
    if (step.do === "publish") await this.publish(step.by, this.fresh(step.count));
    if (step.do === "publishAgain") await this.publish(step.by, this.again(step.which));
    if ("for" in step && !this.consumer(step.for).registered && !forAnybody.includes(step.do)) return;
    if (step.do === "publishToPull") await this.publishToPull(step.by, this.consumer(step.for), step.count);
    if (step.do === "pull") await this.pull(step.by, this.consumer(step.for), step.max);
    if (step.do === "settle") await this.settle(step);
    if (step.do === "redrive") await this.redrive(step);
    if (step.do === "version") await this.giveVersion(this.consumer(step.for), step.version);
    if (step.do === "takeOut") await this.takeOut(this.consumer(step.for));
    if (step.do === "putBack") await this.putBack(this.consumer(step.for));
    if (step.do === "retire") await this.retire(step.by, this.consumer(step.for));
    if (step.do === "save") await this.save();
    if (step.do === "lose") await this.lose();
    if (step.do === "trim") await this.trim(step.by);
    if (step.do === "pass") await this.pass(step.by, step.minutes);
    if (step.do === "look") await this.look();
    if (step.do === "restart") await this.restart(step.who);
    if (step.do === "doom") this.sidecars[step.who]!.life.dieIn(step.atCommand);
  }

  /** Everything is pulled and acked until nothing is owed any more. */
  async drain(): Promise<void> {
    for (const consumer of this.consumers) await this.putBack(consumer);
    for (let round = 0; ; round++) {
      await this.look();
      if (this.consumers.every(({ reference }) => reference.count("waiting", "leased") === 0)) return;
      if (round === 100) throw new Error("not all that is owed comes");
      for (const each of this.consumers) await this.settleAll(0, each, each.reference.inHand(), acked);
      // In small steps first, so that each delay is seen to end at its time.
      await this.pass(0, round < 6 ? 10 : 1_000);
    }
  }

  async check(): Promise<void> {
    for (const { name } of this.consumers) await this.sidecars[0]!.queues.get(name)!.raiseFloor();
    const floors = await this.admin.hgetall(ledgerKeys(topic).floors);
    const { last } = await this.sidecars[0]!.bus.ledger.tail(topic);
    for (const { name } of this.consumers)
      if (this.published > 0 && floors[name] !== last)
        throw new Error(`${name} settled all, and holds the ledger at ${floors[name]}`);
  }

  async close(): Promise<void> {
    for (const sidecar of this.sidecars) await stop(sidecar);
  }

  private fresh(count: number): number[] {
    return Array.from({ length: count }, () => ++this.published);
  }

  private again(which: number): number[] {
    return this.published === 0 ? [] : [(which % this.published) + 1];
  }

  private consumer(index: number): Served {
    return this.consumers[index % this.consumers.length]!;
  }

  /** Those that the registry has. */
  private get served(): Served[] {
    return this.consumers.filter(({ registered }) => registered);
  }

  private async open(who: number): Promise<void> {
    const life = new WatchedLife(this.opened++ % 2 === 0);
    const waker = { alone: who === 0, wakeElsewhere() {} }; // both ways in which events come to a run
    const bus = belt(this.url, { life, waker, scripts: this.scripts });
    const queues = new Map<string, DeliveryQueue>();
    bus.ledger.onWentBack = ({ end }) => {
      for (const queue of queues.values()) queue.ledgerWentBack(end);
    };
    this.sidecars[who] = { life, bus, queues };
    for (const each of this.consumers) if (each.registered) await openQueue(this.sidecars[who]!, each);
  }

  private async restart(who: number): Promise<void> {
    const { life } = this.sidecars[who]!;
    await life.idle();
    await stop(this.sidecars[who]!);
    if (life.dead) await this.replaceDead(who);
    else await this.open(who);
  }

  private async replaceDead(who: number): Promise<void> {
    const { bus } = this.sidecars[who]!;
    // What it died over may still be on its way to Redis; it was sent before these.
    await this.admin.ping().then(() => this.admin.ping());
    await bus.close();
    for (const { reference } of this.consumers) reference.doubted();
    await this.idle();
    for (const { name } of this.consumers) await this.forgetTaken(name);
    this.auditDue = true;
    await this.open(who);
  }

  /** Runs `work` on a sidecar; when it dies over it, as every client does, once more on the one in its place. */
  private async on<T>(who: number, work: (sidecar: Sidecar) => Promise<T>): Promise<T> {
    for (;;) {
      const sidecar = this.sidecars[who]!;
      const done = await sidecar.life.unlessDead(work(sidecar).then((value) => ({ value })));
      if (done !== undefined) return done.value;
      await this.replaceDead(who);
    }
  }

  private async publish(who: number, numbers: readonly number[]): Promise<void> {
    if (numbers.length === 0) return;
    for (const each of this.consumers) for (const number of numbers) each.published(number);
    await this.on(who, async ({ bus, queues }) => {
      const recorded = await bus.ledger.record(topic, numbers.map(recordable), remembered);
      for (const queue of queues.values()) queue.advanceTo(recorded.at(-1)!.ledgerId);
    });
  }

  private async publishToPull(who: number, consumer: Served, count: number): Promise<void> {
    const { life, queues } = this.sidecars[who]!;
    const controller = new AbortController();
    const queue = queues.get(consumer.name)!;
    const pulled = queue.pull(3, 10_000, controller.signal);
    await life.unlessDead(Promise.race([pulled, eventually(() => queue.waiting > 0, { everyMs: 1 })]));
    await this.publish(who, this.fresh(count));
    await life.unlessDead(Promise.race([pulled, queue.catchUp().then(() => controller.abort())]));
    this.deliver(consumer, (await life.unlessDead(pulled)) ?? []);
  }

  private async pull(who: number, consumer: Served, max: number): Promise<number> {
    const leases = await this.on(who, ({ queues }) =>
      queues.get(consumer.name)!.pull(max, 0, new AbortController().signal),
    );
    return this.deliver(consumer, leases);
  }

  private deliver({ reference, version, leases: known, named }: Served, leases: readonly Lease[]): number {
    for (const { lease, attempt, indexes, bodies } of leases) {
      if (!bodies.every((body) => body.includes(`"version":${version},`)))
        throw new Error(`${lease} holds an event that is not of version ${version}`);
      const events = bodies.map((body, i) => ({ number: numberIn(body), token: `${lease}.${indexes[i]}` }));
      reference.delivered({ attempt, events });
      for (const { token, number } of events) {
        if ((named.get(token) ?? number) !== number)
          throw new Error(`${token} of event ${number} named event ${named.get(token)} before`);
        named.set(token, number);
      }
      known.push(events.map(({ token }) => token));
    }
    return leases.length;
  }

  private async settle(step: SettleStep): Promise<void> {
    const leases = this.served.flatMap((of) => {
      const inHand = new Set(of.reference.inHand());
      const known = step.late
        ? of.leases.slice(-4)
        : of.leases.filter((each) => each.some((t) => inHand.has(t)));
      return known.map((tokens) => ({ of, tokens }));
    });
    if (leases.length === 0) return;
    const { of, tokens } = leases[step.which % leases.length]!;
    const from = Math.floor((tokens.length * step.from) / 100);
    const chosen = tokens.slice(from, from + Math.ceil((tokens.length * step.share) / 100));
    await this.settleAll(step.by, of, chosen, step);
  }

  private async settleAll(
    who: number,
    { name, reference }: Served,
    tokens: readonly string[],
    { action, delay, reason }: Pick<SettleStep, "action" | "delay" | "reason">,
  ): Promise<void> {
    const delayMs = delay === undefined ? {} : { delayMs: delay * minute };
    const requests = tokens.map((token) => ({ token, action, reason, ...delayMs }));
    const answers = await this.on(who, ({ queues }) => queues.get(name)!.settle(requests));
    for (const [i, token] of tokens.entries())
      reference.settled(token, { action, reason, ...delayMs }, answers[i]!.result);
  }

  private async redrive(step: Extract<Step, { do: "redrive" }>): Promise<void> {
    const consumer = this.consumer(step.for);
    const letters = await this.letters(consumer);
    consumer.reference.complaint(letters); // which of them it did not know of
    const chosen = step.which === "all" ? letters : letters.slice(-1 - step.which).slice(0, 1);
    for (const { number } of chosen) consumer.reference.redriven(number);
    const ids = chosen.map(({ id }) => id);
    const redriving = [step.by, ...(step.both ? [1 - step.by] : [])].map((who) =>
      this.on(who, ({ queues }) => queues.get(consumer.name)!.redrive(ids)),
    );
    const redriven = (await Promise.all(redriving)).flat();
    if (new Set(redriven).size < redriven.length) throw new Error(`redriven twice: ${redriven}`);
  }

  // All that can be had in the version of before is had first, so that the reference knows what could not.
  private async giveVersion(consumer: Served, version: number): Promise<void> {
    await this.lookAt(consumer);
    consumer.version = version;
    const { name, policy } = consumer;
    const subscription = { ...subscriptionOf(name, { ...defaults, ...policy }), ...consumer.subscription() };
    for (const who of [0, 1])
      await this.on(who, async ({ queues }) => await queues.get(name)!.update(subscription));
  }

  private async takeOut(consumer: Served): Promise<void> {
    consumer.registered = false;
    for (const { life, queues } of this.sidecars) {
      const queue = queues.get(consumer.name);
      queues.delete(consumer.name);
      if (queue !== undefined) await life.unlessDead(queue.close());
    }
  }

  private async putBack(consumer: Served): Promise<void> {
    if (consumer.registered) return;
    await this.idle();
    const before = consumer.leases.flat().slice(-10);
    const { retired } = consumer;
    if (retired) consumer.rejoined(await this.kept());
    consumer.registered = true;
    consumer.passed(0);
    for (const who of [0, 1]) await this.on(who, (sidecar) => openQueue(sidecar, consumer));
    if (!retired) return;
    const requests = before.map((token) => ({ token, action: "ack" as const }));
    const answers = await this.on(0, ({ queues }) => queues.get(consumer.name)!.settle(requests));
    const answered = answers.find(({ result }) => result === "ok");
    if (answered !== undefined) throw new Error(`${answered.token} of before the retirement answered ok`);
  }

  private async retire(who: number, consumer: Served): Promise<void> {
    if (consumer.registered || consumer.retired) return;
    await this.idle();
    await this.admin.sadd(knownTopicsKey, topic);
    consumer.retired = true; // a death half-way: the next call finishes it
    await this.on(who, (sidecar) => retireOn(sidecar, this.scripts, consumer.name));
    const holders = await this.admin.hkeys(ledgerKeys(topic).floors);
    if (holders.includes(consumer.name)) throw new Error(`${consumer.name} is retired and holds the ledger`);
  }

  private async save(): Promise<void> {
    await this.idle();
    const redis = await snapshot(this.admin);
    const references = this.consumers.map((each) => each.saved());
    this.goBack = async () => {
      await redis();
      for (const back of references) back();
    };
  }

  // As when a Redis is restarted: the sidecars connect to it anew, and the producers send again what it has no longer.
  private async lose(): Promise<void> {
    if (this.goBack === undefined) return;
    await this.idle();
    const before = await this.kept();
    await this.goBack();
    for (const { bus } of this.sidecars) bus.ledger.forgetRecent();
    for (const who of [0, 1]) await this.on(who, ({ bus }) => bus.ledger.verify(topic));
    await this.idle();
    const kept = new Set(await this.kept());
    const lost = before.filter((number) => !kept.has(number));
    // A new one as well: a sidecar learns with the next event that the cursor went back where the ledger did not.
    await this.publish(0, [...lost, ...this.fresh(1)]);
    await this.pass(0, 10);
  }

  private async trim(who: number): Promise<void> {
    const holders = this.consumers.filter(({ retired }) => !retired).map(({ name }) => name);
    await this.on(who, async ({ bus, queues }) => {
      for (const queue of queues.values()) await queue.raiseFloor();
      await bus.ledger.trim(topic, Date.now() + 3_600_000, holders);
    });
  }

  private async kept(): Promise<number[]> {
    const entries = await this.admin.xrange(ledgerKeys(topic).stream, "-", "+");
    return entries.map(([, [, envelope]]) => numberIn(Buffer.from(envelope!)));
  }

  private async pass(who: number, minutes: number): Promise<void> {
    await this.idle();
    for (const { name } of this.consumers) await passTime(this.admin, name, minutes * minute);
    for (const { name } of this.served) await this.on(who, ({ queues }) => queues.get(name)!.sweep());
    for (const each of this.consumers) each.passed(minutes * minute);
  }

  private async look(): Promise<void> {
    for (const consumer of this.served) await this.lookAt(consumer);
    await this.idle();
    for (const consumer of this.served)
      if (!consumer.reference.isDoubtful) await this.compareCounts(consumer);
  }

  private async lookAt(consumer: Served): Promise<void> {
    for (let vain = 0; ; ) {
      let came = 0;
      for (const who of [0, 1]) {
        await this.on(who, ({ queues }) => this.lookAfter(queues.get(consumer.name)!));
        came += await this.pull(who, consumer, 1_000);
      }
      await this.idle();
      const complaint = consumer.reference.complaint(await this.letters(consumer));
      if (complaint === undefined && came === 0) return;
      if (came === 0 && ++vain === mostVain) throw new Error(`${consumer.name}: ${complaint}`);
    }
  }

  // What a sidecar does from time to time of itself.
  private async lookAfter(queue: DeliveryQueue): Promise<void> {
    await queue.sweep();
    if (this.auditDue) await queue.audit();
    await queue.catchUp();
    queue.wakeOne();
  }

  private async compareCounts({ name, reference, left }: Served): Promise<void> {
    const { open, acked, dead, skipped } = await this.on(0, ({ queues }) => queues.get(name)!.counts());
    const unsettled = reference.count("waiting", "leased");
    const expected = [unsettled, reference.count("acked"), reference.count("dead"), left.size];
    if ([open, acked, dead, skipped].join() !== expected.join())
      throw new Error(`${name}: counts ${[open, acked, dead, skipped]} instead of ${expected}`);
  }

  private async letters({ name }: Served): Promise<(Letter & { id: string })[]> {
    const entries = await this.admin.xrange(deliveryKeys(name, topic).dead, "-", "+");
    return entries.map(([id, flat]) => {
      const fields = streamFields(flat);
      const number = numberIn(Buffer.from(fields.get("envelope") ?? ""));
      return { id, number, attempts: Number(fields.get("attempts")), reason: fields.get("reason") ?? "" };
    });
  }

  private async idle(): Promise<void> {
    for (const { life } of this.sidecars) await life.idle();
  }

  // BullMQ's lock of a ticket ends after some seconds; here the queue has lost it by then.
  private async forgetTaken(name: string): Promise<void> {
    const queue = `${queuePrefix}:${queueName(name, topic)}`;
    const taken = await this.admin.lrange(`${queue}:active`, 0, -1);
    const keys = taken.flatMap((job) => [`${queue}:${job}`, `${queue}:${job}:lock`]);
    await this.admin.del(`${queue}:active`, ...keys);
  }
}

function recordable(number: number): RecordableEvent {
  return { ...keyedEvent(number, keyOf(number)), systems: systemsOf(number) };
}

async function openQueue({ bus, queues }: Sidecar, consumer: Served): Promise<void> {
  const { name, policy } = consumer;
  if (!queues.has(name)) queues.set(name, await bus.queue(name, policy, consumer.subscription()));
}

// One that dies over its end is not waited for.
async function stop({ life, bus }: Sidecar): Promise<void> {
  await life.unlessDead(bus.close());
  if (life.dead) await bus.close();
}

const acked = { action: "ack", delay: undefined, reason: "" } as const;
