import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually } from "../../test/support/eventually.js";
import { type Bus, type ConnectOptions, type Message, Permanent, type Subscription } from "../src/index.js";

/** A running bus with one topic and one consumer of it, made for one test. */
export interface ContractBus {
  /** Connects with a token that may act as the consumer and publish to the topic. */
  connect(options?: ConnectOptions): Promise<Bus>;
  /** Publishes one event; the payload is an object of the caller's choice. */
  publish(topic: string, payload: object): Promise<{ id: string }>;
  readonly topic: string;
  readonly consumer: string;
  /** The consumer's ack_wait in ms; short, since the suite waits for it to pass. Its run is 2 or more. */
  readonly ackWaitMs: number;
  /** Dead letters of the consumer, where the bus tells them. */
  deadLetters?(): Promise<readonly { readonly reason: string }[]>;
  /** Whether the bus replays a window to a consumer that asks for it (`since`). */
  readonly replays?: boolean;
  /** Kills the bus and starts it again at the same address with the same data. */
  restart?(): Promise<void>;
  /** Lets so many ms pass on the bus's clock, where that is not real time. */
  passTime?(ms: number): Promise<void>;
  /** What the bus's clock shows (ms), where that is not real time. */
  now?(): number;
  stop(): Promise<void>;
}

interface Payload {
  readonly n: number;
}

