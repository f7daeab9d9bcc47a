import { Attention } from "./attention.js";
import type { ConsumerParts } from "./consumer-parts.js";
import type { Holder } from "./delivery.js";
import { HmsSyncClientError } from "./errors.js";
import { Handouts } from "./handouts.js";
import { Inbox } from "./inbox.js";
import { type Due, LeaseBook } from "./lease-book.js";
import type { SubscriptionHealth } from "./liveness.js";
import { EventMessage, type Message } from "./message.js";
import { type LeasedEvent, type Pulled, unpack } from "./pulled.js";
import { Puller } from "./puller.js";
import { Rewind } from "./replay-request.js";
import { Outage } from "./retry.js";
import { sendSettles } from "./settle-request.js";
import { Settler } from "./settler.js";
import {
  type Activity,
  DONE,
  type Endable,
  Ending,
  type Leaving,
  type Subscription,
} from "./subscription.js";

/** A loop of handlers that never wait is made to wait for the event loop this often (ms): else no ack would leave. */
const LONGEST_TURN_MS = 5;

/**
 * A consumer's events: pulled ahead in runs, handed out one by one, settled in batches, their leases kept while they
 * wait here. Ends when the loop is left, the signal aborts, the bus is closed, or the bus refuses for good.
 */
export class ConsumerSubscription<Payload> implements Subscription<Payload>, Endable {
  readonly topic: string;
  private readonly inbox = new Inbox<LeasedEvent>();
  private readonly settler: Settler;
  private readonly puller: Puller;
  private readonly book: LeaseBook;
  private readonly handouts: Handouts;
  private readonly holder: Holder;
  private readonly attention: Attention;
  private readonly rewind: Rewind;
  private readonly outages: Record<"pulling" | "settling", Outage>;
  private phase: "new" | "running" | "ending" | "ended" = "new";
  private failure: HmsSyncClientError | undefined;
  private readonly ending = new Ending(() => this.isQuiet());
  private finished: Promise<void> | undefined;
  private awaitHandlers = true;
  private scheduled = false;
  private turnStartedAt = 0;
  private loopIsBack = false;
  private lastEventAt: number | undefined;

