import { randomUUID } from "node:crypto";
import { replayOf } from "../redis/keys.js";
import { beforeAll, compareIds, justBefore, type LedgerId } from "../redis/ledger-id.js";
import type {
  AdvanceStep,
  DeadLetter,
  DeliveryCounts,
  DeliveryRecords,
  LeasedRun,
  LeaseReply,
  PendingTicket,
  ReplayProgress,
  RunRange,
} from "./delivery-records.js";
import { keysOf } from "./order-keys.js";
import { type ReplayBegun, Replayer, type ReplayRequest } from "./replayer.js";
import { maxRunBytes, oneRunOf } from "./run-size.js";
import {
  answerSettle,
  answerUnknown,
  batchSettles,
  formatLease,
  owedIndexes,
  type SettleBatch,
  statesFor,
} from "./settlement.js";
import type { TakenTicket, Tickets } from "./tickets.js";
import type {
  DeliveryPolicy,
  EventView,
  FanoutLog,
  Lease,
  LedgerReader,
  LedgerStretch,
  Settled,
  SettleRequest,
  Subscription,
  Waker,
} from "./types.js";
import { type Waiter, Waiters } from "./waiters.js";

/** Unleased runs a consumer may have: one being picked up; what comes meanwhile makes the next run as large as its pace. */
const maxReadyRuns = 1;
/** How long (ms) new events are no reason to cut for a consumer with order by key that had no room. */
const fullMs = 1_000;
/** How long (ms) a pull that does not wait may be handed what is cut for it. */
const lookMs = 30_000;
const sweepLimit = 50;
const maxRunsPerPull = 100;

export interface DeliveryQueueParts {
  readonly consumer: string;
  readonly topic: string;
  readonly records: DeliveryRecords;
  readonly tickets: Tickets;
  readonly ledger: LedgerReader;
  readonly waker: Waker;
  /** False while another registry than this sidecar's is in force: nothing is cut or handed out. */
  readonly mayServe: () => boolean;
  /** The same, asked of Redis: before a newcomer joins. */
  readonly mayJoin: () => Promise<boolean>;
  readonly log: FanoutLog;
}

/** What one consumer is owed of one topic: cuts runs, leases them, settles them, takes back what was silent. */
export class DeliveryQueue {
  readonly consumer: string;
  readonly topic: string;
  private subscription: Subscription;
  private view: EventView;
  private readonly waiters = new Waiters();
  private readonly background = new Set<Promise<unknown>>();
  private readonly replayer: Replayer;
  private givenVersion: number;
  private versionKept = false;
  private cursor: LedgerId | undefined;
  /** The ledger lost what came after this, and the cursor is not compared with it yet. */
  private lostAfter: LedgerId | undefined;
  private known: LedgerId = beforeAll;
  private advancing: Promise<void> | undefined;
  private again = false;
  private fullUntil = 0;
  /** Whether a ticket may wait in BullMQ; false only after a look found none. What changes it elsewhere wakes us. */
  private mayHaveTickets = true;
  /** Tickets of runs that may be leased at once, not in BullMQ yet. */
  private readonly fresh: string[] = [];
  /** Tickets on their way into BullMQ, and looks for one: until these end nobody can say that there is none. */
  private readonly underWay = new Set<Promise<void>>();
  private sweeping: Promise<void> | undefined;
  private timer: { at: number; handle: NodeJS.Timeout } | undefined;
  private closed = false;

  constructor(
    private readonly parts: DeliveryQueueParts,
    subscription: Subscription,
  ) {
    this.consumer = parts.consumer;
    this.topic = parts.topic;
    this.subscription = subscription;
    this.givenVersion = subscription.version ?? subscription.currentVersion;
    this.view = subscription.view(this.givenVersion);
    this.replayer = new Replayer({
      ...{ consumer: this.consumer, topic: this.topic, records: parts.records, ledger: parts.ledger },
      policy: () => this.policy,
      view: () => this.view,
      mayCut: () => !this.closed && parts.mayServe(),
      offer: (tickets) => this.offer(tickets),
    });
  }

  get policy(): DeliveryPolicy {
    return this.subscription.policy;
  }

  /** Schema version that the consumer is given. */
  get version(): number {
    return this.givenVersion;
  }

