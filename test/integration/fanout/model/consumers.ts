import type { DeliveryPolicy, Subscription } from "../../../../src/fanout/types.js";
import { numberIn } from "../../../support/belt.js";
import { Reference, type Terms } from "./reference.js";

/** A consumer of the model: how it is served, and which events its filter leaves out. */
export interface Consumer {
  readonly name: string;
  readonly policy: Pick<DeliveryPolicy, "ackWaitMs" | "maxDeliver" | "backoffMs" | "run" | "order">;
  /** Its filter does not match the multiples of this; 0: it has no filter. */
  readonly skips: number;
}

/** One that is served, and the reference for what it is owed. */
export class Served {
  version = 1;
  reference: Reference;
  /** Tokens of each lease that came, the latest last. */
  readonly leases: string[][] = [];
  /** Which event each token named that ever came, those that Redis lost as well. */
  readonly named = new Map<string, number>();
  /** Whether the registry has it; what it is owed stays when it has it no longer, until it is retired. */
  registered = true;
  retired = false;
  /** Time that passed while nobody took back what was silent (ms). */
  asleepMs = 0;
  /** Events that it is not sent. */
  readonly left = new Set<number>();

  constructor(private readonly consumer: Consumer) {
    this.reference = new Reference(this.terms());
  }

  get name(): string {
    return this.consumer.name;
  }

  get policy(): Consumer["policy"] {
    return this.consumer.policy;
  }

  /** The ledger has the event. */
  published(number: number): void {
    if (this.retired) return;
    if (this.owes(number)) this.reference.published(number);
    else this.left.add(number);
  }

  /** What goes back to how it is now, when Redis does. Its version is the registry's, which stays. */
  saved(): () => void {
    const kept = this.reference.copy();
    const left = [...this.left];
    return () => {
      this.reference = kept.copy();
      this.left.clear();
      for (const number of left) this.left.add(number);
    };
  }

  passed(ms: number): void {
    this.asleepMs += ms;
    if (!this.registered) return;
    this.reference.passed(this.asleepMs);
    this.asleepMs = 0;
  }

  /** It joins as a newcomer, which is owed what the ledger keeps. */
  rejoined(kept: readonly number[]): void {
    this.retired = false;
    this.asleepMs = 0;
    this.reference = new Reference(this.terms());
    this.leases.length = 0;
    this.left.clear();
    for (const number of kept) this.published(number);
  }

  /** Whether it is sent the event: not what came through itself, nor what its filter leaves out. */
  owes(number: number): boolean {
    return this.wants(number) && !systemsOf(number).split(",").includes(this.name);
  }

  subscription(): Pick<Subscription, "version" | "view"> {
    const view = (version: number) => ({
      wants: (body: Buffer) => this.wants(numberIn(body)),
      present: (body: Buffer) => {
        const reason = castFailure(numberIn(body), version);
        return reason === undefined ? inVersion(body, version) : { reason };
      },
    });
    return { version: this.version, view };
  }

  private wants(number: number): boolean {
    return this.consumer.skips === 0 || number % this.consumer.skips !== 0;
  }

  private terms(): Terms {
    const { order, ...policy } = this.policy;
    const cast = (number: number) => castFailure(number, this.version);
    return { ...policy, ...(order === "key" ? { keyOf } : {}), castFailure: cast };
  }
}

export function keyOf(number: number): string {
  return `key ${(number * number) % 7}`;
}

/** The systems that an event came through. */
export function systemsOf(number: number): string {
  return number % 6 === 0 ? "test,beta" : "test";
}

function inVersion(body: Buffer, version: number): Buffer {
  return Buffer.from(body.toString().replace('"version":1', `"version":${version}`));
}

/** Events are recorded in version 1; each later one lacks something that some events would need. */
function castFailure(number: number, version: number): string | undefined {
  return version > 1 && number % 4 === version - 2 ? `/n has no version ${version}` : undefined;
}
