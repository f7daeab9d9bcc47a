import type { IncomingMessage } from "node:http";
import { producerNotListed } from "../../envelope/refusals.js";
import type { Authenticator } from "../authenticator.js";
import { topicNamed } from "../authorize.js";
import { checkEncoding, readBody, tooLarge } from "../body.js";
import type { RateLimit } from "../rate-limit.js";
import type { Directory, GatewayTopic, Identity } from "../types.js";
import { isSigned, mismatch, readSignature } from "../webhook-signature.js";

export interface SenderParts {
  readonly directory: Directory;
  readonly authenticator: Authenticator;
  readonly rateLimit: RateLimit;
  /** Largest body in bytes of a system for which topics.yaml does not say otherwise. */
  readonly bodyLimit: number;
}

/** A producer that may publish to the topic, and what it sent. */
export interface Sender<Headline = unknown> {
  readonly identity: Identity;
  readonly topic: GatewayTopic;
  readonly headline: Headline;
  readonly body: Buffer;
}

/** Reads what else the headers say; `topic` is undefined while it is not known who asks. Throws to refuse. */
export type ReadHeaders<Headline> = (topic: GatewayTopic | undefined) => Headline;

/** Authenticates requests that publish: by bearer token, or by a signature over the body (Standard Webhooks). */
export class Senders {
  constructor(private readonly parts: SenderParts) {}

  /**
   * The sender of a request with its body, its rate counted for one event. Rejects with 401, 429, `unknown_topic`
   * (404), `producer_not_listed` (403), what `read` throws, and 413; with a token all but the last before the
   * body is read.
   */
  senderOf<T>(request: IncomingMessage, topic: string, read: ReadHeaders<T>): Promise<Sender<T>> {
    return isSigned(request.headers)
      ? this.bySignature(request, topic, read)
      : this.byToken(request, topic, read);
  }

  /** Counts further events of the sender's request; throws `rate_limited` (429). */
  countMore({ identity }: Sender, events: number): void {
    if (events > 0) this.parts.rateLimit.take(identity, events);
  }

  private async byToken<T>(request: IncomingMessage, name: string, read: ReadHeaders<T>): Promise<Sender<T>> {
    const identity = await this.parts.authenticator.byToken(request);
    const topic = topicNamed(this.parts.directory, name);
    if (!identity.admin && !topic.producers.includes(identity.system)) {
      throw producerNotListed(identity.system, name);
    }
    checkEncoding(request);
    const headline = read(topic);
    this.parts.rateLimit.take(identity, 1);
    const { system } = identity;
    const body = await readBody(request, this.limitOf(system), raising(system));
    return { identity, topic, headline, body };
  }

  // The body comes before the sender: who it is, the signature over the body says. The answers tell nobody whether
  // there is such a topic who has not signed for it.
  private async bySignature<T>(
    request: IncomingMessage,
    name: string,
    read: ReadHeaders<T>,
  ): Promise<Sender<T>> {
    const signature = readSignature(request.headers, Date.now());
    this.parts.authenticator.checkSigned(request, name);
    checkEncoding(request);
    const headline = read(undefined);
    const topic = this.parts.directory.topics.get(name);
    const producers = topic?.producers ?? [];
    const largest = Math.max(this.parts.bodyLimit, ...producers.map((system) => this.limitOf(system)));
    const body = await readBody(request, largest);
    const identity = await this.parts.authenticator.bySignature(request, signature, body, name, producers);
    if (topic === undefined) throw mismatch(name);
    const limit = this.limitOf(identity.system);
    if (body.length > limit) throw tooLarge(limit, raising(identity.system));
    this.parts.rateLimit.take(identity, 1);
    return { identity, topic, headline, body };
  }

  private limitOf(system: string): number {
    return this.parts.directory.limitsOf(system).bodyLimit ?? this.parts.bodyLimit;
  }
}

function raising(system: string): string {
  return `raise body_limit of ${system} under $systems in topics.yaml, else HMS_SYNC_BODY_LIMIT`;
}
