// NATS JetStream behind a validating bridge: intake stream of Redis, bridge, a stream in a file, a durable consumer each.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { AckPolicy, jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { freePort, start as startProcess } from "../processes.mjs";
import { topic } from "../schema.mjs";
import { envelopeText, publisher as intake, runBridge, startIntake } from "./intake.mjs";

const stream = "EVENTS";

export const about = {
  title: "NATS JetStream behind a bridge",
  setup:
    "XADD to the same intake in Redis; a bridge reads 500 at a time, validates and publishes all of a batch at once, waiting for each PubAck; file storage, durable pull consumers with explicit acks (consume, 1,000 ahead).",
  lacks:
    "The server's own sync_interval (2 minutes): what it acknowledged in that time is not yet on the disk when the power fails, and Debian's version has no other setting. No deduplication here (msgID would cost more). Agencies need a NATS client and an open connection; no dead letters with a reason.",
};

/** Why it cannot run here; undefined when it can. */
export function missing() {
  const { error, status } = spawnSync("nats-server", ["--version"]);
  return error === undefined && status === 0
    ? undefined
    : "nats-server is not installed (apt-get install nats-server)";
}

export async function start(directory, options) {
  const { processes, access } = await startIntake(directory, options);
  const port = await freePort();
  const config = join(directory, "nats.conf");
  writeFileSync(
    config,
    `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${join(directory, "nats")}" }\n`,
  );
  const nats = startProcess("sh", ["-c", 'exec nats-server -c "$0" 2>&1', config]);
  await nats.line(/Server is ready/);
  const url = `127.0.0.1:${port}`;
  await makeStream(url, options.consumers);
  return { processes: { ...processes, nats }, access: { ...access, nats: url } };
}

async function makeStream(url, consumers) {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: stream, subjects: [topic], storage: StorageType.File });
  for (const name of consumers)
    await manager.consumers.add(stream, {
      durable_name: name,
      ack_policy: AckPolicy.Explicit,
      max_ack_pending: 10_000,
    });
  await connection.close();
}

export const publisher = intake;

export async function bridge({ redis, nats }) {
  const client = jetstream(await connect({ servers: nats }));
  return runBridge(redis, async (envelopes) => {
    await Promise.all(envelopes.map((envelope) => client.publish(topic, envelopeText(envelope))));
  });
}

export async function consumer({ nats, name }) {
  const connection = await connect({ servers: nats });
  const consumer = await jetstream(connection).consumers.get(stream, name);
  const ackedSoFar = async () => (await consumer.info()).ack_floor.consumer_seq;
  let messages;
  let iterator;
  return {
    async take(count, handle) {
      const before = await ackedSoFar();
      messages ??= await consumer.consume({ max_messages: 1_000 });
      iterator ??= messages[Symbol.asyncIterator]();
      for (let taken = 0; taken < count; taken++) {
        const { value: message } = await iterator.next();
        handle(JSON.parse(message.string()).payload);
        message.ack();
      }
      await connection.flush();
      let acked = (await ackedSoFar()) - before;
      while (acked < count) acked = (await ackedSoFar()) - before;
      return acked;
    },
    async rest() {
      messages?.stop(); // close() would wait for a loop that is not asking
      await connection.flush();
      messages = iterator = undefined;
    },
    close: () => connection.close(),
  };
}

export async function backlogOf({ nats }, name) {
  const connection = await connect({ servers: nats });
  const manager = await jetstreamManager(connection);
  const { num_pending: pending } = await manager.consumers.info(stream, name);
  await connection.close();
  return pending;
}
