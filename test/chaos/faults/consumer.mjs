/*
 * A consumer in a process of its own, for as long as it is not killed. Settings come as JSON in CONSUMER: {url, token, topic,
 * consumer, slowMs}. Says the number `n` of each event that it took, one a line. Each takes `slowMs` until SIGUSR2.
 */
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "@hms-sync/client";

const { url, token, topic, consumer, slowMs } = JSON.parse(process.env.CONSUMER);
let pause = slowMs;
process.on("SIGUSR2", () => {
  pause = 0;
});

const bus = await connect({ url, token, consumer });
await bus.handle(topic, async ({ payload }) => {
  if (pause > 0) await delay(pause);
  process.stdout.write(`${payload.n}\n`);
});
