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
  ) {}

  /**
   * Claims or renews; resolves to the epoch, or to who leads. `mayReplace`: a free lead may be taken although another
   * registry is in force. `least`: an older epoch than this one would be fenced.
   */
  async claim(digest: string, mayReplace: boolean, least = 0): Promise<Claim> {
    return await this.ask("claim", digest, mayReplace, least);
  }

  /** What a claim would get right now; claims nothing. */
  async look(digest: string, mayReplace: boolean): Promise<Claim> {
    return await this.ask("look", digest, mayReplace);
  }

  /** Lets another sidecar lead at once. */
  async release(): Promise<void> {
    await leaderScript.run(this.redis, [intakeLeaderKey], ["release", this.holder, "", termMs, "0", 0]);
  }

  private async ask(what: "claim" | "look", digest: string, mayReplace: boolean, least = 0): Promise<Claim> {
    const args = [what, this.holder, digest, termMs, mayReplace ? "1" : "0", least];
    const reply = list(await leaderScript.run(this.redis, [intakeLeaderKey], args));
    if (text(reply[0]) === "leader") return { leader: true, epoch: Number(reply[1]) };
    return { leader: false, holder: text(reply[1]), digest: text(reply[2]) };
  }
}
