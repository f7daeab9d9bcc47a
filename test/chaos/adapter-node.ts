import { resolve } from "node:path";
import type { Knex } from "knex";
import { ManagedProcess } from "./managed-process.js";

const script = resolve(import.meta.dirname, "adapter.mjs");

/** A consumer of one topic. */
export interface Lane {
  readonly topic: string;
  readonly consumer: string;
  /** Whether it records events with `msg.once`: then no event may take effect twice. */
  readonly once: boolean;
}

/** What an adapter does for one life beyond its work; see adapter.mjs. */
export interface Mischief {
  readonly dieAt?: { readonly point: "before" | "written" | "committed"; readonly event?: string };
  readonly slowMs?: number;
  readonly blockMs?: number;
  readonly concurrency?: number;
}

/** A step of an event in an adapter, as it said it. */
export interface AdapterStep {
  readonly at: number;
  readonly word: "begin" | "done" | "failed";
  readonly topic: string;
  readonly consumer: string;
  readonly id: string;
  readonly attempt?: number;
  readonly replayed?: boolean;
  readonly code?: string;
}

export interface AdapterPlace {
  readonly url: string;
  readonly token: string;
  readonly config: Knex.Config;
}

/** A real adapter process with one database. */
export class AdapterNode {
  readonly process = new ManagedProcess();
  readonly steps: AdapterStep[] = [];

  constructor(
    readonly name: string,
    readonly lanes: readonly Lane[],
    private readonly place: AdapterPlace,
  ) {
    this.process.onLine = (line) => {
      if (line.startsWith("{")) this.steps.push(JSON.parse(line) as AdapterStep);
    };
  }

  /** `mischief` holds for this life. It works as soon as it reaches the bus; nobody waits for that. */
  async start(mischief: Mischief = {}): Promise<void> {
    await this.process.launch({
      title: this.name,
      command: process.execPath,
      args: [script],
      env: { ADAPTER: JSON.stringify({ ...this.place, lanes: this.lanes, ...mischief }) },
    });
  }

  kill9(): Promise<void> {
    return this.process.kill9();
  }

  pause(): void {
    this.process.pause();
  }

  resume(): void {
    this.process.resume();
  }
}
