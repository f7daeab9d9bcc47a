import { setTimeout as delay } from "node:timers/promises";
import { LARAVEL } from "./laravel-node.js";
import type { Attempt, Operation, OperationLog } from "./operation-log.js";
import { laravelPayloadOf } from "./payloads.js";
import type { Random } from "./random.js";
import type { Supervised } from "./supervised.js";

/** What becomes of the transaction of an event; see laravel/producer.php. */
export type Fate = "commit" | "now" | "rollback" | "savepoint" | "die-inside" | "die-committed";

export interface LaravelProducerParts {
  readonly random: Random;
  readonly log: OperationLog;
  readonly topics: readonly string[];
  readonly process: Supervised;
  /** Events begun in a second. */
  readonly pace: number;
}

const KEYS = 4;
/** The database may be away without a word; a client gives up then, and the process is put down. */
const TIMEOUT_MS = 8_000;
const RETRY_MS = 500;

interface Answer {
  readonly id: string;
  readonly outcome: "ok" | "failed" | "unknown";
  readonly detail: string;
}

/** Users of the Laravel application, one after another: each tries its own change until it was committed or rolled back. */
export class LaravelProducer {
  /** What the next event's process does to itself, once. */
  nextFate: Fate | undefined;
  private readonly end = new AbortController();
  private paused = false;
  private current: Operation | undefined;
  private n = 0;
  private working: Promise<void> | undefined;
  private answered: (answer: Answer) => void = () => undefined;

  constructor(private readonly parts: LaravelProducerParts) {
    const { process } = parts.process;
    process.onLine = (line) => {
      if (line.startsWith("{")) this.answered(JSON.parse(line) as Answer);
    };
  }

  start(): void {
    this.working ??= this.run();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  get underWay(): number {
    return this.current === undefined ? 0 : 1;
  }

  async stop(): Promise<void> {
    this.end.abort();
    await this.working;
  }

  private async run(): Promise<void> {
    const { random, pace } = this.parts;
    while (!this.end.signal.aborted) {
      await this.wait((random.next() * 2_000) / pace);
      if (!this.paused) await this.another();
    }
  }

  private async another(): Promise<void> {
    const { random, topics, log } = this.parts;
    const n = ++this.n;
    const key = `laravel-${random.integer(1, KEYS)}`;
    const payload = laravelPayloadOf(n, key, random);
    const topic = random.pick(topics);
    const operation: Operation = {
      ...{ id: `laravel-${n}`, topic, source: LARAVEL, key, payload, bad: false, attempts: [] },
    };
    log.add(operation);
    this.current = operation;
    let fate = fateBy(random);
    while (!this.end.signal.aborted) {
      const { outcome } = await this.attempt(operation, n, this.nextFate ?? fate);
      if (this.nextFate !== undefined) fate = "commit";
      this.nextFate = undefined;
      if (outcome === "ok" || outcome === "failed") break;
      await this.wait(RETRY_MS);
    }
    this.current = undefined;
  }

  private async attempt(operation: Operation, n: number, fate: Fate): Promise<Attempt> {
    const attempt: Attempt = { at: Date.now(), door: "outbox", outcome: "invoke", detail: fate };
    operation.attempts.push(attempt);
    const { id, topic, key, payload } = operation;
    const answer = await this.ask({ id, n, topic, key, payload, fate });
    attempt.outcome = answer.outcome;
    attempt.until = Date.now();
    attempt.detail = `${fate}: ${answer.detail}`;
    return attempt;
  }

  /** Resolves with what the process said of this event; unknown when it said nothing and is gone, or said nothing in time. */
  private async ask(
    change: { id: string; n: number; fate: Fate } & Record<string, unknown>,
  ): Promise<Answer> {
    const { process } = this.parts.process;
    const unknown = (detail: string): Answer => ({ id: change.id, outcome: "unknown", detail });
    if (!process.isRunning) return unknown("nobody there");
    const { pid } = process;
    const answered = new Promise<Answer>((resolve) => {
      this.answered = (answer) => answer.id === change.id && resolve(answer);
    });
    process.say(JSON.stringify(change));
    const until = performance.now() + TIMEOUT_MS;
    for (;;) {
      const answer = await Promise.race([answered, this.wait(100)]);
      if (answer !== undefined) return answer;
      if (!process.isRunning || process.pid !== pid || this.end.signal.aborted) return unknown("it ended");
      if (performance.now() < until) continue;
      await this.parts.process.restart();
      return unknown("no answer in time");
    }
  }

  private async wait(ms: number): Promise<undefined> {
    await delay(ms, undefined, { signal: this.end.signal }).catch(() => undefined); // the end is looked at by who waits
    return undefined;
  }
}

function fateBy(random: Random): Fate {
  const part = random.next();
  if (part < 0.1) return "rollback";
  if (part < 0.2) return "savepoint";
  return part < 0.3 ? "now" : "commit";
}
