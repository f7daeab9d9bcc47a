/**
 * Every Redis key of the bus is built here and nowhere else. Keys of one topic share the hash tag `{topic}`, keys of
 * one (consumer, topic) share `{consumer/topic}` with their BullMQ queue, so no script ever touches two Redis Cluster
 * slots. Names hold no '/', ':' or braces (the registry refuses them), so no two names can build the same key.
 */
const root = "hms-sync";

/** The stream that the PHP driver writes; a literal, because no Redis client option may change it. */
export const intakeKey = `${root}:intake`;
/** Who reads the intake: holder, epoch, expiry and registry digest, in one hash. */
export const intakeLeaderKey = `${root}:intake:leader`;
/** Events that could not become envelopes, with reason and original bytes. */
export const rejectsKey = `${root}:rejects`;
/** Counters of what the intake saw, by door and outcome. */
export const countersKey = `${root}:counters`;
/** SHA-256 of a bearer token -> the system it names. */
export const accessKeysKey = `${root}:access-keys`;
/** Id of a webhook key -> the system it names and its secret, readable. */
export const webhookKeysKey = `${root}:webhook-keys`;
/** Capped stream through which sidecars wake each other's waiting pulls. */
export const wakeKey = `${root}:wake`;
/** Live sidecars as `<id> <digest of the registry>`, scored by their last sign of life (ms). */
export const sidecarsKey = `${root}:sidecars`;
/** Topics that were ever in a registry, so that what is left of those taken out is not overlooked. */
export const knownTopicsKey = `${root}:topics`;
/** Ledgers that lost confirmed entries, as `<topic> <sidecar>` -> JSON, until an operator has seen to it. */
export const ledgerLossesKey = `${root}:ledger-losses`;
/** When the intake read the probe of this id. */
export function probeKey(id: string): string {
  return `${root}:probe:${id}`;
}
/** Prefix of BullMQ's own keys; they are neither read nor written by us. */
export const queuePrefix = `${root}:queue`;

export interface LedgerKeys {
  readonly stream: string;
  readonly meta: string;
  readonly floors: string;
  /** Prefix of the keys that remember an id: `<prefix><source>/<id>`. */
  readonly seen: string;
}

export function ledgerKeys(topic: string): LedgerKeys {
  const tag = `${root}:ledger:{${topic}}`;
  return { stream: `${tag}:events`, meta: `${tag}:meta`, floors: `${tag}:floors`, seen: `${tag}:seen:` };
}

export interface DeliveryKeys {
  /** Common prefix; the records of single runs are `<prefix>run:<id>` and `<prefix>finished:<id>`. */
  readonly prefix: string;
  readonly state: string;
  readonly ready: string;
  readonly open: string;
  readonly schedule: string;
  readonly delayed: string;
  readonly parked: string;
  readonly freed: string;
  readonly blocks: string;
  readonly pending: string;
  readonly lane: string;
  readonly dying: string;
  readonly dead: string;
  readonly replayReady: string;
  readonly spared: string;
}

export function deliveryKeys(consumer: string, topic: string): DeliveryKeys {
  const prefix = `${root}:delivery:{${consumer}/${topic}}:`;
  return {
    prefix,
    state: `${prefix}state`,
    ready: `${prefix}ready`,
    open: `${prefix}open`,
    schedule: `${prefix}schedule`,
    delayed: `${prefix}delayed`,
    parked: `${prefix}parked`,
    freed: `${prefix}freed`,
    blocks: `${prefix}blocks`,
    pending: `${prefix}pending`,
    lane: `${prefix}lane`,
    dying: `${prefix}dying`,
    dead: `${prefix}dead`,
    replayReady: `${prefix}replay_ready`,
    spared: `${prefix}spared`,
  };
}

/** Who holds the ledger for a replay of a consumer: names have no '#'. */
export function replayHolder(consumer: string, replay: string): string {
  return `${consumer}#${replay}`;
}

/** Whether a holder is a replay's, not a consumer's own. */
export function isReplay(holder: string): boolean {
  return holder.includes("#");
}

/** The replay that such a holder is, undefined for another consumer's and for a consumer itself. */
export function replayOf(consumer: string, holder: string): string | undefined {
  return holder.startsWith(`${consumer}#`) ? holder.slice(consumer.length + 1) : undefined;
}

/** Name of the BullMQ queue of one (consumer, topic); the braces put it into the slot of its delivery keys. */
export function queueName(consumer: string, topic: string): string {
  return `{${consumer}/${topic}}`;
}
