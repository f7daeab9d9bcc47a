import { setTimeout as delay } from "node:timers/promises";
import { HmsSyncError } from "../errors.js";
import { type Leadership, renewMs } from "./leadership.js";
import type { IntakeLog } from "./types.js";

/** A way in that the leader keeps open. */
export interface Door {
  run(epoch: number, signal: AbortSignal): Promise<void>;
}

export interface IntakeState {
  readonly leader: boolean;
  readonly epoch: number;
  /** Set while another registry than this sidecar's is in force: it must not read, cut or hand out by its own. */
  readonly otherRegistry: boolean;
}

/** Keeps the doors open while this sidecar leads; claims the lead whenever nobody has it. */
export class Intake {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private current: IntakeState = { leader: false, epoch: 0, otherRegistry: false };
  /** Whether this registry has been in force: when another one is now, that one is the newer. */
  private agreed = false;
  /** The other registry that the log has told of. */
  private told: string | undefined;
  private renewing: Promise<void> = Promise.resolve();
  private led: { epoch: number; abort: AbortController; doors: Promise<void> } | undefined;
  /** Older epochs than this one are fenced: also when nobody else leads, since Redis may have lost who led. */
  private leastEpoch = 0;

  constructor(
    private readonly leadership: Leadership,
    private readonly doors: readonly Door[],
    private digest: string,
    private readonly log: IntakeLog,
  ) {}

  get state(): IntakeState {
    return this.current;
  }

  /** Claims at once, then keeps claiming until `close`. */
  async start(): Promise<void> {
    await this.renew();
    this.running = this.keepClaiming();
  }

  /** Claims with the digest of the registry that this sidecar goes by from now on. */
  async adopt(digest: string): Promise<void> {
    this.digest = digest;
    this.agreed = false;
    await this.renew();
  }

  /** Looks at once whether another registry is in force. */
  check(): Promise<void> {
    return this.renew();
  }

  /** Asks Redis whether this sidecar's registry is the one in force, or would be as soon as it leads. */
  async goesByTheOneInForce(): Promise<boolean> {
    const { digest } = this;
    const claim = await this.leadership.look(digest, !this.agreed);
    const own = claim.leader || claim.digest === digest;
    if (!this.current.leader && digest === this.digest)
      this.current = { ...this.current, otherRegistry: !own };
    return own;
  }

  /** Finishes what was read, then lets another sidecar lead. */
  async close(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.stepDown();
    await this.leadership.release();
  }

  private async keepClaiming(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await delay(renewMs, undefined, { signal: this.stopping.signal }).catch(() => {});
      if (this.stopping.signal.aborted) return;
      try {
        await this.renew();
      } catch (error) {
        this.log.error("claiming the intake failed", { error: String(error) });
      }
    }
  }

  // One claim after another: the answer to an older one must not be taken for the newest.
  private renew(): Promise<void> {
    const renewed = this.renewing.then(() => this.claim());
    this.renewing = renewed.catch(() => {});
    return renewed;
  }

  private async claim(): Promise<void> {
    const { digest } = this;
    const claim = await this.leadership.claim(digest, !this.agreed, this.leastEpoch);
    if (digest !== this.digest) return; // another claim with the newer registry is under way
    const otherRegistry = !claim.leader && claim.digest !== digest;
    if (otherRegistry && this.told !== claim.digest) {
      this.told = claim.digest;
      this.log.error(
        "another topics.yaml is in force; this sidecar neither reads, cuts nor hands out until its own is the same",
        { holder: claim.holder, inForce: claim.digest, own: digest },
      );
    }
    if (!otherRegistry) this.told = undefined;
    this.agreed ||= !otherRegistry;
    if (!claim.leader) {
      this.current = { leader: false, epoch: 0, otherRegistry };
      return await this.stepDown();
    }
    if (this.led?.epoch === claim.epoch) return;
    await this.stepDown();
    this.lead(claim.epoch);
  }

  private lead(epoch: number): void {
    const abort = new AbortController();
    this.current = { leader: true, epoch, otherRegistry: false };
    this.log.info("reading the intake", { epoch });
    const doors = Promise.all(this.doors.map((door) => this.keepOpen(door, epoch, abort.signal)));
    this.led = { epoch, abort, doors: doors.then(() => {}) };
  }

  // A door that fails opens again, from what was left pending; a fenced one stays shut.
  private async keepOpen(door: Door, epoch: number, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      const opened = Date.now();
      try {
        await door.run(epoch, signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof HmsSyncError && error.code === "fenced") {
          this.log.warn("a newer reader took over; stopping without acknowledging", { epoch });
          this.leastEpoch = Math.max(this.leastEpoch, Number(error.details.current) + 1);
          return;
        }
        failures = Date.now() - opened > 10_000 ? 1 : failures + 1;
        this.log.error("intake failed; what was not stored stays unacknowledged and is read again", {
          error: String(error),
        });
        await delay(Math.min(50 * 2 ** failures, 5_000), undefined, { signal }).catch(() => {});
      }
    }
  }

  private async stepDown(): Promise<void> {
    this.led?.abort.abort();
    await this.led?.doors;
    this.led = undefined;
  }
}
