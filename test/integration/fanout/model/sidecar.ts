import { setImmediate } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { DeliveryQueue } from "../../../../src/fanout/delivery-queue.js";
import type { Belt } from "../../../support/belt.js";
import { Life } from "../../../support/mortal.js";

/** Commands that a doomed sidecar may still send. */
export const maxCommands = 12;

/** A life that tells when nothing is under way any more: no command is unanswered, and none follows. */
export class WatchedLife extends Life {
  private unanswered = 0;

  constructor(executed: boolean) {
    super({ atCommand: Number.POSITIVE_INFINITY, executed });
  }

  override bind(redis: Redis): void {
    super.bind(redis);
    const send = redis.sendCommand.bind(redis);
    redis.sendCommand = ((...args: Parameters<typeof send>) => {
      const reply = send(...args) as Promise<unknown>;
      if (this.dead) return reply;
      this.unanswered++;
      const answered = () => void this.unanswered--;
      reply.then(answered, answered);
      return reply;
    }) as typeof redis.sendCommand;
  }

  async idle(): Promise<void> {
    for (let calm = 0; calm < 5 && !this.dead; calm++) {
      await setImmediate();
      if (this.unanswered > 0) calm = -1;
    }
  }
}

/** One simulated sidecar, with a queue for each consumer it serves. */
export interface Sidecar {
  readonly life: WatchedLife;
  readonly bus: Belt;
  readonly queues: Map<string, DeliveryQueue>;
}
