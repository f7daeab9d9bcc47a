// The bus: intake stream, sidecar, gateway, the client of an adapter.
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "@hms-sync/client";
import { startBus } from "../processes.mjs";
import { schemas, topic } from "../schema.mjs";
import { publisher as adding, startIntake } from "./intake.mjs";

export const about = {
  title: "HMS-Sync",
  setup:
    "XADD as the PHP driver does it; the sidecar; each consumer an adapter on the client over HTTP, one ack() an event.",
  lacks: "Nothing of what the others lack; what it promises and where that ends is in guarantees.md.",
};

/** Its sidecar is the bridge, so it is started here with the Redis. `prepare` writes another topics.yaml and schemas. */
export async function start(directory, { fsync, consumers, prepare = writeTopics, nodeArgs }) {
  const { processes, access } = await startIntake(directory, { fsync });
  prepare(directory, consumers);
  const { process: bridge, url, token } = await startBus(directory, { redis: access.redis, nodeArgs });
  return { processes: { ...processes, bridge }, access: { ...access, url, token } };
}

function writeTopics(directory, consumers) {
  cpSync(schemas, join(directory, "schemas"), { recursive: true });
  writeFileSync(
    join(directory, "topics.yaml"),
    `${topic}:\n  qos: exactly_once\n  retention: 1h\n  schema: v1\n  producers: [hms-api]\n` +
      `  consumers: [${consumers.join(", ")}]\n`,
  );
}

export function publisher({ redis }) {
  return adding({ redis, stream: "hms-sync:intake" });
}

export async function consumer({ url, token, name }) {
  const bus = await connect({ url, token, consumer: name });
  let subscription;
  return {
    async take(count, handle, since) {
      subscription ??= bus.subscribe(topic, since === undefined ? {} : { since });
      let acked = 0;
      const all = new Promise((resolve, reject) => {
        const onAck = () => ++acked === count && resolve();
        takeEach(subscription, count, handle, (message) => message.ack().then(onAck, reject)).catch(reject);
      });
      await all;
      return acked;
    },
    async rest() {
      await subscription?.return();
      subscription = undefined;
    },
    close: () => bus.close(),
  };
}

async function takeEach(subscription, count, handle, settle) {
  for (let taken = 0; taken < count; taken++) {
    const { value: message } = await subscription.next();
    handle(message.payload);
    void settle(message);
  }
}

/** Keys of what consumers are owed; the ledger is beside them. */
export const owedKeys = "hms-sync:delivery:*";

/** How many events a consumer is owed. */
export async function backlogOf({ url, token }, consumer) {
  const answer = await fetch(`${url}/v1/status`, { headers: { authorization: `Bearer ${token}` } });
  const { topics } = await answer.json();
  return topics[topic].consumers[consumer].owed;
}
