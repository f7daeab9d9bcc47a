// d) A window of the ledger once more.
import { openLab } from "../lab.mjs";
import { fill } from "./backlog.mjs";

export const replay = {
  title: "Replay of a window",
  how: "A consumer that has acked a window asks for all of it again (subscribe with since): from asking to the last ack that is stored.",
  rivals: ["hms-sync"],
  jobs: ({ counts }) => counts.map((count) => ({ count })),

  async measure(rival, { count }, options) {
    const lab = await openLab(rival, { ...options, consumers: 1 });
    try {
      await fill(lab, count);
      await lab.take(count, { latencies: false });
      const [consumer] = lab.consumers;
      await consumer.call("rest");
      lab.count();
      lab.owed = count;
      const [{ startedAt, finishedAt }] = await lab.take(count, { latencies: false, since: "0" });
      const perSecond = count / (Number(BigInt(finishedAt) - BigInt(startedAt)) / 1e9);
      return [{ ...lab.result(`${count.toLocaleString("en")} events`), figures: { perSecond } }];
    } finally {
      await lab.close();
    }
  },
};
