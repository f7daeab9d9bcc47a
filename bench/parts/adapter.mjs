// h) What the client costs an adapter: CPU beside bare fetch, memory over many events.
import { openLab } from "../lab.mjs";
import { processMemory, startRole } from "../processes.mjs";
import { subject } from "../tables.mjs";
import { fill } from "./backlog.mjs";
import { growth } from "./soak.mjs";

const readers = [
  { rival: "hms-sync", name: "c1", role: "hms-sync" },
  { rival: "fetch, framed", name: "c2", role: "bare-fetch", framed: true },
  { rival: "fetch, JSON", name: "c3", role: "bare-fetch", framed: false },
];

export const adapter = {
  title: "What the client costs an adapter",
  how: "The same backlog read and acked by an adapter on the client, one ack() an event, and by programs that fetch runs of up to 500 with bare fetch and ack them with the next pull, in the client's own framed format and in JSON, without all that the client does beside it: CPU of the process per event, warm. Memory: the resident memory of the client while it reads events at full load, the most and the last quarter to the second.",
  rivals: ["hms-sync"],
  jobs: ({ cost, memory, others = ["fetch, framed", "fetch, JSON"] }) => [
    ...readers
      .filter(({ rival }) => rival === subject || others.includes(rival))
      .map((reader) => ({ ...reader, count: cost })),
    { memory, rounds: 1 },
  ],

  async measure(_rival, job, options) {
    return job.memory === undefined ? await cost(job, options) : await memory(job.memory, options);
  },
};

async function cost({ rival, role, name, framed, count }, options) {
  const lab = await openLab("hms-sync", { ...options, consumers: 0, readBy: ["c1", "c2", "c3"] });
  try {
    lab.consumers = [await startRole(role, "consumer", { ...lab.access, name, framed })];
    await fill(lab, count * 2);
    await lab.take(count, { latencies: false });
    const [{ cpuMicroseconds }] = await lab.take(count, { latencies: false });
    return [{ ...lab.result("an event read and acked"), rival, figures: { cpuMicroseconds } }];
  } finally {
    await lab.close();
  }
}

async function memory(count, options) {
  const lab = await openLab("hms-sync", { ...options, consumers: 1 });
  try {
    const samples = [];
    const sample = () => samples.push(processMemory(lab.consumers[0].child.pid) / 1e6);
    const timer = setInterval(sample, 1_000);
    await lab.run(count, 0, { latencies: false }).finally(() => clearInterval(timer));
    sample();
    return [
      {
        ...lab.result(`${count.toLocaleString("en")} events`),
        figures: { clientMegabytes: Math.max(...samples), clientGrowth: growth(samples) },
      },
    ];
  } finally {
    await lab.close();
  }
}