  /**
   * Creates the cursor of a newcomer (its trim floor first) and picks up whatever an earlier sidecar left. May be
   * repeated, and has to be while another registry than this sidecar's is in force.
   */
  async open(): Promise<void> {
    const { records, tickets } = this.parts;
    await tickets.ready();
    if (this.lostAfter !== undefined) await this.rewind(this.lostAfter);
    // One that goes by an older registry would bring back who was taken out and retired.
    const cursor = (await records.cursor()) ?? (await this.join());
    if (cursor === undefined) return;
    await this.takeVersion();
    this.cursor = cursor;
    await this.sweep();
    await this.catchUp();
  }

  /** False when opening, or taking note of an update, has to be repeated. */
  get opened(): boolean {
    return this.cursor !== undefined && this.versionKept;
  }

  /** Serves the consumer by what the registry says now, from this turn on. */
  async update(subscription: Subscription): Promise<void> {
    this.subscription = subscription;
    this.versionKept = false;
    this.giveVersion(subscription.version ?? this.givenVersion);
    if ((await this.parts.records.cursor()) === undefined) return; // opening it is not done, and takes the version
    await this.takeVersion();
    this.track(this.catchUp());
  }

  /**
   * The ledger has events up to `last`. While no pull waits here and none can wait elsewhere they stay behind the cursor:
   * the next pull is handed them as one run, without a ticket.
   */
  recorded(last: LedgerId): void {
    if (this.waiters.size === 0 && this.parts.waker.alone) this.learn(last);
    else this.advanceTo(last);
  }

  /** The ledger has events up to `last`: cut what the consumer is ready for. Calls while one runs are joined. */
  advanceTo(last: LedgerId): void {
    this.learn(last);
    if (Date.now() >= this.fullUntil) this.track(this.advance());
  }

  /**
   * The ledger lost what came after `end`: nothing known here of it counts any more. A cursor that names a lost entry is
   * brought back to `end`; the sweep repeats what fails of that.
   */
  ledgerWentBack(end: LedgerId): void {
    this.cursor = undefined;
    this.known = end;
    this.lostAfter = end;
    this.track(this.open());
  }

  /** Looks up the ledger's end first: for events that another sidecar recorded. */
  async catchUp(): Promise<void> {
    const { last } = await this.parts.ledger.tail(this.topic);
    this.learn(last);
    this.fullUntil = 0;
    await this.advance();
  }

  /**
   * Leases up to `max` events, waiting up to `waitMs` for the first; an aborted signal ends the wait. Resolves to an
   * empty list when nothing was owed.
   */
  async pull(max: number, waitMs: number, signal: AbortSignal): Promise<Lease[]> {
    const until = Date.now() + waitMs;
    for (;;) {
      const left = until - Date.now();
      const patient = left > 0;
      const waiter = this.waiters.register(max, patient ? left : lookMs, signal);
      const leases = await this.leaseBeside(waiter, patient);
      if (leases.length > 0 || (!patient && waiter.cancel())) return leases;
      const handed = await waiter.woken;
      if (handed !== undefined) return [handed];
      if (signal.aborted || this.closed) return [];
    }
  }

  /** Settles many events; answers in the order of the requests. Repeating an ok settle answers ok. */
  async settle(requests: readonly SettleRequest[]): Promise<Settled[]> {
    const answers = requests.map(answerUnknown);
    await Promise.all(batchSettles(requests).map((batch) => this.settleBatch(batch, requests, answers)));
    return answers.flat();
  }

  /** There may be something to lease: wakes one waiting pull here; false when none waits. */
  wakeOne(): boolean {
    this.mayHaveTickets = true;
    return this.waiters.wakeOne();
  }

  get waiting(): number {
    return this.waiters.size;
  }

  /** Takes back lapsed leases, adds tickets that are still owed to BullMQ, buries what is dying. Joined while one runs. */
  sweep(): Promise<void> {
    this.sweeping ??= this.sweepAll().finally(() => {
      this.sweeping = undefined;
    });
    return this.sweeping;
  }

  /** Gives waiting runs whose ticket BullMQ lost (say, an emptied queue) a new one. Resolves to the count. */
  async audit(): Promise<number> {
    let replaced = 0;
    for (const ticket of await this.parts.records.ticketsCountedOn(500)) {
      if (await this.parts.tickets.has(ticket)) continue;
      if (await this.parts.records.replaceTicket(ticket)) replaced++;
    }
    if (replaced > 0) {
      this.parts.log.warn("queue had lost tickets; replaced them", { ...this.names(), replaced });
      await this.sweep();
    }
    return replaced;
  }

