import { quantile } from "./figures.mjs";

// What both kinds of consumer report on stdout: one line "done" with the figures when `count` events are acked.

/** Collects latencies (ms) of `count` events and prints them when all are acked. */
export class Report {
  latencies = [];
  /** Latencies by the second in which the event was sent (of the monotonic clock). */
  seconds = new Map();
  acked = 0;

  /** The first `warmup` events count as acked, but not as latencies: compilers and connections are cold then. */
  constructor(count, warmup) {
    this.count = count;
    this.warmup = warmup;
    this.seen = 0;
  }

  handled(sentAt) {
    if (++this.seen <= this.warmup) return;
    const latency = Number(process.hrtime.bigint() - BigInt(sentAt)) / 1e6;
    this.latencies.push(latency);
    const second = Math.floor(Number(BigInt(sentAt) / 1_000_000n) / 1000);
    const others = this.seconds.get(second) ?? [];
    others.push(latency);
    this.seconds.set(second, others);
  }

  /** True when this was the last one. */
  ackedOne() {
    this.acked++;
    return this.acked === this.count;
  }

  print() {
    const sorted = this.latencies.sort((a, b) => a - b);
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    const cpu = process.cpuUsage();
    const figures = {
      acked: this.acked,
      finishedAt: process.hrtime.bigint().toString(),
      p50: at(0.5),
      p99: at(0.99),
      max: sorted.at(-1),
      p99BySecond: [...this.seconds].map(([second, all]) => [second, quantile(all, 0.99)]),
      cpuMs: (cpu.user + cpu.system) / 1000,
    };
    process.stdout.write(`done ${JSON.stringify(figures)}\n`);
  }
}
