import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { processCpu, startRole } from "./processes.mjs";
import { rivalNamed } from "./rivals/index.mjs";

const folders = new Set();
process.on("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/**
 * A rival at work, each part a process of its own: servers, bridge, one publisher, `consumers` consumers. Its data is in a
 * new folder below `directory`. `readBy`: names of consumers that are owed the events but not started here;
 * `publishes`: false where the publisher is somebody else.
 */
export async function openLab(name, { consumers, readBy, publishes = true, directory, ...options }) {
  const rival = await rivalNamed(name);
  const folder = mkdtempSync(join(directory, `hms-sync-bench-${name}-`));
  folders.add(folder);
  const consumerNames = readBy ?? Array.from({ length: consumers }, (_, index) => `c${index + 1}`);
  const { processes, access } = await rival.start(folder, { ...options, consumers: consumerNames });
  const lab = new Lab(name, folder, access, processes);
  if (rival.bridge !== undefined)
    processes.bridge = await startRole(name, "bridge", { ...access, consumers: consumerNames });
  lab.consumers = await Promise.all(
    consumerNames
      .slice(0, consumers)
      .map((consumer) => startRole(name, "consumer", { ...access, name: consumer })),
  );
  if (publishes) lab.publisher = await startRole(name, "publisher", access);
  return lab;
}

class Lab {
  /** Events published so far: the number of the next. */
  next = 0;

  constructor(rival, folder, access, processes) {
    Object.assign(this, { rival, folder, access, processes });
    this.count();
  }

  /** Begins to count what is published, delivered and acked. */
  count() {
    Object.assign(this, { owed: 0, delivered: 0, acked: 0 });
  }

  /** How a case ended, since counting began: every consumer is owed every event. */
  result(name) {
    const { rival, owed, delivered, acked } = this;
    this.count();
    return { rival, case: name, owed, delivered, acked };
  }

  /** Publishes `count` events; resolves when Redis has them. */
  async publish(count, rate = 0, more = {}) {
    const first = this.next;
    this.publishedElsewhere(count);
    await this.publisher.call("publish", { first, count, rate, ...more });
  }

  /** Somebody else publishes `count` events. */
  publishedElsewhere(count) {
    this.next += count;
    this.owed += count * this.consumers.length;
  }

  /**
   * Lets every consumer take and ack `count` events; resolves to what each saw. `since` begins with a replay, where a rival has
   * that.
   */
  async take(count, { latencies = true, since } = {}) {
    const seen = await Promise.all(
      this.consumers.map((consumer) => consumer.call("take", { count, latencies, since })),
    );
    for (const { handled, acked } of seen) {
      this.delivered += handled;
      this.acked += acked;
    }
    return seen;
  }

  /** Publishes while the consumers take: events/s until the last ack is stored, latencies of all consumers together, CPU. */
  async run(count, rate = 0, more = {}) {
    const cpuBefore = this.cpu();
    const taking = this.take(count, more);
    const started = process.hrtime.bigint();
    const [seen] = await Promise.all([taking, this.publish(count, rate, more)]);
    const finished = seen.reduce(
      (last, { finishedAt }) => (BigInt(finishedAt) > last ? BigInt(finishedAt) : last),
      started,
    );
    const seconds = Number(finished - started) / 1e9;
    return {
      seen,
      perSecond: count / seconds,
      latencies: seen.flatMap(({ latencies }) => latencies),
      cpuMicroseconds: ((this.cpu() - cpuBefore) * 1e6) / count,
    };
  }

  /** CPU seconds of all its processes but the publisher's so far. */
  cpu() {
    return [...Object.values(this.processes), ...this.consumers].reduce(
      (sum, { child }) => sum + processCpu(child.pid),
      0,
    );
  }

  /** Ends every process and removes the data. */
  async close() {
    const { bridge, ...servers } = this.processes;
    for (const group of [[this.publisher, ...this.consumers], [bridge], Object.values(servers)])
      await Promise.all(group.filter(Boolean).map(end));
    rmSync(this.folder, { recursive: true, force: true });
    folders.delete(this.folder);
  }
}

async function end(running) {
  running.kill();
  await running.exited;
}