/** The promises a bus and its client make to a consumer, whoever implements them. */
export function consumerContract(makeBus: () => Promise<ContractBus>): void {
  describe("consumer contract", () => {
    let belt: ContractBus;
    let bus: Bus;

    beforeEach(async () => {
      belt = await makeBus();
      bus = await belt.connect({ consumer: belt.consumer, drain: false });
    });

    afterEach(async () => {
      await bus.close();
      await belt.stop();
    });

    const subscribe = (): Subscription<Payload> => bus.subscribe<Payload>(belt.topic);

    async function publish(from: number, to = from): Promise<string[]> {
      const ids: string[] = [];
      for (let n = from; n <= to; n++) ids.push((await belt.publish(belt.topic, { n })).id);
      return ids;
    }

    const now = () => belt.now?.() ?? Date.now();
    const pass = (ms: number): Promise<void> => belt.passTime?.(ms) ?? pause(ms);

    /** Resolves when the check holds, letting time pass until it does. */
    async function comes(check: () => boolean, options: { timeoutMs?: number } = {}): Promise<void> {
      await eventually(async () => {
        await belt.passTime?.(belt.ackWaitMs / 10);
        return check();
      }, options);
    }

    /** A handler that takes `ms` and says so. */
    async function atWork(message: Message<unknown>, ms: number): Promise<void> {
      for (const until = now() + ms; now() < until; ) {
        await pass(ms / 10);
        await message.working();
      }
    }

    async function connectedAgain(): Promise<Bus> {
      return await belt.connect({ consumer: belt.consumer, drain: false });
    }

    test("a consumer gets each event once, and none again after its ack", async () => {
      const ids = await publish(1, 20);
      const got = await take(subscribe(), 20, (message) => message.ack());
      expect(got.map(({ id }) => id)).toEqual(ids);
      await publish(21);
      expect(await first(subscribe())).toMatchObject({ payload: { n: 21 }, attempt: 1, replayed: false });
    });

    test("an event published while the consumer waits arrives", async () => {
      const arriving = first(subscribe());
      const [id] = await publish(1);
      expect((await arriving).id).toBe(id);
    });

    test("data is the payload's own text, envelope and payload its parse", async () => {
      await bus.publishText(belt.topic, '{"n":12345678901234567890,"e":{},"s":"\\u00e9\\/"}', {
        id: "own-text",
      });
      const message = await first(subscribe());
      expect(message.data).toBe('{"n":12345678901234567890,"e":{},"s":"\\u00e9\\/"}');
      expect(message.payload).toEqual(JSON.parse(message.data));
      expect(message.envelope).toMatchObject({ id: "own-text", topic: belt.topic, version: message.version });
      expect(message).toMatchObject({ id: "own-text", topic: belt.topic });
    });

    test("an awaited ack is stored: another connection does not get the event", async () => {
      await publish(1);
      await (await first(subscribe())).ack();
      const other = await connectedAgain();
      await publish(2);
      expect((await first(other.subscribe<Payload>(belt.topic))).payload.n).toBe(2);
      await other.close();
    });

    test("repeating an ack is harmless, a nack after it changes nothing", async () => {
      await publish(1);
      const message = await first(subscribe());
      await Promise.all([message.ack(), message.ack()]);
      await message.ack();
      await expect(message.nack()).rejects.toMatchObject({ code: "already_settled" });
      await publish(2);
      expect((await first(subscribe())).payload.n).toBe(2);
    });

    test("a nacked event comes again after its delay, and counts its attempt", async () => {
      await publish(1);
      const nackedAt = now();
      await (await first(subscribe())).nack({ delay: 300, reason: "not now" });
      const coming = first(subscribe());
      await belt.passTime?.(300);
      const again = await coming;
      expect(again).toMatchObject({ payload: { n: 1 } });
      expect(again.attempt).toBeGreaterThan(1);
      expect(now() - nackedAt).toBeGreaterThanOrEqual(290);
      await again.ack();
    });

    test("a terminated event never comes again and is a dead letter with its reason", async () => {
      await publish(1);
      await (await first(subscribe())).term("cannot be");
      await publish(2);
      expect((await first(subscribe())).payload.n).toBe(2);
      if (belt.deadLetters === undefined) return;
      const { deadLetters } = belt;
      await eventually(async () => (await deadLetters()).some(({ reason }) => reason === "cannot be"));
    });

    test("an event handed out and silent past its time goes out again, and its late ack is refused", async () => {
      await publish(1);
      const subscription = subscribe();
      const silent = await next(subscription);
      const coming = next(subscription);
      await belt.passTime?.(belt.ackWaitMs);
      const again = await coming;
      expect(again.id).toBe(silent.id);
      await expect(silent.ack()).rejects.toMatchObject({ code: "stale_lease" });
      await again.ack();
      await subscription.close();
    });

    test("an event whose handler says it is working stays with it", async () => {
      await publish(1);
      const subscription = subscribe();
      const message = await next(subscription);
      const other = await connectedAgain();
      const elsewhere = other.subscribe(belt.topic);
      let given: unknown;
      void elsewhere.next().then(({ value }) => {
        given = value;
      });
      for (const until = now() + 2.5 * belt.ackWaitMs; now() < until; await pass(belt.ackWaitMs / 5)) {
        await message.working();
      }
      await message.ack();
      expect(given).toBeUndefined();
      await elsewhere.close();
      await other.close();
      await subscription.close();
    });

    test("events that wait behind a handler at work stay with the client", async () => {
      await publish(1, 5);
      const seen: number[] = [];
      for await (const message of subscribe()) {
        seen.push(message.payload.n);
        if (message.payload.n === 1) await atWork(message, 1.5 * belt.ackWaitMs);
        expect(message.attempt).toBe(1);
        await message.ack();
        if (seen.length === 5) break;
      }
      expect(seen).toEqual([1, 2, 3, 4, 5]);
    });

    test("leaving the loop gives back what was not handed out: another gets it at once, and no attempt counts", async () => {
      await publish(1, 10);
      for await (const message of subscribe()) {
        await message.ack();
        if (message.payload.n === 3) break;
      }
      const other = await connectedAgain();
      const started = Date.now();
      const got = await take(other.subscribe<Payload>(belt.topic), 7, (message) => message.ack());
      expect(got.map(({ payload }) => payload.n)).toEqual([4, 5, 6, 7, 8, 9, 10]);
      expect(got.map(({ attempt }) => attempt)).toEqual(Array(7).fill(1));
      expect(Date.now() - started).toBeLessThan(belt.ackWaitMs);
      await other.close();
    });

    test("events come in the order of the ledger", async () => {
      await publish(1, 50);
      const got = await take(subscribe(), 50, (message) => message.ack());
      expect(got.map(({ payload }) => payload.n)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    });

    test("an aborted signal ends the loop normally", async () => {
      const controller = new AbortController();
      const subscription = bus.subscribe<Payload>(belt.topic, { signal: controller.signal });
      const waiting = subscription.next();
      controller.abort();
      expect(await waiting).toEqual({ done: true, value: undefined });
    });

    test("two loops of one consumer share the events", async () => {
      await publish(1, 30);
      const ends = new AbortController();
      const seen: number[] = [];
      const loop = async () => {
        for await (const message of bus.subscribe<Payload>(belt.topic, { max: 2, signal: ends.signal })) {
          await message.ack();
          seen.push(message.payload.n);
        }
      };
      const loops = [loop(), loop()];
      await eventually(() => seen.length >= 30);
      ends.abort();
      await Promise.all(loops);
      expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    });

    test("with a limit no more is handed out than may be unsettled, and each settle lets one more through", async () => {
      await publish(1, 6);
      const subscription = bus.subscribe<Payload>(belt.topic, { concurrency: 2 });
      const out = [await next(subscription), await next(subscription)];
      for (let n = 3; n <= 6; n++) {
        const coming = next(subscription);
        const early = await Promise.race([coming, pause(belt.ackWaitMs / 10)]);
        expect(early).toBeUndefined();
        await out.shift()!.ack();
        out.push(await coming);
      }
      expect(out.map(({ payload }) => payload.n)).toEqual([5, 6]);
      await Promise.all(out.map((message) => message.ack()));
      await subscription.close();
    });

    test("handle acks what returns, brings again what throws, and gives up what is permanent", async () => {
      await publish(1, 3);
      const ends = new AbortController();
      const attempts: string[] = [];
      const handling = bus.handle<Payload>(
        belt.topic,
        async ({ payload, attempt }) => {
          attempts.push(`${payload.n}/${attempt}`);
          if (payload.n === 2 && attempt === 1) throw new TypeError("not now");
          if (payload.n === 3) throw new Permanent("never");
        },
        { signal: ends.signal },
      );
      await comes(() => attempts.some((each) => /^2\/[^1]/.test(each)));
      ends.abort();
      await handling;
      expect(attempts.filter((each) => !each.startsWith("2/"))).toEqual(["1/1", "3/1"]);
      const [probe] = await publish(4);
      expect((await first(subscribe())).id).toBe(probe);
      if (belt.deadLetters === undefined) return;
      const { deadLetters } = belt;
      await eventually(async () => (await deadLetters()).some(({ reason }) => reason === "never"));
    });

    test("handlers side by side get each event once, no more at a time than told", async () => {
      await publish(1, 40);
      const ends = new AbortController();
      const seen: number[] = [];
      let [working, most] = [0, 0];
      const handling = bus.handle<Payload>(
        belt.topic,
        async ({ payload }) => {
          most = Math.max(most, ++working);
          await pause(5);
          working--;
          seen.push(payload.n);
        },
        { concurrency: 4, signal: ends.signal },
      );
      await eventually(() => seen.length >= 40);
      ends.abort();
      await handling;
      expect(most).toBe(4);
      expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    });

    test("an aborted handle gives back what no handler has begun: another gets it at once", async () => {
      await publish(1, 8);
      const ends = new AbortController();
      const seen: number[] = [];
      await bus.handle<Payload>(
        belt.topic,
        ({ payload }) => {
          seen.push(payload.n);
          if (payload.n === 3) ends.abort();
        },
        { signal: ends.signal },
      );
      expect(seen).toEqual([1, 2, 3]);
      const started = Date.now();
      const got = await take(subscribe(), 5, (message) => message.ack());
      expect(got.map(({ payload, attempt }) => `${payload.n}/${attempt}`)).toEqual(
        [4, 5, 6, 7, 8].map((n) => `${n}/1`),
      );
      expect(Date.now() - started).toBeLessThan(belt.ackWaitMs);
    });

    test("a message says who gets it, where it comes from and until when it is theirs", async () => {
      await publish(1);
      const before = performance.now();
      const message = await first(subscribe());
      const { source, time } = message.envelope;
      expect(message).toMatchObject({ consumer: belt.consumer, source, time, redo: undefined });
      expect(message.leaseEndsAt).toBeGreaterThan(before);
      expect(message.leaseEndsAt).toBeLessThanOrEqual(performance.now() + belt.ackWaitMs);
    });

    test("since brings what was acked before once more, marked as replayed", async ({ skip }) => {
      if (!belt.replays) return skip();
      const ids = await publish(1, 3);
      await take(subscribe(), 3, (message) => message.ack());
      const again = await take(bus.subscribe<Payload>(belt.topic, { since: "1h" }), 3, (message) =>
        message.ack(),
      );
      expect(again.map(({ id, replayed }) => ({ id, replayed }))).toEqual(
        ids.map((id) => ({ id, replayed: true })),
      );
      const [live] = await publish(4);
      expect(await first(subscribe())).toMatchObject({ id: live, replayed: false });
    });

    test("a restart of the bus loses no event and needs no restart of the consumer", async ({ skip }) => {
      const { restart } = belt;
      if (restart === undefined) return skip();
      const acked = new Set<number>();
      const ends = new AbortController();
      const loop = (async () => {
        for await (const message of bus.subscribe<Payload>(belt.topic, { signal: ends.signal })) {
          await message.ack().then(
            () => acked.add(message.payload.n),
            () => undefined, // stale: it comes again
          );
        }
      })();
      await publish(1, 10);
      await eventually(() => acked.size > 0);
      await restart.call(belt);
      await publish(11, 20);
      await comes(() => acked.size === 20, { timeoutMs: 20_000 + 5 * belt.ackWaitMs });
      ends.abort();
      await loop;
      const probe = (await publish(21))[0];
      expect((await first(subscribe())).id).toBe(probe);
    });
  });
}

/** The next `count` messages, each settled as told; leaves the loop then. */
async function take<T>(
  subscription: Subscription<T>,
  count: number,
  settle: (message: Message<T>) => Promise<void>,
): Promise<Message<T>[]> {
  const taken: Message<T>[] = [];
  for await (const message of subscription) {
    taken.push(message);
    await settle(message);
    if (taken.length === count) break;
  }
  return taken;
}

/** The next message of a subscription that ends then; the message stays to be settled. */
async function first<T>(subscription: Subscription<T>): Promise<Message<T>> {
  const message = await next(subscription);
  await subscription.close();
  return message;
}

async function next<T>(subscription: Subscription<T>): Promise<Message<T>> {
  const { value } = await subscription.next();
  return value as Message<T>;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
