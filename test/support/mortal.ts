import type { Redis } from "ioredis";

/** How a sidecar dies: at its n-th Redis command, before Redis gets it or after Redis carried it out. */
export interface Death {
  readonly atCommand: number;
  readonly executed: boolean;
}

/** The life of one simulated sidecar: once dead, none of its commands reaches Redis and none is answered. */
export class Life {
  private left: number;
  private readonly executed: boolean;
  dead = false;
  readonly died: Promise<void>;
  private announce: () => void = () => {};

  constructor(death: Death | undefined) {
    this.left = death?.atCommand ?? Number.POSITIVE_INFINITY;
    this.executed = death?.executed ?? false;
    this.died = new Promise((resolve) => {
      this.announce = resolve;
    });
  }

  /** Counts the commands of a connection; call it before the connection is used. */
  bind(redis: Redis): void {
    const send = redis.sendCommand.bind(redis);
    const never = () => new Promise<never>(() => {});
    redis.sendCommand = ((command: Parameters<typeof send>[0], stream: Parameters<typeof send>[1]) => {
      if (this.dead) return never();
      if (--this.left > 0) return send(command, stream);
      this.dead = true;
      if (this.executed) void Promise.resolve(send(command, stream)).catch(() => {});
      this.announce();
      return never();
    }) as typeof redis.sendCommand;
  }

  /** From now on the death comes at the n-th command, carried out or not as it was planned. */
  dieIn(commands: number): void {
    this.left = commands;
  }

  kill(): void {
    this.dead = true;
    this.announce();
  }

  /** The result of the work, or undefined when the sidecar died over it. */
  async unlessDead<T>(work: Promise<T>): Promise<T | undefined> {
    return await Promise.race([work, this.died.then(() => undefined)]);
  }
}
