import type { Readable } from "node:stream";
import { errorOf } from "./answers.js";
import { HmsSyncClientError, malformed } from "./errors.js";
import { Inbox } from "./inbox.js";
import { stringMember } from "./json-scan.js";
import type { Liveness, SubscriptionHealth } from "./liveness.js";
import type { Logger } from "./log.js";
import { EventMessage, type Message } from "./message.js";
import { LineSplitter } from "./ndjson.js";
import { ResumePoint } from "./resume-point.js";
import { Outage, sleep } from "./retry.js";
import { type Activity, DONE, type Endable, type Subscription } from "./subscription.js";
import type { Transport } from "./transport.js";

export interface ReaderParts {
  readonly transport: Transport;
  readonly url: string;
  readonly topic: string;
  readonly since: string | undefined;
  /** Events that may wait here before the stream is made to wait. */
  readonly max: number;
  readonly maxLineBytes: number;
  readonly liveness: Liveness;
  readonly signal: AbortSignal | undefined;
  /** Called when the loop begins; false ends it at once. */
  readonly onStart: (subscription: Endable) => boolean;
  /** Called when the subscription has ended. */
  readonly onEnd: (subscription: Endable) => void;
  readonly log: Logger;
}

const HEAD_TIMEOUT_MS = 30_000;
/** The bus sends a blank line every 15 s; a stream silent for longer than this (ms) is dead. */
const SILENCE_MS = 45_000;

/**
 * A passing reader's events: the ledger as it grows, followed over every reconnect without gaps. Nothing is owed to it
 * and nothing is settled: acks are accepted and mean nothing.
 */
export class ReaderSubscription<Payload> implements Subscription<Payload>, Endable {
  readonly topic: string;
  private readonly inbox = new Inbox<Message<Payload>>();
  private readonly resume: ResumePoint;
  private readonly stopped = new AbortController();
  private readonly outage: Outage;
  private started = false;
  private failure: unknown;
  private lastEventAt: number | undefined;
  private onRoom: () => void = () => undefined;

  constructor(private readonly parts: ReaderParts) {
    this.topic = parts.topic;
    this.resume = new ResumePoint(parts.since);
    this.outage = new Outage(`reading ${parts.topic}`, parts.log, parts.liveness);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Message<Payload>>> {
    if (!this.started) this.start();
    if (this.stopped.signal.aborted) return this.last();
    const message = this.inbox.waiting === 0 ? this.inbox.shift() : undefined;
    if (this.inbox.size <= this.parts.max / 2) this.onRoom();
    if (message !== undefined) return Promise.resolve(this.handOut(message));
    return this.inbox.wait().then((value) => (value === undefined ? this.last() : this.handOut(value)));
  }

  async return(): Promise<IteratorResult<Message<Payload>>> {
    await this.end();
    return DONE;
  }

  close(): Promise<void> {
    return this.end();
  }

  async end(): Promise<void> {
    if (this.stopped.signal.aborted) return;
    this.stopped.abort();
    this.parts.signal?.removeEventListener("abort", this.onAbort);
    this.onRoom();
    this.outage.abandon();
    this.inbox.clear();
    this.parts.onEnd(this);
    for (let reader = this.inbox.reader(); reader !== undefined; reader = this.inbox.reader())
      reader.resolve(undefined);
  }

  health(): SubscriptionHealth {
    const { topic, lastEventAt } = this;
    const waiting = this.inbox.size;
    const at = lastEventAt === undefined ? null : new Date(lastEventAt);
    return { topic, consumer: null, waiting, handedOut: 0, lastEventAt: at };
  }

  /** Nothing of it is settled. */
  activity(): Activity {
    return { atWork: 0, unsent: false };
  }

  private handOut(message: Message<Payload>): IteratorResult<Message<Payload>> {
    this.lastEventAt = Date.now();
    return { done: false, value: message };
  }

  private start(): void {
    const { signal } = this.parts;
    this.started = true;
    if (signal?.aborted || !this.parts.onStart(this)) return void this.end();
    signal?.addEventListener("abort", this.onAbort, { once: true });
    void this.follow();
  }

  private readonly onAbort = () => void this.end();

  private async last(): Promise<IteratorResult<Message<Payload>>> {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    return DONE;
  }

  private async follow(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      try {
        await this.read(await this.open());
      } catch (error) {
        if (this.stopped.signal.aborted) return;
        if (!(error instanceof HmsSyncClientError) || !error.retryable) return this.fail(error);
        await this.pause(this.outage.failed(error));
      }
    }
  }

  private fail(error: unknown): void {
    this.failure = error;
    void this.end();
  }

  private pause(ms: number): Promise<void> {
    return sleep(ms, this.stopped.signal).catch(() => undefined); // `follow` sees that it was stopped
  }

  private async open(): Promise<Readable> {
    const since = this.resume.query();
    const query = since === undefined ? "" : `&since=${encodeURIComponent(since)}`;
    const { transport, url } = this.parts;
    const answer = await transport.open({
      method: "GET",
      path: `/v1/topics/${encodeURIComponent(this.topic)}/events?follow=true${query}`,
      timeoutMs: HEAD_TIMEOUT_MS,
      signal: this.stopped.signal,
    });
    if (answer.status !== 200) throw errorOf(await transport.read(answer, this.stopped.signal), url);
    this.resume.connected(Date.parse(answer.headers.date ?? "") || Date.now());
    return answer.body;
  }

  /** Always ends with an error: a stream that follows has no end of its own. */
  private async read(body: Readable): Promise<never> {
    const lines = new LineSplitter(this.parts.maxLineBytes);
    const chunks = body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const chunk = await this.nextChunk(chunks, body);
        this.outage.over();
        for (const line of lines.push(chunk)) this.receive(line);
        await this.room();
      }
    } finally {
      body.destroy();
    }
  }

  private async nextChunk(chunks: AsyncIterator<Buffer>, body: Readable): Promise<Buffer> {
    const timer = setTimeout(() => body.destroy(new Error(`silent for ${SILENCE_MS} ms`)), SILENCE_MS);
    try {
      const { done, value } = await chunks.next();
      if (!done) return value;
    } catch (cause) {
      throw this.interrupted((cause as Error).message, cause);
    } finally {
      clearTimeout(timer);
    }
    throw this.interrupted("it ended");
  }

  private receive(bytes: Buffer): void {
    const text = bytes.toString("utf8");
    const [source, id, time] = [
      stringMember(text, "source"),
      stringMember(text, "id"),
      stringMember(text, "time"),
    ];
    if (source === undefined || id === undefined || time === undefined) {
      throw malformed("an event without source, id or time");
    }
    if (!this.resume.note(source, id, time, Date.now())) return;
    const message = new EventMessage<Payload>(this.topic, text, 0, text.length, 1, false);
    const reader = this.inbox.reader();
    if (reader === undefined) this.inbox.push(message);
    else reader.resolve(message);
  }

  /** Resolves when the loop has caught up enough for more. */
  private async room(): Promise<void> {
    if (this.inbox.size <= this.parts.max || this.stopped.signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.onRoom = resolve;
    });
  }

  private interrupted(why: string, cause?: unknown): HmsSyncClientError {
    return new HmsSyncClientError("unreachable", `the stream of ${this.topic} broke off: ${why}`, {
      retryable: true,
      cause,
    });
  }
}
