import type { IncomingMessage } from "node:http";
import { HmsSyncError } from "../errors.js";
import type { AccessKeys } from "./access-keys.js";
import { bearerToken } from "./authorize.js";
import type { FailedAttempts } from "./failed-attempts.js";
import type { Identity } from "./types.js";
import type { WebhookKeys } from "./webhook-keys.js";
import { matchingSystem, mismatch, type WebhookSignature } from "./webhook-signature.js";

/** Finds out who a request speaks for. */
export class Authenticator {
  constructor(
    private readonly accessKeys: Pick<AccessKeys, "identify">,
    private readonly webhookKeys: Pick<WebhookKeys, "secretsOf">,
    private readonly attempts: FailedAttempts,
  ) {}

  /** By its bearer token. Rejects with `unauthorized` (401) or `too_many_failures` (429). */
  async byToken(request: IncomingMessage): Promise<Identity> {
    const token = bearerToken(request.headers.authorization);
    if (token === undefined) throw unauthorized("there is no bearer token");
    const address = addressOf(request);
    this.attempts.check(address, token);
    const identity = await this.accessKeys.identify(token);
    if (identity === undefined) {
      this.attempts.failed(address);
      throw unauthorized("the bearer token is not (or no longer) valid");
    }
    this.attempts.succeeded(address, token);
    return identity;
  }

  /** Throws `too_many_failures` (429) before a signed body is read in vain. */
  checkSigned(request: IncomingMessage, topic: string): void {
    this.attempts.check(addressOf(request), signedFor(topic));
  }

  /** By the signature of its body: the one of `producers` whose secret made it. Rejects with `signature_mismatch` (401). */
  async bySignature(
    request: IncomingMessage,
    signature: WebhookSignature,
    body: Buffer,
    topic: string,
    producers: readonly string[],
  ): Promise<Identity> {
    const address = addressOf(request);
    const system = matchingSystem(signature, body, await this.webhookKeys.secretsOf(producers));
    if (system === undefined) {
      this.attempts.failed(address);
      throw mismatch(topic);
    }
    this.attempts.succeeded(address, signedFor(topic));
    return { system, admin: false };
  }
}

function addressOf(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? "an unknown address";
}

/** A signature cannot be guessed and is another each time; what has worked is signing for this topic. */
function signedFor(topic: string): string {
  return `signature for ${topic}`;
}

function unauthorized(problem: string): HmsSyncError {
  return new HmsSyncError(
    "unauthorized",
    `${problem}; send Authorization: Bearer <token>, made with: hms-sync keys create NAME`,
    { status: 401 },
  );
}
