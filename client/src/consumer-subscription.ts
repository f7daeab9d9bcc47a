import { HmsSyncClientError } from "./errors.js";
import { Inbox } from "./inbox.js";
import { type Due, LeaseBook } from "./lease-book.js";
import type { Logger } from "./log.js";
import { EventMessage, type Message } from "./message.js";
import { type LeasedEvent, type Pulled, unpack } from "./pulled.js";
import { Puller } from "./puller.js";
import { Outage } from "./retry.js";
import { sendSettles } from "./settle-request.js";
import { Settler } from "./settler.js";
import { DONE, type Endable, Ending, type Leaving, type Subscription } from "./subscription.js";
import type { Transport } from "./transport.js";

export interface ConsumerParts {
  readonly transport: Transport;
  readonly url: string;
  readonly topic: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Most events of one pull; about twice as many wait here at most. */
  readonly max: number;
  readonly signal: AbortSignal | undefined;
  /** Called when the loop begins; false ends it at once. */
  readonly onStart: (subscription: Endable) => boolean;
  /** Called when the subscription has ended. */
  readonly onEnd: (subscription: Endable) => void;
  readonly log: Logger;
}

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
  private phase: "new" | "running" | "ending" | "ended" = "new";
  private failure: HmsSyncClientError | undefined;
  private readonly ending = new Ending(() => this.isQuiet());
  private finished: Promise<void> | undefined;
  private awaitHandlers = true;
  private scheduled = false;
  private turnStartedAt = 0;
  private activeAt = 0;
  private stalled = false;

  constructor(private readonly parts: ConsumerParts) {
    this.topic = parts.topic;
    this.settler = this.makeSettler();
    this.puller = this.makePuller();
    this.book = new LeaseBook((due) => this.tick(due));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Message<Payload>>> {
    if (this.phase === "new") this.start();
    if (this.phase !== "running") return this.last();
    this.touch();
    if (this.inbox.size === 0 || this.inbox.waiting > 0) return this.wait();
    if (performance.now() - this.turnStartedAt > LONGEST_TURN_MS) return this.afterTurn();
    const event = this.usable();
    if (event === undefined) return this.wait();
    return Promise.resolve({ done: false, value: this.handOut(event) });
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
    if (how !== "drain" || this.inbox.waiting > 0) this.ending.hurry();
    else this.ending.check();
    await this.finished;
    if (how === "drain") this.settler.retire();
    if (how === "close") this.settler.refuse(closed(this.topic));
  }

  private start(): void {
    const { signal } = this.parts;
    this.phase = "running";
    if (signal?.aborted || !this.parts.onStart(this)) return void this.end("leave");
    signal?.addEventListener("abort", this.onAbort, { once: true });
    this.activeAt = performance.now();
    this.schedule();
  }

  private readonly onAbort = () => void this.end("leave");

  private wait(): Promise<IteratorResult<Message<Payload>>> {
    this.schedule();
    return this.inbox
      .wait()
      .then((event) => (event === undefined ? this.last() : { done: false, value: this.handOut(event) }));
  }

  private async afterTurn(): Promise<IteratorResult<Message<Payload>>> {
    await new Promise((resolve) => setImmediate(resolve));
    this.turnStartedAt = performance.now();
    return await this.next();
  }

  private async last(): Promise<IteratorResult<Message<Payload>>> {
    this.ending.hurry(); // the loop has come back
    await this.finished;
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    return DONE;
  }

  /** The next event whose lease still holds. */
  private usable(): LeasedEvent | undefined {
    for (let event = this.inbox.shift(); event !== undefined; event = this.inbox.shift()) {
      if (event.delivery.isOpen) return event;
    }
    return undefined;
  }

  private handOut({ delivery, bytes, start, end, attempt, replayed }: LeasedEvent): Message<Payload> {
    delivery.handedOutAt = performance.now();
    if (this.mayWant()) this.schedule();
    return new EventMessage<Payload>(this.topic, bytes, start, end, attempt, replayed, delivery);
  }

  private receive(pulled: Pulled): void {
    const { leases, events } = unpack(pulled, this.settler);
    for (const lease of leases) this.book.add(lease);
    if (this.phase !== "running" || this.stalled) {
      this.settler.release(events.map(({ delivery }) => delivery));
      return;
    }
    this.turnStartedAt = performance.now();
    for (const event of events) this.inbox.push(event);
    this.serve();
  }

  private serve(): void {
    while (this.inbox.waiting > 0 && this.inbox.size > 0) {
      const event = this.usable();
      if (event !== undefined) this.inbox.reader()?.resolve(event);
    }
  }

  /** One more pull while little waits: the first up to a whole run, the second up to half of one. */
  private wants(outstanding: number): boolean {
    if (this.phase !== "running" || this.stalled || outstanding > 1) return false;
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
    if (this.inbox.size > 0 && this.isStuck()) this.giveBack();
    else this.settler.extend(extend);
    this.inbox.filter(({ delivery }) => delivery.isOpen);
    this.ending.check();
  }

  /** Whether the handler has neither asked for an event nor said anything of one for longer than it may. */
  private isStuck(): boolean {
    const oldest = this.inbox.peek()?.delivery.lease.ackWaitMs ?? Number.POSITIVE_INFINITY;
    this.stalled = performance.now() - this.activeAt > oldest;
    return this.stalled;
  }

  private touch(): void {
    this.activeAt = performance.now();
    if (!this.stalled) return;
    this.stalled = false;
    this.schedule();
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
    this.giveBack();
    await this.ending.done;
    this.phase = "ended";
    this.parts.onEnd(this);
    for (let reader = this.inbox.reader(); reader !== undefined; reader = this.inbox.reader())
      reader.resolve(undefined);
  }

  private isQuiet(): boolean {
    if (!this.puller.idle || !this.settler.idle) return false;
    return !this.awaitHandlers || this.book.open === 0;
  }

  private makeSettler(): Settler {
    const { topic, log } = this.parts;
    return new Settler({
      topic,
      log,
      send: (batch) => sendSettles(this.parts, batch),
      onActivity: () => this.touch(),
      onPending: () => this.schedule(),
      onSettled: () => this.ending.check(),
      onRefused: (error) => this.fail(error),
      outage: new Outage(`settling events of ${topic}`, log),
    });
  }

  private makePuller(): Puller {
    const { topic, transport, url, headers, max, log } = this.parts;
    return new Puller({
      ...{ topic, transport, url, headers, max, log },
      path: `/v1/topics/${encodeURIComponent(topic)}/pull`,
      settler: this.settler,
      wanted: (outstanding) => this.wants(outstanding),
      onPulled: (pulled) => this.receive(pulled),
      onReady: () => {
        this.schedule();
        this.ending.check();
      },
      onRefused: (error) => this.fail(error),
      outage: new Outage(`pulling ${topic}`, log),
    });
  }
}

function closed(topic: string): HmsSyncClientError {
  return new HmsSyncClientError("closed", `the subscription of ${topic} was closed; connect() again`);
}
