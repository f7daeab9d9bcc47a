import { HmsSyncError } from "../errors.js";
import type { Directory, GatewayTopic, Identity } from "./types.js";

/** The bearer token of an Authorization header (RFC 6750), or undefined. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/-]{1,512}=*) *$/i.exec(header ?? "")?.[1];
}

/** The topic of that name, else `unknown_topic` (404). */
export function topicNamed(directory: Directory, name: string): GatewayTopic {
  const topic = directory.topics.get(name);
  if (topic === undefined) {
    throw new HmsSyncError(
      "unknown_topic",
      `topic "${name.slice(0, 100)}" is not in topics.yaml; add it there`,
      { status: 404 },
    );
  }
  return topic;
}

/**
 * The consumer a request speaks for: the token's own system, or the one an admin token names in HMS-Sync-Consumer.
 * Else `not_a_consumer` (403), saying what topics.yaml would need.
 */
export function consumerFor(identity: Identity, asked: string | undefined, topic: GatewayTopic): string {
  if (asked !== undefined && asked !== identity.system && !identity.admin) {
    throw new HmsSyncError(
      "not_a_consumer",
      `this token is ${identity.system}'s and cannot act as "${asked.slice(0, 100)}"; leave out HMS-Sync-Consumer or use that system's own token`,
      { status: 403 },
    );
  }
  const consumer = asked ?? identity.system;
  if (!topic.consumers.some(({ name }) => name === consumer)) {
    const remedy =
      identity.admin && asked === undefined
        ? "name the consumer in HMS-Sync-Consumer"
        : `topics.yaml would need ${consumer.slice(0, 100)} under ${topic.name}: consumers`;
    throw new HmsSyncError(
      "not_a_consumer",
      `${consumer.slice(0, 100)} is not a consumer of ${topic.name}; ${remedy}`,
      { status: 403 },
    );
  }
  return consumer;
}

/** Names of the topics that list the system among their consumers. */
export function topicsConsumedBy(system: string, directory: Directory): string[] {
  const topics = [...directory.topics.values()];
  return topics
    .filter(({ consumers }) => consumers.some(({ name }) => name === system))
    .map(({ name }) => name);
}

/** Lets admin pass, and every system that produces or consumes the topic; else `not_a_reader` (403). */
export function mayRead(identity: Identity, topic: GatewayTopic): void {
  const { system, admin } = identity;
  if (admin || topic.producers.includes(system) || topic.consumers.some(({ name }) => name === system))
    return;
  throw new HmsSyncError(
    "not_a_reader",
    `${system} neither produces nor consumes ${topic.name}; topics.yaml would need it under producers or consumers`,
    { status: 403 },
  );
}

/** Lets only admin pass; else `not_admin` (403). */
export function mustBeAdmin(identity: Identity): void {
  if (identity.admin) return;
  throw new HmsSyncError("not_admin", `this needs an admin token, and the token is ${identity.system}'s`, {
    status: 403,
  });
}
