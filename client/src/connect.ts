import { type Bus, ConnectedBus, consumerOf, whoami } from "./bus.js";
import { systemClock } from "./clock.js";
import { findContext } from "./context.js";
import { type HmsSyncClientError, invalidOption } from "./errors.js";
import { HttpTransport } from "./http-transport.js";
import { Liveness } from "./liveness.js";
import { defaultLogger, type Logger } from "./log.js";
import { proxyFor } from "./proxy.js";
import { Outage, persist } from "./retry.js";
import { findTelemetry } from "./telemetry.js";
import { type CertificateAuthorities, trustOf } from "./trust.js";

export interface ConnectOptions {
  /** Address of the bus; HMS_SYNC_URL or the context file of a bus started here unless given. */
  readonly url?: string;
  /** Bearer token; HMS_SYNC_TOKEN, the file HMS_SYNC_TOKEN_FILE or the development token of a bus started here unless given. */
  readonly token?: string;
  /** With an admin token: receive as this consumer. Without it such a token is a passing reader. */
  readonly consumer?: string;
  /** Gives up waiting for the bus when aborted; later it closes the bus. */
  readonly signal?: AbortSignal;
  /** Whether SIGTERM and SIGINT drain the running subscriptions before the process ends; true unless given. */
  readonly drain?: boolean;
  /** Largest answer taken, in bytes; 64 MiB unless given. */
  readonly maxResponseBytes?: number;
  /** Plain lines on standard error unless given; `jsonLogger()` writes JSON. */
  readonly logger?: Logger;
  /**
   * HTTP proxy to go through, or false for none. Unless given, an https:// bus is reached as HTTPS_PROXY and NO_PROXY
   * say; a bus on this machine or at an http:// address is reached directly.
   */
  readonly proxy?: string | URL | false;
  /** Authorities to trust beside the public ones, in PEM; those in the file HMS_SYNC_CA names unless given. */
  readonly ca?: CertificateAuthorities;
}

const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;

/**
 * Connects to the bus. While it cannot be reached this waits and tries again for ever (bound it with `signal`); a token
 * that the bus refuses fails at once, and so do a proxy that refuses and a certificate that is not trusted.
 * @throws HmsSyncClientError `no_context`, `invalid_option`, `unauthorized`, `not_a_consumer`, `proxy_refused`,
 *   `untrusted_certificate`.
 */
export async function connect(options: ConnectOptions = {}): Promise<Bus> {
  const { consumer, signal, drain = true, maxResponseBytes = MAX_RESPONSE_BYTES } = options;
  const log = options.logger ?? defaultLogger();
  if (!(maxResponseBytes > 0))
    throw invalidOption("maxResponseBytes", maxResponseBytes, "give a number of bytes");
  const context = findContext(options);
  const proxy = proxyFor(new URL(context.url), options.proxy);
  const transport = new HttpTransport({ ...context, maxResponseBytes, proxy, trust: trustOf(options.ca) });
  const liveness = new Liveness();
  try {
    const outage = new Outage(`connecting to ${context.url}`, log, liveness);
    const fatal = ({ code }: HmsSyncClientError) => code === "untrusted_certificate";
    const identity = await persist(() => whoami(transport, context.url, signal), outage, { signal, fatal });
    const asked = consumerOf(identity, consumer);
    const telemetry = await findTelemetry(log);
    const parts = { identity, consumer: asked, maxResponseBytes, drain, log, liveness, telemetry };
    return new ConnectedBus({ ...context, transport, ...parts, clock: systemClock, signal });
  } catch (error) {
    transport.close();
    throw error;
  }
}
