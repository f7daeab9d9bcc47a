import { randomUUID } from "node:crypto";
import { createRedisBackend, type Job, Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { queueName, queuePrefix } from "../redis/keys.js";
import type { PendingTicket } from "./delivery-records.js";

/** A ticket in hand: taken from the queue under a lock until it is spent. */
export interface TakenTicket {
  readonly ticket: string;
  /** Completes the BullMQ job. The run's record is what counts, so a failure here loses nothing. */
  spend(): Promise<void>;
}

/**
 * How long BullMQ holds a taken ticket for us (ms). A ticket is spent as soon as its run is leased, so this bounds
 * only how soon the stalled check returns the ticket of a sidecar that died in between.
 */
const lockMs = 5_000;
const stalledCheckMs = 5_000;

/**
 * The BullMQ queue of one (consumer, topic). A job stands for a run and carries nothing: waiting, delay, promotion,
 * locks, stalled recovery and pause are BullMQ's. All queues share one connection; none blocks.
 */
export class Tickets {
  private readonly queue: Queue;
  private readonly worker: Worker;
  private readonly instance = randomUUID();
  private taken = 0;
  private watching = false;

  constructor(connection: Redis, consumer: string, topic: string, onError: (error: Error) => void) {
    const options = { connection, prefix: queuePrefix, skipVersionCheck: true };
    const backend: typeof createRedisBackend = (name, backendOptions) =>
      createRedisBackend(name, backendOptions, {});
    this.queue = new Queue(
      queueName(consumer, topic),
      {
        ...options,
        streams: { events: { maxLen: 0 } },
      },
      backend,
    );
    this.worker = new Worker(
      queueName(consumer, topic),
      null,
      {
        ...options,
        autorun: false,
        lockDuration: lockMs,
        stalledInterval: stalledCheckMs,
        maxStalledCount: 1_000_000,
      },
      backend,
    );
    this.queue.on("error", onError);
    this.worker.on("error", onError);
  }

  async ready(): Promise<void> {
    await Promise.all([this.queue.waitUntilReady(), this.worker.waitUntilReady()]);
  }

  /** Adds tickets; one that is there already is left alone (BullMQ: same job id). */
  async add(tickets: readonly PendingTicket[]): Promise<void> {
    const jobs = tickets.map(({ ticket, due }) => ({
      name: "run",
      data: {},
      opts: {
        jobId: ticket,
        delay: Math.max(0, due - Date.now()),
        removeOnComplete: true,
        removeOnFail: true,
      },
    }));
    if (jobs.length === 1) await this.queue.add("run", {}, jobs[0]!.opts);
    else if (jobs.length > 1) await this.queue.addBulk(jobs);
  }

  /** The next ticket whose time has come, or undefined. Due delayed jobs are promoted here. */
  async take(): Promise<TakenTicket | undefined> {
    this.watchStalled();
    const token = `${this.instance}:${++this.taken}`;
    const job: Job | undefined = await this.worker.getNextJob(token, { block: false });
    if (job === undefined) return undefined;
    return {
      ticket: job.id!,
      // `false`: completing must not fetch the next job.
      spend: async () => void (await job.moveToCompleted("", token, false)),
    };
  }

  /** Whether BullMQ still has the job, in whatever state. */
  async has(ticket: string): Promise<boolean> {
    return (await this.queue.getJobState(ticket)) !== "unknown";
  }

  /** Removes the queue with all its tickets, taken ones too, and whatever BullMQ keeps of it. */
  async obliterate(): Promise<void> {
    await this.queue.obliterate({ force: true });
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.worker.close(true), this.queue.close()]);
  }

  private watchStalled(): void {
    if (this.watching) return;
    this.watching = true;
    void this.worker.startStalledCheckTimer();
  }
}
