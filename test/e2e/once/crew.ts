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

/** How an adapter ends: killed, or stopped until another has its events. */
export type Crash = "kill" | "stop" | "none";
export type Point = "written" | "committed" | "stop";

/** What became of a lane so far. */
export interface Tally {
  readonly crashes: Record<Point, number>;
  /** Failures by code. */
  readonly failures: Record<string, number>;
  /** Events that an adapter was stopped over and that then failed because its lease was over. */
  stale: number;
}

interface Member {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown>;
  /** The event it is stopped over, as `topic id`, until another has it. */
  heldBack?: string | undefined;
  /** The events it was stopped over and has not yet told the end of. */
  readonly stopped: Set<string>;
  stoppedAt: number;
}

export interface CrewParts {
  readonly url: string;
  readonly token: string;
  readonly lanes: readonly Lane[];
  readonly seed: number;
}

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
      this.tallies.set(topic, { crashes: { written: 0, committed: 0, stop: 0 }, failures: {}, stale: 0 });
    }
  }

  /** Keeps `size` adapters going that crash like that, until each of these lanes was hit `count` times. */
  async crash(how: "kill" | "stop", hit: readonly Lane[], count: number, size: number): Promise<void> {
    const times = ({ topic }: Lane) => this.tallies.get(topic)!.crashes[how === "kill" ? "written" : "stop"];
    while (hit.some((lane) => times(lane) < count)) {
      const changed = new Promise<void>((wake) => {
        this.wake = wake;
      });
      while (this.members.size < size) this.start(how, how === "kill" ? 2 : 1);
      await changed;
    }
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
    const member: Member = { child, exited, stopped: new Set(), stoppedAt: 0 };
    this.members.add(member);
    let rest = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.heard(member, line.split(" "));
    });
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
    if (word === "begin") this.goOn(member, event);
    else if (word === "done") member.stopped.delete(event);
    else if (word === "failed") {
      tally.failures[what] = (tally.failures[what] ?? 0) + 1;
      if (member.stopped.delete(event) && what === "stale_lease") tally.stale++;
    } else if (word === "crash") {
      tally.crashes[what as Point]++;
      if (what === "stop") {
        member.stoppedAt = performance.now();
        member.heldBack = event;
        member.stopped.add(event);
      }
      this.wake();
    }
  }

  /** Another one has the event now: whoever was stopped over it has lost its lease, and goes on. */
  private goOn(member: Member, event: string): void {
    for (const stopped of this.members) {
      if (stopped === member || stopped.heldBack !== event) continue;
      stopped.heldBack = undefined;
      // Its own view of the lease ends a little later than the bus's: that began before the answer arrived.
      const left = stopped.stoppedAt + ACK_WAIT_MS - performance.now();
      setTimeout(() => stopped.child.kill("SIGCONT"), Math.max(0, left));
    }
  }
}
