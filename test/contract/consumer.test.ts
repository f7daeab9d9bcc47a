import { connect } from "@hms-sync/client";
import { consumerContract } from "../../client/test/contract.js";
import { busFolder, type RunningBus, startBus } from "../support/bus.js";
import { freePort } from "../support/port.js";

const topic = "contract.topic";
const topics = `
${topic}:
  qos: at_least_once
  retention: 1d
  schema: v1
  producers: [hms-api]
  consumers:
    - { name: city-health, ack_wait: 1s }
`;

// Our client against the real gateway: a process of its own, with the private Redis, killed and started again.
consumerContract(async () => {
  const folder = await busFolder(topics, [topic]);
  const env = { HMS_SYNC_PORT: String(await freePort()) };
  let bus: RunningBus = await startBus(folder, env);
  const { url, token } = bus;
  const publisher = await connect({ url, token, drain: false });
  return {
    connect: (options) => connect({ url, token, ...options }),
    publish: (to, payload) => publisher.publish(to, payload),
    topic,
    consumer: "city-health",
    ackWaitMs: 1_000,
    replays: true,
    deadLetters: async () => (await bus.call("GET", "/v1/dead-letters")).body.dead_letters,
    async restart() {
      await bus.process.kill("SIGKILL");
      bus = await startBus(folder, env);
    },
    async stop() {
      await publisher.close();
      await bus.process.kill("SIGTERM");
      folder.remove();
    },
  };
});
