import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { eventually } from "../../test/support/eventually.js";
import { ConnectedBus } from "../src/bus.js";
import type { Clock } from "../src/clock.js";
import { FRAMED_TYPE } from "../src/frame.js";
import { Liveness } from "../src/liveness.js";
import type { Answer, Call, Transport } from "../src/transport.js";
import { next } from "./support/fixture.js";
import { recorder } from "./support/recorder.js";
import { envelope, frame } from "./support/scripted-bus.js";

/** A clock that stands still until it is turned. */
class TurnedClock implements Clock {
  private time = 1_000_000;
  private timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.time;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.time + ms, callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  turn(ms: number): void {
    this.time += ms;
    const due = this.timers.filter(({ at }) => at <= this.time);
    this.timers = this.timers.filter(({ at }) => at > this.time);
    for (const { callback } of due) callback();
  }
}

/** A bus without a wire: one run, then nothing. */
class InProcess implements Transport {
  readonly settles: { token: string; action: string; to?: number }[] = [];
  private given = false;

  constructor(private readonly clock: Clock) {}

  async call(call: Call): Promise<Answer> {
    const { settle = [] } = JSON.parse(call.body ?? "{}");
    this.settles.push(...settle);
    const settled = settle.map((entry: object) => ({ ...entry, result: "ok" }));
    if (call.path.endsWith("/settle")) return this.answer(JSON.stringify({ settled }), "application/json");
    if (this.given && settled.length === 0) await aborted(call.signal!);
    const count = this.given ? 0 : 2;
    this.given = true;
    return this.answer(frame("r1.1", count, { settled, redo: "rp7" }), FRAMED_TYPE);
  }

  async open() {
    return { status: 200, headers: {}, body: Readable.from([Buffer.from(`${envelope("a")}\n`)]) };
  }

  read(): Promise<Answer> {
    throw new Error("nothing is refused here");
  }

  close(): void {
    // nothing is kept open
  }

  private answer(body: Buffer | string, type: string): Answer {
    const headers = { "content-type": type };
    return { status: 200, headers, body: Buffer.from(body), arrivedAt: this.clock.now() };
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

function busOver(transport: Transport, clock: Clock, consumer: string | undefined): ConnectedBus {
  return new ConnectedBus({
    ...{ url: "test:", token: "none", transport, clock, consumer, drain: false, signal: undefined },
    ...{ identity: { system: "admin", admin: true }, maxResponseBytes: 1_000_000 },
    ...{ log: recorder().log, liveness: new Liveness(), telemetry: undefined },
  });
}

test("a consumer works over any transport, and its leases run on the clock it is given", async () => {
  const clock = new TurnedClock();
  const transport = new InProcess(clock);
  const bus = busOver(transport, clock, "city-health");
  const subscription = bus.subscribe("t");
  const message = await next(subscription);
  expect(message).toMatchObject({ consumer: "city-health", redo: "rp7", source: "hms-api" });
  const left = () => message.leaseEndsAt - performance.now();
  expect(left()).toBeGreaterThan(29_900);
  clock.turn(15_000);
  expect(left()).toBeGreaterThan(14_900);
  expect(left()).toBeLessThanOrEqual(15_000);
  await eventually(() =>
    transport.settles.some(({ action, token }) => action === "extend" && token === "r1.1.1"),
  );
  await message.ack();
  expect(transport.settles.at(-1)).toMatchObject({ action: "ack", token: "r1.1.0" });
  await bus.close();
});

test("a passing reader does too, and holds no lease", async () => {
  const clock = new TurnedClock();
  const bus = busOver(new InProcess(clock), clock, undefined);
  const message = await next(bus.subscribe("t"));
  expect(message).toMatchObject({
    ...{ id: "a", time: "2024-04-23T15:02:11Z", leaseEndsAt: Number.POSITIVE_INFINITY },
    ...{ consumer: undefined, redo: undefined },
  });
  await bus.close();
});
