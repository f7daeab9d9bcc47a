// a) Events/s from publishing to the last ack stored.
import { openLab } from "../lab.mjs";

/** Slower rivals get fewer events, so that each run lasts about as long. */
const share = { "hms-sync": 1, streams: 1, "streams-bridge": 1, nats: 0.4, bullmq: 0.1 };

export const throughput = {
  title: "Throughput: published, validated, kept, acked by each consumer",
  how: "A warm-up, then all events at once: from the first publish to the last ack that is stored. Events/s of the stream; each consumer handles that many.",
  rivals: "all",
  jobs: ({ events }) => Object.entries(events).map(([consumers, count]) => ({ consumers, count })),

  async measure(rival, { consumers, count }, options) {
    const lab = await openLab(rival, { ...options, consumers: Number(consumers) });
    try {
      const events = Math.max(10, Math.round(count * share[rival]));
      await lab.run(Math.ceil(events / 4));
      const { perSecond, cpuMicroseconds } = await lab.run(events);
      return [
        {
          ...lab.result(`${consumers} ${consumers === "1" ? "consumer" : "consumers"}`),
          figures: { perSecond, cpuMicroseconds },
        },
      ];
    } finally {
      await lab.close();
    }
  },
};