  /** Owes the dead letters to the consumer again; resolves to the ids that existed. */
  async redrive(ids: readonly string[]): Promise<string[]> {
    const redriven: string[] = [];
    for (const id of ids) {
      const ticket = await this.parts.records.redrive(id);
      if (ticket === undefined) continue;
      redriven.push(id);
      await this.offer([{ ticket, due: 0 }]);
    }
    return redriven;
  }

  /** Owes events of the ledger once more; see Replayer. Resolves when it is begun. */
  async replay(request: ReplayRequest): Promise<ReplayBegun> {
    const begun = await this.replayer.begin(request);
    this.track(this.replayer.advance());
    return begun;
  }

  /** What a replay begun now would have in its window. */
  previewReplay(request: ReplayRequest): Promise<LedgerStretch> {
    return this.replayer.preview(request);
  }

  /** Ends the replay that runs. */
  cancelReplay(): Promise<ReplayProgress> {
    return this.replayer.cancel();
  }

  /** Raises the consumer's trim floor, and those of its replays, to what it has settled; drops those that are over. */
  async raiseFloor(): Promise<void> {
    if (!this.parts.mayServe()) return;
    const { ledger, records, topic, consumer } = this.parts;
    // Before the state is read: a replay whose floor is there is known to the state, or over.
    const holders = await ledger.holders(topic);
    const state = await records.settledUpTo();
    if (state === undefined) return;
    await ledger.raiseFloor(topic, consumer, state.settled);
    for (const holder of holders) {
      const replay = replayOf(consumer, holder);
      if (replay === undefined) continue;
      if (replay === state.replay || state.replayed > 0)
        await ledger.raiseFloor(topic, holder, state.settled);
      else await ledger.dropFloor(topic, holder);
    }
  }

  /** The newest dead letters first, at most `limit`. */
  deadLetters(limit: number): Promise<DeadLetter[]> {
    return this.parts.records.deadLetters(limit);
  }

  counts(): Promise<DeliveryCounts> {
    return this.parts.records.counts();
  }

  /** Ends waiting pulls, waits for what runs in the background, then closes the queue. Open leases stay as they are. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer?.handle);
    while (this.waiters.wakeOne());
    while (this.background.size > 0) await Promise.allSettled(this.background);
    await this.parts.tickets.close();
  }

  /** The newcomer's cursor; undefined when it may not join now. */
  private async join(): Promise<LedgerId | undefined> {
    const { records, tickets, ledger, topic, consumer } = this.parts;
    if (!(await this.parts.mayJoin()) || this.closed) return undefined;
    await ledger.raiseFloor(topic, consumer, beforeAll); // from here on nothing is trimmed
    const tail = await ledger.tail(topic);
    const now = this.policy.start === "now";
    // At the first entry kept: what was trimmed may still be in this sidecar's memory, and not in another's.
    const first = now ? undefined : await ledger.first(topic);
    const start = first === undefined ? tail.last : justBefore(first);
    const ordinal = now ? tail.total : tail.total - tail.kept;
    for (;;) {
      const cursor = await records.open(start, ordinal, tail.total);
      if (cursor !== undefined) return cursor;
      await tickets.obliterate();
      await records.remove();
    }
  }

  // The file's version counts from when it is first seen; without one, the version that was current at the start.
  private async takeVersion(): Promise<void> {
    const { version, currentVersion } = this.subscription;
    const kept = await this.parts.records.version(version, currentVersion);
    if (kept !== this.givenVersion) this.giveVersion(kept);
    this.versionKept = true;
  }

  private giveVersion(version: number): void {
    this.givenVersion = version;
    this.view = this.subscription.view(version);
  }

  private async rewind(end: LedgerId): Promise<void> {
    const { records, ledger, topic } = this.parts;
    const cursor = await records.cursor();
    if (cursor !== undefined && compareIds(cursor, end) > 0) {
      const entry = await ledger.range(topic, justBefore(cursor), cursor, 1);
      const { last, total } = await ledger.tail(topic);
      const since = await ledger.count(topic, end, last);
      if (entry.length === 0 && (await records.rewind(cursor, end, total - since.count)))
        this.parts.log.warn("the cursor named an entry that Redis lost and was brought back", {
          ...this.names(),
          cursor,
          end,
        });
    }
    if (this.lostAfter === end) this.lostAfter = undefined;
  }

  private learn(last: LedgerId): void {
    if (compareIds(last, this.known) > 0) this.known = last;
  }

  private async advance(): Promise<void> {
    this.again = true;
    this.advancing ??= this.advanceAll().finally(() => {
      this.advancing = undefined;
    });
    await this.advancing;
  }