  constructor(private readonly parts: ConsumerParts) {
    const { topic, clock, consumer, concurrency, log, liveness } = parts;
    this.topic = topic;
    this.attention = new Attention(clock);
    this.rewind = new Rewind(parts, parts.since);
    this.outages = {
      pulling: new Outage(`pulling ${topic}`, log, liveness),
      settling: new Outage(`settling events of ${topic}`, log, liveness),
    };
    this.handouts = new Handouts(concurrency, () => this.onRoom());
    this.settler = this.makeSettler();
    this.holder = { settles: this.settler, handouts: this.handouts, consumer, clock };
    this.puller = this.makePuller();
    this.book = new LeaseBook((due) => this.tick(due), clock);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Message<Payload>>> {
    if (this.phase === "new") this.start();
    if (this.phase !== "running") return this.last();
    this.touch();
    if (this.inbox.size === 0 || this.inbox.waiting > 0 || !this.handouts.hasRoom) return this.wait();
    if (performance.now() - this.turnStartedAt > LONGEST_TURN_MS) return this.afterTurn();
    const event = this.usable();
    if (event === undefined) return this.wait();
    return Promise.resolve({ done: false, value: this.message(event) });
  }

  async return(): Promise<IteratorResult<Message<Payload>>> {
    await this.end("leave");
    return DONE;
  }

  close(): Promise<void> {
    return this.end("leave");
  }

  async end(how: Leaving): Promise<void> {
    this.awaitHandlers = how !== "leave" && this.awaitHandlers;
    this.finished ??= this.finish();
    this.loopIsBack ||= this.inbox.waiting > 0;
    if (how === "drain") this.checkEnd();
    else this.ending.hurry();
    await this.finished;
    if (how === "drain") this.settler.retire();
    if (how === "close") this.settler.refuse(closed(this.topic));
  }

  health(): SubscriptionHealth {
    const { lastEventAt } = this;
    return {
      topic: this.topic,
      consumer: this.parts.consumer,
      waiting: this.inbox.size,
      handedOut: this.handouts.count,
      lastEventAt: lastEventAt === undefined ? null : new Date(Date.now() - this.now() + lastEventAt),
    };
  }

  /** A loop that waits for the next event has no handler at work, unless several work side by side. */
  activity(): Activity {
    const { limited, count } = this.handouts;
    const atWork = limited || this.inbox.waiting === 0 ? count : 0;
    return { atWork, unsent: !this.settler.idle || !this.rewind.done };
  }

  private now(): number {
    return this.parts.clock.now();
  }

  private start(): void {
    const { signal } = this.parts;
    this.phase = "running";
    if (signal?.aborted || !this.parts.onStart(this)) return void this.end("leave");
    signal?.addEventListener("abort", this.onAbort, { once: true });
    this.attention.paid();
    if (this.rewind.done) this.schedule();
    else
      void this.rewind.ask().then(
        () => this.schedule(),
        (error) => this.fail(error),
      );
  }

  private readonly onAbort = () => void this.end("leave");

  private wait(): Promise<IteratorResult<Message<Payload>>> {
    this.schedule();
    return this.inbox
      .wait()
      .then((event) => (event === undefined ? this.last() : { done: false, value: this.message(event) }));
  }

  private async afterTurn(): Promise<IteratorResult<Message<Payload>>> {
    await new Promise((resolve) => setImmediate(resolve));
    this.turnStartedAt = performance.now();
    return await this.next();
  }

  private async last(): Promise<IteratorResult<Message<Payload>>> {
    this.loopIsBack = true;
    this.checkEnd();
    await this.finished;
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    return DONE;
  }

  /** Takes the next event whose lease still holds, to be handed out. */
  private usable(): LeasedEvent | undefined {
    for (let event = this.inbox.shift(); event !== undefined; event = this.inbox.shift()) {
      if (!event.delivery.isOpen) continue;
      event.delivery.handOut();
      this.lastEventAt = event.delivery.handedOutAt;
      return event;
    }
    return undefined;
  }

  private message({ delivery, bytes, start, end, attempt, replayed }: LeasedEvent): Message<Payload> {
    if (this.mayWant()) this.schedule();
    return new EventMessage<Payload>(this.topic, bytes, start, end, attempt, replayed, delivery);
  }

  private receive(pulled: Pulled): void {
    const { leases, events } = unpack(pulled, this.holder);
    for (const lease of leases) this.book.add(lease);
    if (this.phase !== "running" || this.attention.lacking) {
      this.settler.release(events.map(({ delivery }) => delivery));
      return;
    }
    this.turnStartedAt = performance.now();
    for (const event of events) this.inbox.push(event);
    this.serve();
  }

  private serve(): void {
    while (this.inbox.waiting > 0 && this.inbox.size > 0 && this.handouts.hasRoom) {
      const event = this.usable();
      if (event !== undefined) this.inbox.reader()?.resolve(event);
    }
  }

  private onRoom(): void {
    if (this.inbox.waiting === 0) return;
    this.touch();
    this.serve();
  }

  /** One more pull while little waits: the first up to a whole run, the second up to half of one. */
  private wants(outstanding: number): boolean {
    if (this.phase !== "running" || this.attention.lacking || !this.rewind.done || outstanding > 1)
      return false;
    return this.inbox.size <= (outstanding === 0 ? this.parts.max : this.parts.max / 2);
  }

  private mayWant(): boolean {
    return this.inbox.size <= this.parts.max;
  }

  /** Requests leave after the handlers that run now, so that their acks travel together. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.puller.pump(); // may carry the settles
      this.settler.flush();
    });
  }

  private tick({ extend, lapsed }: Due): void {
    if (lapsed.length > 0) {
      this.parts.log.warn("leases ran out before the bus could be reached, their events come again", {
        topic: this.topic,
        count: lapsed.length,
      });
    }
    const waiting = this.inbox.peek();
    if (waiting !== undefined && this.attention.lacks(waiting.delivery.lease.ackWaitMs)) this.giveBack();
    else this.settler.extend(extend);
    this.inbox.filter(({ delivery }) => delivery.isOpen);
    this.checkEnd();
  }

  private touch(): void {
    if (this.attention.paid()) this.schedule();
  }

  private giveBack(): void {
    this.settler.release(this.inbox.clear().map(({ delivery }) => delivery));
  }

  private fail(error: HmsSyncClientError): void {
    if (this.phase !== "running") return;
    this.failure = error;
    this.settler.refuse(error);
    void this.end("leave");
  }

  private async finish(): Promise<void> {
    this.phase = "ending";
    this.parts.signal?.removeEventListener("abort", this.onAbort);
    this.puller.stop();
    this.rewind.stop();
    this.giveBack();
    await this.ending.done;
    for (const outage of Object.values(this.outages)) outage.abandon();
    this.phase = "ended";
    this.parts.onEnd(this);
    for (let reader = this.inbox.reader(); reader !== undefined; reader = this.inbox.reader())
      reader.resolve(undefined);
  }

  /**
   * An end waits for handlers as long as they are at work. A loop that has come back has none any more, unless several
   * work side by side; what it left unsettled may be forgotten, and the bus may be away: 5 s at most then.
   */
  private checkEnd(): void {
    if (this.phase === "new" || this.phase === "running") return; // quiet for a moment is no end
    const { limited, count } = this.handouts;
    if (this.loopIsBack && (!limited || count === 0)) this.ending.hurry();
    else this.ending.check();
  }

  private isQuiet(): boolean {
    if (!this.puller.idle || !this.settler.idle) return false;
    return !this.awaitHandlers || this.book.open === 0;
  }

  private makeSettler(): Settler {
    const { topic, log, clock } = this.parts;
    return new Settler({
      ...{ topic, log, clock },
      send: (batch) => sendSettles(this.parts, batch),
      onActivity: () => this.touch(),
      onPending: () => this.schedule(),
      onSettled: () => this.checkEnd(),
      onRefused: (error) => this.fail(error),
      outage: this.outages.settling,
    });
  }

  private makePuller(): Puller {
    const { topic, transport, url, headers, max, log, clock } = this.parts;
    return new Puller({
      ...{ topic, transport, url, headers, max, log, clock },
      path: `/v1/topics/${encodeURIComponent(topic)}/pull`,
      settler: this.settler,
      wanted: (outstanding) => this.wants(outstanding),
      isEmpty: () => this.inbox.size === 0,
      onPulled: (pulled) => this.receive(pulled),
      onReady: () => {
        this.schedule();
        this.checkEnd();
      },
      onRefused: (error) => this.fail(error),
      outage: this.outages.pulling,
    });
  }
}

function closed(topic: string): HmsSyncClientError {
  return new HmsSyncClientError("closed", `the subscription of ${topic} was closed; connect() again`);
}
