import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import type { ConnectedBus } from "../bus.js";
import { HmsSyncClientError } from "../errors.js";
import type { Waiting } from "./consumer-queue.js";
import type { Gateway } from "./gateway.js";

/** Turns of the event loop without a call or an answer after which the clients have nothing more to say by themselves. */
const QUIET_TURNS = 3;
/** Handlers are looked at in every turn at first, then every ms. */
const BUSY_TURNS = 50;

/** Whether clients and gateway have come to rest, and waiting until they have. */
export class Stillness {
  private traffic = 0;

  constructor(
    private readonly gateway: Gateway,
    private readonly clients: ReadonlySet<ConnectedBus>,
  ) {}

  readonly onTraffic = () => {
    this.traffic++;
  };

  /** Events that handlers are at work on. */
  get atWork(): number {
    return this.activities.reduce((sum, { atWork }) => sum + atWork, 0);
  }

  /** Resolves when all that is asked has been answered, whatever the handlers do. */
  async ofCalls(): Promise<void> {
    await this.until(() => true, Number.POSITIVE_INFINITY);
  }

  /** Resolves, or gives up after `patienceMs`, when no more than so many events are at work. */
  async ofHandlers(most: number, patienceMs: number): Promise<void> {
    await this.until(() => this.atWork <= most, patienceMs);
  }

  /** Resolves when nothing happens any more before a settle, a time to come or `up()`. Rejects with `not_idle`. */
  async ofAll(patienceMs: number): Promise<void> {
    if (await this.until(() => this.isStill(), patienceMs)) return;
    throw new HmsSyncClientError("not_idle", `not idle after ${patienceMs} ms: ${this.reasons().join("; ")}`);
  }

  private get activities() {
    return [...this.clients].flatMap((client) => client.activity());
  }

  private isStill(): boolean {
    if (this.atWork > 0 || this.waiting > 0) return false;
    if (!this.gateway.isUp) return true;
    if (this.activities.some(({ unsent }) => unsent)) return false;
    return ![...this.gateway.topics.values()].some(({ queue }) => queue.hasReady);
  }

  /** Events fetched that no handler has begun. */
  private get waiting(): number {
    const subscriptions = [...this.clients].flatMap((client) => client.health().subscriptions);
    return subscriptions.reduce((sum, { waiting }) => sum + waiting, 0);
  }

  private async until(holds: () => boolean, patienceMs: number): Promise<boolean> {
    const deadline = performance.now() + patienceMs;
    for (let [turns, quiet] = [0, 0]; quiet < QUIET_TURNS; turns++) {
      const before = this.traffic;
      await (turns < BUSY_TURNS ? turn() : sleep(1));
      quiet = this.traffic === before && holds() ? quiet + 1 : 0;
      if (quiet === 0 && performance.now() > deadline) return false;
    }
    return true;
  }

  private reasons(): string[] {
    const reasons = [...this.gateway.topics].flatMap(([name, { queue }]) => {
      const ids = (waiting: Waiting) =>
        queue.owed.filter((each) => each.waiting === waiting).map(({ owed }) => owed.event.id);
      return [
        ...shown(name, ids("leased"), "handed out or fetched and not settled"),
        ...shown(name, ids("ready"), "owed, and nobody asks for them"),
      ];
    });
    if (this.activities.some(({ unsent }) => unsent)) reasons.push("settles that have not got through");
    return reasons;
  }
}

function shown(topic: string, ids: readonly string[], what: string): string[] {
  if (ids.length === 0) return [];
  const some = ids.slice(0, 5).join(", ");
  return [`${topic}: ${ids.length} ${what} (${some}${ids.length > 5 ? ", …" : ""})`];
}
