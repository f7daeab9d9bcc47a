import { type Bus, consumerOf, HttpBus, whoami } from "./bus.js";
import { findContext } from "./context.js";
import { invalidOption } from "./errors.js";
import { defaultLogger, type Logger } from "./log.js";
import { Outage, persist } from "./retry.js";
import { Transport } from "./transport.js";

export interface ConnectOptions {
  /** Address of the bus; HMS_SYNC_URL or the context file of a bus started here unless given. */
  readonly url?: string;
  /** Bearer token; HMS_SYNC_TOKEN or the development token of a bus started here unless given. */
  readonly token?: string;
  /** With an admin token: receive as this consumer. Without it such a token is a passing reader. */
  readonly consumer?: string;
  /** Gives up waiting for the bus when aborted; later it closes the bus. */
  readonly signal?: AbortSignal;
  /** Whether SIGTERM and SIGINT drain the running subscriptions before the process ends; true unless given. */
  readonly drain?: boolean;
  /** Largest answer taken, in bytes; 64 MiB unless given. */
  readonly maxResponseBytes?: number;
  /** Plain lines on standard error unless given. */
  readonly logger?: Logger;
}

const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;

/**
 * Connects to the bus. While it cannot be reached this waits and tries again for ever (bound it with `signal`); a token
 * that the bus refuses fails at once.
 * @throws HmsSyncClientError `no_context`, `invalid_option`, `unauthorized`, `not_a_consumer`.
 */
export async function connect(options: ConnectOptions = {}): Promise<Bus> {
  const { consumer, signal, drain = true, maxResponseBytes = MAX_RESPONSE_BYTES } = options;
  const log = options.logger ?? defaultLogger();
  if (!(maxResponseBytes > 0))
    throw invalidOption("maxResponseBytes", maxResponseBytes, "give a number of bytes");
  const context = findContext(options);
  const transport = new Transport({ ...context, maxResponseBytes });
  const outage = new Outage(`connecting to ${context.url}`, log);
  const identity = await persist(() => whoami(transport, context.url, signal), outage, { signal });
  const asked = consumerOf(identity, consumer);
  const bus = new HttpBus({ ...context, transport, identity, consumer: asked, maxResponseBytes, drain, log });
  signal?.addEventListener("abort", () => void bus.close(), { once: true });
  return bus;
}
