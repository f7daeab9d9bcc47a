import type { Clock } from "./clock.js";
import type { Liveness } from "./liveness.js";
import type { Logger } from "./log.js";
import type { Endable } from "./subscription.js";
import type { Transport } from "./transport.js";

/** What a consumer's subscription is made of. */
export interface ConsumerParts {
  readonly transport: Transport;
  readonly url: string;
  readonly topic: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Most events of one pull; about twice as many wait here at most. */
  readonly max: number;
  /** Most events handed out and not settled; Infinity for as many as the loop asks for. */
  readonly concurrency: number;
  readonly consumer: string;
  /** What the bus is asked to send once more, before anything is fetched. */
  readonly since: string | undefined;
  readonly clock: Clock;
  readonly liveness: Liveness;
  readonly signal: AbortSignal | undefined;
  /** Called when the loop begins; false ends it at once. */
  readonly onStart: (subscription: Endable) => boolean;
  /** Called when the subscription has ended. */
  readonly onEnd: (subscription: Endable) => void;
  readonly log: Logger;
}