  private async advanceAll(): Promise<void> {
    while (this.again && !this.closed) {
      this.again = false;
      if (this.cursor === undefined || !this.parts.mayServe()) return;
      await this.advanceOnce(this.cursor);
    }
  }

  private async advanceOnce(cursor: LedgerId): Promise<void> {
    const { ledger, topic, records } = this.parts;
    const { policy, view } = this;
    // A pull that waits here is handed the run as it is cut: no ticket, no second look.
    const waiting = this.waiters.nextMax;
    const ordered = policy.order === "key";
    // As in `recorded`; with order by key what comes later may have to go first.
    if (waiting === 0 && this.parts.waker.alone && !ordered) return;
    // With order by key most of a cut may be parked, so a pull of few events is no reason to cut few.
    const limit = waiting > 0 && !ordered ? Math.min(policy.run, waiting) : policy.run;
    const entries = oneRunOf(await ledger.range(topic, cursor, this.known, limit));
    if (entries.length === 0) return;
    const last = entries.at(-1)!.id;
    const more = compareIds(last, this.known) < 0;
    const states = statesFor(this.consumer, entries, view);
    const step: AdvanceStep = {
      ...{ from: cursor, to: last, count: entries.length, limit: maxReadyRuns, more, states },
      ...(waiting > 0 ? { nonce: randomUUID(), most: waiting } : {}),
      ...(ordered ? { order: { keys: keysOf(entries), ids: entries.map(({ id }) => id) } } : {}),
    };
    const advanced = await records.advance(step, policy);
    if (advanced.outcome === "moved") {
      this.cursor = advanced.cursor;
      this.again = true;
    } else if (advanced.outcome === "passed") {
      this.cursor = last;
      this.again ||= more;
    } else if (advanced.outcome === "cut") {
      this.cursor = last;
      await this.offer([{ ticket: advanced.ticket, due: 0 }]);
    } else if (advanced.outcome === "leased") {
      this.cursor = last;
      this.again ||= more;
      this.handOver(advanced.run, entries.slice(advanced.skip), advanced.states ?? states);
    } else if (advanced.outcome === "full" && ordered) {
      // Whoever makes room is told; the keys of all that waits are too dear to be sent with every new event.
      this.fullUntil = Date.now() + fullMs;
    } else if (advanced.outcome === "absent") {
      this.cursor = undefined;
      this.parts.log.error("delivery state vanished from Redis; opening it anew", this.names());
      this.track(this.open());
    }
  }

  private handOver(run: string, entries: readonly { body: Buffer }[], states: string): void {
    const owed = states === "" ? entries.map((_entry, index) => index) : owedIndexes(states);
    const lease = this.present({
      lease: formatLease(run, 1),
      attempt: 1,
      replayed: false,
      indexes: owed,
      bodies: owed.map((index) => entries[index]!.body),
    });
    if (lease === undefined) return;
    const { bodies } = lease;
    this.schedule(Date.now() + this.policy.ackWaitMs);
    // The pull it was cut for may be gone, and the next one may want fewer events.
    const fits = this.waiters.nextMax >= bodies.length;
    if (!fits || !this.waiters.wakeOne(lease)) this.track(this.release(lease));
  }

  // Nobody waits for the lease any more: its events go to the next pull.
  private async release({ lease, indexes }: Lease): Promise<void> {
    if (indexes.length === 0) return;
    await this.settle([{ token: `${lease}.${indexes[0]}`, to: indexes.at(-1)!, action: "release" }]);
  }

  // Leases, or has a run cut, while the waiter is registered; a lease handed to it meanwhile is not lost.
  private async leaseBeside(waiter: Waiter, patient: boolean): Promise<Lease[]> {
    let leases: Lease[];
    try {
      leases = await this.lease(waiter.max);
      if (leases.length === 0 && this.isBehind) {
        const cut = this.advance();
        if (patient) this.track(cut);
        else await cut;
      }
    } catch (error) {
      waiter.cancel();
      const handed = await waiter.woken;
      if (handed !== undefined) this.track(this.release(handed));
      throw error;
    }
    if (leases.length === 0) return leases;
    waiter.cancel();
    const handed = await waiter.woken;
    return handed === undefined ? leases : [...leases, handed];
  }

  private get isBehind(): boolean {
    return (
      this.cursor !== undefined && compareIds(this.known, this.cursor) > 0 && Date.now() >= this.fullUntil
    );
  }

