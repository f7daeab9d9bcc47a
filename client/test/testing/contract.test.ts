import { createTestBus } from "../../src/testing/index.js";
import { consumerContract } from "../contract.js";

const topic = "contract.topic";

// What the gateway promises, by the bus of the test kit.
consumerContract(async () => {
  const bus = createTestBus({ consumer: "city-health", topics: { [topic]: { ackWait: "1s" } } });
  return {
    connect: (options) => bus.connect({ ...options, admin: true }),
    publish: (to, payload) => bus.publish(to, payload),
    topic,
    consumer: "city-health",
    ackWaitMs: 1_000,
    replays: true,
    deadLetters: async () => bus.deadLetters(topic),
    async restart() {
      bus.down();
      await bus.passTime("100ms");
      bus.up();
    },
    passTime: (ms) => bus.passTime(ms),
    now: () => bus.now().getTime(),
    stop: () => bus.close(),
  };
});
