import { EventMessage, type SettleHandle } from "../../src/message.js";

export interface EventOptions {
  readonly id?: string;
  readonly topic?: string;
  readonly source?: string;
  readonly consumer?: string;
  readonly redo?: string;
  readonly replayed?: boolean;
  readonly leaseEndsAt?: number;
  /** RFC 3339; an hour from now unless given. */
  readonly replayableUntil?: string;
  readonly payload?: string;
}

/** A message as a consumer gets it, without a bus. */
export function eventMessage(options: EventOptions = {}): EventMessage<unknown> {
  const {
    id = "e1",
    topic = "payments.issued",
    source = "hms-api",
    consumer = "treasury",
    payload = "{}",
  } = options;
  const until = options.replayableUntil ?? new Date(Date.now() + 3_600_000).toISOString();
  const text =
    `{"topic":${JSON.stringify(topic)},"version":1,"payload":${payload},"qos":"exactly_once","replayable_until":"${until}",` +
    `"id":${JSON.stringify(id)},"source":${JSON.stringify(source)},"type":"T","time":"2024-04-23T15:02:11Z","subject":"s"}`;
  const handle: SettleHandle = {
    consumer,
    redo: options.redo,
    leaseEndsAt: options.leaseEndsAt ?? performance.now() + 30_000,
    settle: async () => undefined,
    working: async () => undefined,
  };
  return new EventMessage(topic, text, 0, text.length, 1, options.replayed ?? false, handle);
}
