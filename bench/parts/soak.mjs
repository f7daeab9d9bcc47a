// g) Memory over time at a steady load.
import { median } from "../figures.mjs";
import { openLab } from "../lab.mjs";
import { processMemory } from "../processes.mjs";

export const soak = {
  title: "Memory at a steady load",
  how: "Three consumers, a steady rate; resident memory of each process, read every second: the most, and how the median of the last quarter stands to that of the second (1 is flat). Redis keeps the window, so it grows.",
  rivals: ["hms-sync"],
  rounds: 1,
  jobs: ({ rate, seconds }) => [{ rate, seconds }],

  async measure(rival, { rate, seconds }, options) {
    const lab = await openLab(rival, { ...options, consumers: 3 });
    try {
      const samples = { bus: [], client: [], redis: [] };
      const timer = setInterval(() => sample(lab, samples), 1_000);
      await lab.run(rate * seconds, rate, { latencies: false }).finally(() => clearInterval(timer));
      sample(lab, samples);
      const most = (name) => Math.max(...samples[name]);
      const name = `${rate.toLocaleString("en")} events/s for ${seconds} s`;
      return [
        {
          ...lab.result(name),
          figures: {
            ...{ busMegabytes: most("bus"), clientMegabytes: most("client"), redisMegabytes: most("redis") },
            ...{ busGrowth: growth(samples.bus), clientGrowth: growth(samples.client) },
          },
        },
      ];
    } finally {
      await lab.close();
    }
  },
};

function sample({ processes: { bridge, redis }, consumers: [client] }, samples) {
  for (const [name, { child }] of Object.entries({ bus: bridge, client, redis }))
    samples[name].push(processMemory(child.pid) / 1e6);
}

/** The median of the last quarter to that of the second. */
export function growth(samples) {
  const quarter = (n) =>
    samples.slice(Math.floor((samples.length * n) / 4), Math.ceil((samples.length * (n + 1)) / 4));
  return median(quarter(3)) / median(quarter(1));
}
