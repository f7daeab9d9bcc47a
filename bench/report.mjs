import { quantile } from "./figures.mjs";

/** What a consumer saw of the events of one run, from when it began to ask for them. */
export class Report {
  /** Milliseconds from publishing to the handler. */
  latencies = [];
  handledCount = 0;
  /** Latencies by the second in which the event was sent (of the monotonic clock). */
  seconds = new Map();

  cpuBefore = process.cpuUsage();
  startedAt = process.hrtime.bigint();

  /** `keep`: whether latencies are wanted; a million of them are not. */
  constructor(keep = true) {
    this.keep = keep;
  }

  handled(sentAt) {
    this.handledCount++;
    if (!this.keep) return;
    const sent = BigInt(sentAt);
    const latency = Number(process.hrtime.bigint() - sent) / 1e6;
    this.latencies.push(latency);
    const second = Number(sent / 1_000_000_000n);
    const others = this.seconds.get(second);
    if (others === undefined) this.seconds.set(second, [latency]);
    else others.push(latency);
  }

  /** To be sent to the bench when `acked` events are acked; times in ns of the monotonic clock, as text. */
  figures(acked) {
    const { user, system } = process.cpuUsage(this.cpuBefore);
    return {
      cpuMicroseconds: (user + system) / this.handledCount,
      ...{ handled: this.handledCount, acked, latencies: this.latencies },
      p99BySecond: [...this.seconds].map(([second, all]) => [second, quantile(all, 0.99)]),
      ...{ startedAt: String(this.startedAt), finishedAt: String(process.hrtime.bigint()) },
    };
  }
}
