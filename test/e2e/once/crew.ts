import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import type { Knex } from "knex";

/** One consumer of one topic, writing one table of one database. */
export interface Lane {
  readonly topic: string;
  readonly consumer: string;
  readonly table: string;
  readonly once: boolean;
  readonly config: Knex.Config;
}

/** How an adapter ends: killed, or stopped until its lease is over. */
export type Crash = "kill" | "stop" | "none";
export type Point = "written" | "committed" | "stop";

/** What became of a lane so far. */
export interface Tally {
  readonly crashes: Record<Point, number>;
  /** Events that an adapter was stopped over and that then failed because its lease was over. */
  refused: number;
  /** Events that an adapter was stopped over and another began meanwhile. */
  overtaken: number;
}

interface Member {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown>;
  /** The events it was stopped over, as `topic id`, and has not yet told the end of. */
  readonly stoppedOver: Set<string>;
  /** Stopped, and not yet told to go on. */
  isStopped: boolean;
  stoppedAt: number;
}

export interface CrewParts {
  readonly url: string;
  readonly token: string;
  readonly lanes: readonly Lane[];
  readonly seed: number;
  /** So many more events are needed on that topic, so that there is always work. */
  readonly onNeed: (topic: string, count: number) => void;
}

/**
 * New events for each one that was at work in a crash. The bus hands events that lapsed twice out one by one, and others
 * must not wait for those.
 */
const PER_CRASH = 3;
/** As in the consumers' topics.yaml. */
export const ACK_WAIT_MS = 1_000;
const script = resolve(import.meta.dirname, "adapter.mjs");

/** Adapter processes that crash and are started again. */
export class Crew {
  readonly tallies = new Map<string, Tally>();
  private readonly members = new Set<Member>();
  private started = 0;
  private wake: () => void = () => undefined;

  constructor(private readonly parts: CrewParts) {
    for (const { topic } of parts.lanes) {
      this.tallies.set(topic, { crashes: { written: 0, committed: 0, stop: 0 }, refused: 0, overtaken: 0 });
    }
  }

  /** Keeps `size` adapters going that crash like that, until `enough`, or until the time is up. */
  async crash(how: "kill" | "stop", enough: () => boolean, size: number, timeUp: AbortSignal): Promise<void> {
    const concurrency = how === "kill" ? 2 : 1;
    const wake = () => this.wake();
    timeUp.addEventListener("abort", wake);
    while (!enough() && !timeUp.aborted) {
      const changed = new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      while (this.members.size < size) this.start(how, concurrency);
      await changed;
    }
    timeUp.removeEventListener("abort", wake);
  }

  start(crash: Crash, concurrency: number): void {
    const { url, token, lanes, seed } = this.parts;
    const settings = { url, token, lanes, crash, concurrency, seed: seed * 1_000 + this.started++ };
    const child = spawn(process.execPath, [script], {
      cwd: tmpdir(), // of the test file: what outlives it is found there
      env: { ...process.env, ADAPTER: JSON.stringify(settings) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "close").then(() => {
      this.members.delete(member);
      this.wake();
    });
    const member: Member = { child, exited, stoppedOver: new Set(), isStopped: false, stoppedAt: 0 };
    this.members.add(member);
    let rest = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.heard(member, line.split(" "));
    });
  }

  /** Tells all to stop themselves no more. */
  calm(): void {
    for (const { child } of this.members) child.kill("SIGUSR2");
  }

  /** Nobody is stopped, and whoever was has told what became of its event. */
  get allToldTheEnd(): boolean {
    return [...this.members].every(({ isStopped, stoppedOver }) => !isStopped && stoppedOver.size === 0);
  }

  /** Ends all, stopped ones too. */
  async end(): Promise<void> {
    const ending = [...this.members];
    for (const { child } of ending) child.kill("SIGKILL");
    await Promise.all(ending.map(({ exited }) => exited));
  }

  private heard(member: Member, [word, topic = "", id = "", what = ""]: string[]): void {
    const tally = this.tallies.get(topic)!;
    const event = `${topic} ${id}`;
    if (word === "begin") this.begun(member, event, tally);
    else if (word === "crash") this.crashed(member, topic, event, what as Point);
    else {
      const wasStopped = member.stoppedOver.delete(event);
      if (wasStopped && what === "stale_lease") tally.refused++;
      if (word === "done") this.parts.onNeed(topic, 1);
    }
  }

  private crashed(member: Member, topic: string, event: string, point: Point): void {
    this.tallies.get(topic)!.crashes[point]++;
    this.parts.onNeed(topic, PER_CRASH);
    if (point === "stop") {
      member.isStopped = true;
      member.stoppedAt = performance.now();
      member.stoppedOver.add(event);
      // In case that nobody gets to its event: what else it has locked may keep all others busy.
      this.goOnAfter(member, 3 * ACK_WAIT_MS);
    }
    this.wake();
  }

  /** Whoever was stopped over an event that another has begun now has lost its lease, and goes on. */
  private begun(member: Member, event: string, tally: Tally): void {
    for (const other of this.members) {
      if (other === member || !other.isStopped || !other.stoppedOver.has(event)) continue;
      tally.overtaken++;
      // Its own view of the lease ends a little later than the bus's, which began before the answer arrived.
      this.goOnAfter(other, ACK_WAIT_MS);
    }
  }

  /** So long (ms) after it was stopped; it may have gone on and been stopped again by then. */
  private goOnAfter(member: Member, ms: number): void {
    const { stoppedAt } = member;
    const goOn = () => {
      if (!member.isStopped || member.stoppedAt !== stoppedAt) return;
      member.isStopped = false;
      member.child.kill("SIGCONT");
    };
    setTimeout(goOn, Math.max(0, stoppedAt + ms - performance.now())).unref();
  }
}