  private async lease(max: number): Promise<Lease[]> {
    const leases: Lease[] = [];
    let room = max;
    let bytes = 0;
    let behind = false;
    let replayBehind = false;
    while (room > 0 && bytes < maxRunBytes && leases.length < maxRunsPerPull) {
      if (this.closed || !this.parts.mayServe()) break;
      const taken = await this.take();
      if (taken === undefined) break;
      const run = await this.leaseRun(taken, room);
      if (run.outcome === "throttled") break;
      if (run.outcome !== "ok") continue;
      behind ||= run.behind;
      replayBehind ||= run.replayBehind;
      const lease = await this.read(run);
      if (lease !== undefined) {
        leases.push(lease);
        room -= lease.indexes.length;
        for (const body of lease.bodies) bytes += body.length;
      }
      if (run.waiting === 0) break;
    }
    if (behind) this.track(this.catchUp());
    if (replayBehind) this.track(this.replayer.advance());
    if (leases.length > 0) this.schedule(Date.now() + this.policy.ackWaitMs);
    return leases;
  }

  private async take(): Promise<TakenTicket | undefined> {
    for (;;) {
      const ticket = this.fresh.shift();
      if (ticket !== undefined) return { ticket, spend: async () => {} };
      if (this.mayHaveTickets) return await this.asUnderWay(this.look());
      if (this.underWay.size === 0) return undefined;
      await Promise.race(this.underWay);
    }
  }

  private async look(): Promise<TakenTicket | undefined> {
    // Before the look, so that a ticket added meanwhile is not overlooked.
    this.mayHaveTickets = false;
    const taken = await this.parts.tickets.take();
    if (taken !== undefined) this.mayHaveTickets = true;
    return taken;
  }

  /** `work`; until it ends, others wait for it before they say that there is no ticket. */
  private async asUnderWay<T>(work: Promise<T>): Promise<T> {
    const end = work.then(
      () => void this.underWay.delete(end),
      () => void this.underWay.delete(end),
    );
    this.underWay.add(end);
    return await work;
  }

  // What a pull takes here in this turn of the event loop needs no way through BullMQ; the rest is offered to all.
  private handOn(issued: readonly string[]): void {
    if (issued.length === 0) return;
    this.fresh.push(...issued);
    for (const _ticket of issued) this.waiters.wakeOne();
    setImmediate(() => this.track(this.offerFresh()));
  }

  private async offerFresh(): Promise<void> {
    const tickets = this.closed ? [] : this.fresh.splice(0);
    if (tickets.length === 0) return;
    await this.offer(tickets.map((ticket) => ({ ticket, due: 0 })));
    await this.parts.records.ticketsAdded(tickets);
  }

  private async leaseRun(taken: TakenTicket, room: number): Promise<LeaseReply> {
    const reply = await this.parts.records.lease(taken.ticket, randomUUID(), this.policy, room);
    this.track(taken.spend());
    if (reply.outcome === "early") await this.offer([reply]);
    if (reply.outcome === "ok") this.handOn(reply.issued);
    return reply;
  }

  private async read(run: LeasedRun): Promise<Lease | undefined> {
    const indexes = owedIndexes(run.states);
    const bodies = await this.bodies(run, indexes);
    if (bodies === undefined) {
      await this.termUnreadable(run);
      return undefined;
    }
    const { attempt, replayed } = run;
    const marks = { attempt, replayed, ...(run.redo === "" ? {} : { redo: run.redo }) };
    return this.present({ lease: formatLease(run.run, run.generation), ...marks, indexes, bodies });
  }

  /** The lease in the consumer's schema version; what cannot be cast is terminated. Undefined when nothing is left. */
  private present(lease: Lease): Lease | undefined {
    const presented = lease.bodies.map((body) => this.view.present(body));
    if (presented.every((body) => Buffer.isBuffer(body))) return { ...lease, bodies: presented };
    const failed = presented.flatMap((body, i) =>
      Buffer.isBuffer(body) ? [] : [{ token: `${lease.lease}.${lease.indexes[i]}`, reason: body.reason }],
    );
    this.track(this.settle(failed.map((each) => ({ ...each, action: "term" as const }))));
    const kept = lease.indexes.filter((_index, i) => Buffer.isBuffer(presented[i]));
    if (kept.length === 0) return undefined;
    return { ...lease, indexes: kept, bodies: presented.filter((body) => Buffer.isBuffer(body)) };
  }

