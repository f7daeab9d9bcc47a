import type { Redis } from "ioredis";
import { intakeLeaderKey } from "../redis/keys.js";
import { list, Script, text } from "../redis/scripts.js";

const leaderScript = Script.load(import.meta.url, "leader");

/** How long a silent leader is believed in (ms), and how often it says it is there. */
export const termMs = 5_000;
export const renewMs = 1_500;

export type Claim =
  | { readonly leader: true; readonly epoch: number }
  | { readonly leader: false; readonly holder: string; readonly digest: string };

/** The claim to be the one reader of the intake. Being outdated is harmless: the epoch fences every write. */
export class Leadership {
  constructor(
    private readonly redis: Redis,
    private readonly holder: string,
    private readonly digest: string,
  ) {}

  /** Claims or renews; resolves to the epoch, or to who leads. */
  async claim(): Promise<Claim> {
    const reply = list(
      await leaderScript.run(this.redis, [intakeLeaderKey], ["claim", this.holder, this.digest, termMs]),
    );
    if (text(reply[0]) === "leader") return { leader: true, epoch: Number(reply[1]) };
    return { leader: false, holder: text(reply[1]), digest: text(reply[2]) };
  }

  /** Lets another sidecar lead at once. */
  async release(): Promise<void> {
    await leaderScript.run(this.redis, [intakeLeaderKey], ["release", this.holder, this.digest, termMs]);
  }
}
