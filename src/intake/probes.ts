import type { Redis } from "ioredis";
import { probeKey } from "../redis/keys.js";

/** The channel of a probe: a broadcast that shows the way in is open and is no event. No topic can have its name. */
export const probeChannel = "hms-sync:probe";
/** How long a probe that arrived can be asked for (s). */
const rememberSeconds = 60;
const idPattern = /^[\x21-\x7e]{1,255}$/;

export interface SeenProbe {
  readonly id: string;
  /** RFC 3339: when the intake read it. */
  readonly seen_at: string;
}

/** Probes that came through the intake, so that whoever sent one can ask whether it arrived. */
export class Probes {
  constructor(
    private readonly redis: Redis,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /** Remembers for a minute that these have arrived. Ids that nobody could ask for are left out. */
  async add(ids: readonly string[]): Promise<void> {
    const seenAt = this.now().toISOString();
    for (const id of ids.filter((each) => idPattern.test(each))) {
      await this.redis.set(probeKey(id), seenAt, "EX", rememberSeconds);
    }
  }

  /** Resolves to undefined when no such probe arrived in the last minute. */
  async find(id: string): Promise<SeenProbe | undefined> {
    const seenAt = idPattern.test(id) ? await this.redis.get(probeKey(id)) : null;
    return seenAt === null ? undefined : { id, seen_at: seenAt };
  }
}
