import type { Drained } from "./healed.js";
import { type Violation, violationsOf } from "./invariants.js";
import type { Account, DeadLetter, LedgerEntry, Observation, Row } from "./observation.js";
import { tellings } from "./redis-losses.js";
import { lanes, type World } from "./world.js";
import { ACK_WAIT_MS, ORDERED, PROBE, STATUS, TOPICS } from "./world-topics.js";

export type { Violation } from "./invariants.js";

/** Reads all there is of a healed world and says what is wrong; `drains` are what `healed()` gave in this run. */
export async function check(world: World, drains: readonly Drained[] = []): Promise<Violation[]> {
  return violationsOf(await observe(world, drains));
}

/** Reads ledger, status, dead letters, rejects, databases, operation logs and the logs of the sidecars. */
export async function observe(world: World, drains: readonly Drained[] = []): Promise<Observation> {
  const { log, adapters, probe, monitor, redis, sidecars, laravel } = world;
  const status = await get(world, "/v1/status");
  const rejects = await get(world, "/v1/rejects?limit=10000");
  return {
    operations: log.operations,
    ledger: new Map(
      await Promise.all(TOPICS.map(async (name) => [name, await ledgerOf(world, name)] as const)),
    ),
    accounts: accountsOf(status.topics),
    deadLetters: await deadLettersOf(world),
    rows: await rowsOf(world),
    lanes,
    ordered: [{ topic: STATUS, consumer: ORDERED }],
    steps: adapters.flatMap(({ steps }) => steps),
    probe: { consumer: PROBE, ackWaitMs: ACK_WAIT_MS, deliveries: probe.deliveries, settles: probe.settles },
    samples: monitor.samples,
    trespasses: monitor.trespasses,
    outages: redis.outages,
    losses: world.losses,
    stillTold: await tellings(world),
    rejects: rejects.rejects.map(({ original }: { original: string }) => original),
    rejectCount: status.rejects,
    ends: [...sidecars.flatMap(({ process }) => process.ends), ...(laravel?.node.ends() ?? [])],
    logs: sidecars.map(({ process }) => process.output()).join("\n"),
    drains,
    redisBytes: status.redis.used_bytes,
    ...(laravel === undefined ? {} : { laravel: await laravel.node.records() }),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the wire is looked at freely in tests
async function get({ sidecars }: World, path: string): Promise<any> {
  const { status, body } = await sidecars[0]!.call("GET", path);
  if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

async function ledgerOf(world: World, topic: string): Promise<LedgerEntry[]> {
  const text: string = await get(world, `/v1/topics/${topic}/events?since=0&follow=false`);
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const { id, source } = JSON.parse(line) as { id: string; source: string };
    return { id, source, payload: payloadText(line) };
  });
}

/** The payload's own bytes: the envelope's members stand in one order, and those behind it hold no text of a client's. */
function payloadText(envelope: string): string {
  const start = envelope.indexOf('"payload":') + '"payload":'.length;
  return envelope.slice(start, envelope.lastIndexOf(',"qos":'));
}

function accountsOf(
  topics: Record<
    string,
    { recorded: number; consumers: Record<string, Omit<Account, "topic" | "consumer">> }
  >,
): Account[] {
  return Object.entries(topics).flatMap(([topic, { recorded, consumers }]) =>
    Object.entries(consumers).map(([consumer, { acked, owed, dead, skipped }]) => ({
      ...{ topic, consumer, recorded, acked, owed, dead, skipped },
    })),
  );
}

async function deadLettersOf(world: World): Promise<DeadLetter[]> {
  const { dead_letters } = await get(world, "/v1/dead-letters?limit=10000");
  type Letter = { topic: string; consumer: string; reason: string; envelope: string | { id: string } };
  return (dead_letters as Letter[]).map(({ topic, consumer, reason, envelope }) => {
    // Redis lost the ledger's copy before the dead letter got its own.
    if (envelope === "") return { topic, consumer, reason, event: "" };
    const { id } = typeof envelope === "string" ? (JSON.parse(envelope) as { id: string }) : envelope;
    return { topic, consumer, reason, event: id };
  });
}

async function rowsOf({ db }: World): Promise<Row[]> {
  const rows = await db("effects").select("seq", "consumer", "topic", "event", "body", "replayed");
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }));
}