  private async bodies(run: RunRange, indexes: readonly number[]): Promise<Buffer[] | undefined> {
    if (run.body.length > 0) return [run.body];
    const entries = await this.entriesOf(run);
    return entries && indexes.map((index) => entries[run.skip + index]!.body);
  }

  /** What the run was cut from; undefined when some of it is gone, since a place in the rest names another event. */
  private async entriesOf({ from, to, count, skip, n }: RunRange) {
    const wanted = count || skip + n;
    const entries = await this.parts.ledger.range(this.topic, from, to, wanted);
    return entries.length < wanted ? undefined : entries;
  }

  // Somebody removed entries from the ledger by hand: say so at every event instead of delivering the wrong one.
  private async termUnreadable(run: LeasedRun): Promise<void> {
    this.parts.log.error("the ledger no longer holds an owed run; its events become dead letters", {
      ...this.names(),
      run: run.run,
      from: run.from,
      to: run.to,
    });
    const token = `${formatLease(run.run, run.generation)}.0`;
    await this.settle([
      { token, to: run.n - 1, action: "term", reason: "the ledger no longer holds this event" },
    ]);
  }

  private async settleBatch(
    batch: SettleBatch,
    requests: readonly SettleRequest[],
    answers: Settled[][],
  ): Promise<void> {
    const reply = await this.parts.records.settle(batch, this.policy);
    for (const [index, operation] of batch.operations.entries()) {
      answers[operation.request] = answerSettle(requests[operation.request]!, reply.results[index] ?? "u");
    }
    this.handOn(reply.issued);
    if (reply.followUp) this.track(this.sweepAfterCurrent());
    if (reply.behind) this.track(this.catchUp());
  }

  // A sweep that already runs may have read before our settle wrote.
  private async sweepAfterCurrent(): Promise<void> {
    await this.sweeping;
    await this.sweep();
  }

  private async sweepAll(): Promise<void> {
    const { records } = this.parts;
    let nextAt: number;
    for (;;) {
      const swept = await records.sweep(this.policy, sweepLimit);
      nextAt = swept.nextAt;
      if (swept.pending.length > 0) {
        await this.offer(swept.pending);
        await records.ticketsAdded(swept.pending.map(({ ticket }) => ticket));
      }
      if (swept.handled > 0) this.mayHaveTickets = true;
      if (swept.replaying) this.track(this.replayer.advance());
      for (const run of swept.dying) await this.bury(run);
      if (swept.handled < sweepLimit) break;
    }
    if (nextAt > 0) this.schedule(nextAt);
  }

  private async bury(run: string): Promise<void> {
    const range = await this.parts.records.rangeOf(run);
    if (range === undefined) return;
    const own = range.body.length > 0;
    const entry = own ? undefined : (await this.entriesOf(range))?.[range.skip];
    const body = own ? range.body : (entry?.body ?? Buffer.alloc(0));
    const id = await this.parts.records.bury(run, body, entry?.id ?? "");
    if (id !== "") this.parts.log.warn("event became a dead letter", { ...this.names(), deadLetter: id });
  }

  private async offer(tickets: readonly PendingTicket[]): Promise<void> {
    await this.asUnderWay(this.add(tickets));
    for (const { due } of tickets) {
      if (due > Date.now()) this.schedule(due);
      else this.wake();
    }
  }

  private async add(tickets: readonly PendingTicket[]): Promise<void> {
    await this.parts.tickets.add(tickets);
    this.mayHaveTickets = true;
  }

  private wake(): void {
    if (!this.waiters.wakeOne()) this.parts.waker.wakeElsewhere(this.consumer, this.topic);
  }

  // One timer per queue, for the earliest deadline or delay known here.
  private schedule(at: number): void {
    if (this.closed || (this.timer !== undefined && this.timer.at <= at)) return;
    clearTimeout(this.timer?.handle);
    const handle = setTimeout(
      () => {
        this.timer = undefined;
        this.track(this.sweep());
        this.mayHaveTickets = true;
        this.wake();
      },
      Math.min(Math.max(1, at - Date.now() + 1), 2 ** 31 - 1),
    );
    handle.unref();
    this.timer = { at, handle };
  }

  private track(work: Promise<unknown>): void {
    const tracked = work
      .catch((error: unknown) => {
        this.parts.log.error("delivery work failed; the sweeper will repeat it", {
          ...this.names(),
          error: String(error),
        });
      })
      .finally(() => this.background.delete(tracked));
    this.background.add(tracked);
  }

  private names(): { consumer: string; topic: string } {
    return { consumer: this.consumer, topic: this.topic };
  }
}
