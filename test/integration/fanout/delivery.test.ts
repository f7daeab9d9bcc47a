import { expect, test } from "vitest";
import type { DeliveryQueue } from "../../../src/fanout/delivery-queue.js";
import type { Lease, SettleAction } from "../../../src/fanout/types.js";
import type { RecordableEvent } from "../../../src/ledger/ledger.js";
import { ledgerKeys } from "../../../src/redis/keys.js";
import { justBefore } from "../../../src/redis/ledger-id.js";
import {
  type Belt,
  belt,
  event,
  eventThrough,
  numberIn,
  policy,
  subscriptionOf,
  topic,
} from "../../support/belt.js";
import { eachOnABelt } from "../../support/belt-tests.js";
import { eventually } from "../../support/eventually.js";
import type { TestRedis } from "../../support/redis.js";

let server: TestRedis;
let bus: Belt;
let errors: string[];
const never = new AbortController().signal;

eachOnABelt((given) => {
  ({ server, bus, errors } = given);
});

const pull = (queue: DeliveryQueue, max = 500, waitMs = 5_000) => queue.pull(max, waitMs, never);
const numbers = (leases: readonly Lease[]) => leases.flatMap((lease) => lease.bodies.map(numberIn));
const tokens = (lease: Lease) => lease.indexes.map((index) => `${lease.lease}.${index}`);
const settle = (queue: DeliveryQueue, lease: Lease, action: SettleAction, extra: object = {}) =>
  queue.settle(tokens(lease).map((token) => ({ token, action, ...extra })));
const results = async (settled: ReturnType<DeliveryQueue["settle"]>) =>
  (await settled).map(({ result }) => result);

async function drain(queue: DeliveryQueue): Promise<number[]> {
  const got: number[] = [];
  for (;;) {
    const leases = await queue.pull(500, 50, never);
    if (leases.length === 0) return got;
    got.push(...numbers(leases));
    for (const lease of leases) await settle(queue, lease, "ack");
  }
}

test("every event of a topic is owed once to each consumer and done when acked", async () => {
  const one = await bus.queue("one");
  const two = await bus.queue("two");
  const sent = await bus.publish(20, one, two);
  for (const queue of [one, two]) {
    expect(await drain(queue)).toEqual(sent);
    expect(await queue.counts()).toMatchObject({ open: 0, acked: 20, dead: 0, ordinal: 20 });
  }
});

test("a consumer with start: window gets what the ledger kept before it came, with start: now only what comes", async () => {
  const before = await bus.publish(5);
  const windowed = await bus.queue("windowed");
  const fresh = await bus.queue("fresh", { start: "now" });
  const after = await bus.publish(2, windowed, fresh);
  expect(await drain(windowed)).toEqual([...before, ...after]);
  expect(await drain(fresh)).toEqual(after);
});

test("a waiting pull is answered by the next event", async () => {
  const queue = await bus.queue("waits");
  const pulled = pull(queue);
  await eventually(() => queue.waiting === 1);
  const sent = await bus.publish(1, queue);
  expect(numbers(await pulled)).toEqual(sent);
});

test("a run cut for a pull that went away meanwhile goes to the next pull at once, as its first attempt", async () => {
  const queue = await bus.queue("leaves");
  const controller = new AbortController();
  const gone = queue.pull(500, 60_000, controller.signal);
  await eventually(() => queue.waiting === 1);
  const sending = bus.publish(3, queue);
  const sent = await sending; // the cut is under way
  controller.abort();
  const handed = await gone;
  const leases = handed.length > 0 ? handed : await pull(queue);
  expect(numbers(leases)).toEqual(sent);
  expect(leases[0]!.attempt).toBe(1);
});

test("a waiting pull is never handed more events than it asked for", async () => {
  const queue = await bus.queue("small");
  const controller = new AbortController();
  const large = queue.pull(500, 60_000, controller.signal);
  const small = queue.pull(1, 60_000, never);
  await eventually(() => queue.waiting === 2);
  const sent = await bus.publish(3, queue);
  controller.abort();
  const got = [...(await large), ...(await small)];
  for (const lease of await small) expect(lease.bodies.length).toBe(1);
  expect(numbers(got)).toEqual(sent.slice(0, numbers(got).length));
});

test("an aborted pull leaves nothing leased", async () => {
  const queue = await bus.queue("aborts");
  const controller = new AbortController();
  const pulled = queue.pull(10, 60_000, controller.signal);
  await eventually(() => queue.waiting === 1);
  controller.abort();
  expect(await pulled).toEqual([]);
  expect(queue.waiting).toBe(0);
});

test("a pull of fewer events than the run has divides it; the rest is owed on", async () => {
  const queue = await bus.queue("divides");
  const sent = await bus.publish(10, queue);
  const first = await pull(queue, 3);
  expect(numbers(first)).toEqual(sent.slice(0, 3));
  const second = await pull(queue, 3);
  expect(numbers(second)).toEqual(sent.slice(3, 6));
  await settle(queue, first[0]!, "ack");
  await settle(queue, second[0]!, "ack");
  expect(await drain(queue)).toEqual(sent.slice(6));
  expect(await queue.counts()).toMatchObject({ open: 0, acked: 10 });
});

test("a repeated ack answers ok, an ack after a nack is stale, a token that never was is unknown", async () => {
  const queue = await bus.queue("repeats");
  await bus.publish(3, queue);
  const [lease] = await pull(queue);
  const [first, second, third] = tokens(lease!) as [string, string, string];
  expect(await results(queue.settle([{ token: first, action: "ack" }]))).toEqual(["ok"]);
  expect(await results(queue.settle([{ token: first, action: "ack" }]))).toEqual(["ok"]);
  expect(await results(queue.settle([{ token: second, action: "nack" }]))).toEqual(["ok"]);
  expect(await results(queue.settle([{ token: second, action: "ack" }]))).toEqual(["stale"]);
  expect(await results(queue.settle([{ token: third, action: "ack" }]))).toEqual(["ok"]);
  // The run is finished now; its answers stay the same.
  expect(
    await results(queue.settle([first, second, third].map((token) => ({ token, action: "ack" as const })))),
  ).toEqual(["ok", "stale", "ok"]);
  expect(
    await results(
      queue.settle([
        { token: "r999.1.0", action: "ack" },
        { token: "rubbish", action: "ack" },
      ]),
    ),
  ).toEqual(["unknown", "unknown"]);
  expect(await results(queue.settle([{ token: first.replace(/0$/, "7"), action: "ack" }]))).toEqual([
    "unknown",
  ]);
});

test("a range settles many events and answers with the stretches of equal results", async () => {
  const queue = await bus.queue("ranges");
  await bus.publish(6, queue);
  const [lease] = await pull(queue);
  const [first, , third] = tokens(lease!) as [string, string, string];
  await queue.settle([{ token: third, action: "nack", delayMs: 60_000 }]);
  expect(await queue.settle([{ token: first, to: 5, action: "ack" }])).toEqual([
    { token: first, to: 1, result: "ok" },
    { token: third, to: 2, result: "stale" },
    { token: tokens(lease!)[3], to: 5, result: "ok" },
  ]);
});

test("a nacked event comes again after its delay, as its second attempt, while its neighbours are done", async () => {
  const queue = await bus.queue("nacks");
  const sent = await bus.publish(3, queue);
  const [lease] = await pull(queue);
  const [, second] = tokens(lease!) as [string, string];
  await queue.settle([{ token: second, action: "nack", delayMs: 60_000, reason: "calendar is locked" }]);
  await settle(queue, lease!, "ack");
  expect(await queue.pull(10, 0, never)).toEqual([]);
  await queue.sweep();
  await bus.pass("nacks", 60_000);
  const [again] = await pull(queue);
  expect(numbers([again!])).toEqual([sent[1]]);
  expect(again!.attempt).toBe(2);
  expect(await results(settle(queue, again!, "ack"))).toEqual(["ok"]);
  expect(await queue.counts()).toMatchObject({ open: 0, acked: 3 });
});

test("a superseded lease settles nothing", async () => {
  const queue = await bus.queue("superseded");
  const sent = await bus.publish(2, queue);
  const [old] = await pull(queue);
  await bus.pass("superseded", 30_001);
  await queue.sweep();
  const [current] = await pull(queue);
  expect(numbers([current!])).toEqual(sent);
  expect(current!.attempt).toBe(2);
  for (const action of ["ack", "nack", "term", "release", "extend"] as const) {
    expect(await results(settle(queue, old!, action))).toEqual(["stale", "stale"]);
  }
  expect(await queue.counts()).toMatchObject({ open: 2, acked: 0 });
  expect(await results(settle(queue, current!, "ack"))).toEqual(["ok", "ok"]);
  expect(await results(settle(queue, old!, "ack"))).toEqual(["stale", "stale"]);
});

test("what was acked under a lapsed lease is not delivered again, and its repeated ack still answers ok", async () => {
  const queue = await bus.queue("partly");
  const sent = await bus.publish(3, queue);
  const [old] = await pull(queue);
  const [first] = tokens(old!) as [string];
  await queue.settle([{ token: first, action: "ack" }]);
  await bus.pass("partly", 30_001);
  await queue.sweep();
  const [current] = await pull(queue);
  expect(numbers([current!])).toEqual(sent.slice(1));
  expect(await results(queue.settle([{ token: first, action: "ack" }]))).toEqual(["ok"]);
  await settle(queue, current!, "ack");
  expect(await results(queue.settle([{ token: first, action: "ack" }]))).toEqual(["ok"]);
  expect(await queue.counts()).toMatchObject({ open: 0, acked: 3 });
});

test("a late ack is accepted as long as nobody else was handed the event", async () => {
  const queue = await bus.queue("late");
  await bus.publish(2, queue);
  const [lease] = await pull(queue);
  await bus.pass("late", 30_001);
  await queue.sweep();
  expect(await results(settle(queue, lease!, "ack"))).toEqual(["ok", "ok"]);
  expect(await drain(queue)).toEqual([]);
});

test("a poison event dies alone: its neighbours lose no attempt to it", async () => {
  const queue = await bus.queue("poison", { maxDeliver: 4 });
  const sent = await bus.publish(5, queue);
  const poison = sent[2]!;
  const acked: number[] = [];
  // The adapter crashes whenever it reaches the poison event: nothing after it in the same pull is settled.
  for (let round = 0; round < 60; round++) {
    const leases = await queue.pull(500, 20, never);
    for (const lease of leases) {
      const at = lease.bodies.findIndex((body) => numberIn(body) === poison);
      const done = at === -1 ? lease.indexes.length : at;
      for (let i = 0; i < done; i++) {
        await queue.settle([{ token: `${lease.lease}.${lease.indexes[i]}`, action: "ack" }]);
        acked.push(numberIn(lease.bodies[i]!));
      }
      if (at !== -1) break;
    }
    await bus.pass("poison", 3_600_000);
    await queue.sweep();
  }
  expect(acked.sort((a, b) => a - b)).toEqual(sent.filter((n) => n !== poison));
  expect(await queue.counts()).toMatchObject({ open: 0, acked: 4, dead: 1 });
});

test("an event nacked max_deliver times becomes a dead letter with its reason and its own envelope, and can be redriven", async () => {
  const queue = await bus.queue("dies", { maxDeliver: 3 });
  const [sent] = await bus.publish(1, queue);
  for (let attempt = 1; attempt <= 3; attempt++) {
    const [lease] = await pull(queue);
    expect(lease!.attempt).toBe(attempt);
    await settle(queue, lease!, "nack", { delayMs: 0, reason: "no such room" });
  }
  await eventually(async () => (await queue.counts()).dead === 1);
  const dead = await bus.redis.xrange("hms-sync:delivery:{dies/inspections.status}:dead", "-", "+");
  expect(dead).toHaveLength(1);
  const fields = Object.fromEntries(
    dead[0]![1].flatMap((value, i, all) => (i % 2 === 0 ? [[value, all[i + 1]]] : [])),
  );
  expect(fields).toMatchObject({ reason: "no such room", attempts: "3" });
  expect(numberIn(Buffer.from(fields.envelope as string))).toBe(sent);
  await bus.redis.del("hms-sync:ledger:{inspections.status}:events");
  expect(await queue.redrive([dead[0]![0], "1-1"])).toEqual([dead[0]![0]]);
  const [again] = await pull(queue);
  expect(numbers([again!])).toEqual([sent]);
  expect(again!.attempt).toBe(1);
  expect(await results(settle(queue, again!, "ack"))).toEqual(["ok"]);
  expect(await queue.counts()).toMatchObject({ open: 0, acked: 1, dead: 0 });
});

test("term makes a dead letter at once", async () => {
  const queue = await bus.queue("terms");
  await bus.publish(2, queue);
  const [lease] = await pull(queue);
  await queue.settle([{ token: tokens(lease!)[0]!, action: "term", reason: "unknown inspection" }]);
  await queue.settle([{ token: tokens(lease!)[1]!, action: "ack" }]);
  await eventually(async () => (await queue.counts()).dead === 1);
  expect(await queue.counts()).toMatchObject({ open: 0, acked: 1, dead: 1 });
});

test("released events come again at once and lose no attempt", async () => {
  const queue = await bus.queue("releases");
  const sent = await bus.publish(5, queue);
  const [lease] = await pull(queue);
  const all = tokens(lease!);
  await queue.settle([
    { token: all[1]!, action: "release" },
    { token: all[3]!, action: "release" },
  ]);
  const [again] = await pull(queue);
  expect(numbers([again!])).toEqual([sent[1], sent[3]]);
  expect(again!.attempt).toBe(1);
  expect(await results(queue.settle([{ token: all[1]!, action: "ack" }]))).toEqual(["stale"]);
  await settle(queue, again!, "ack");
  expect(
    await results(queue.settle([0, 2, 4].map((i) => ({ token: all[i]!, action: "ack" as const })))),
  ).toEqual(["ok", "ok", "ok"]);
  expect(await queue.counts()).toMatchObject({ open: 0, acked: 5 });
});

test("released events are there for a pull that does not wait, while their ticket is on its way as well", async () => {
  const queue = await bus.queue("impatient");
  const sent = await bus.publish(3, queue);
  let held = await pull(queue);
  for (let turns = 0; turns < 40; turns++) {
    await settle(queue, held[0]!, "release");
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    held = await pull(queue, 500, 0);
    expect(numbers(held), `pulled ${turns} turns of the event loop later`).toEqual(sent);
  }
});

test("an event silent past its deadline leaves a run whose other events were extended", async () => {
  const queue = await bus.queue("silent");
  const sent = await bus.publish(3, queue);
  const [lease] = await pull(queue);
  const all = tokens(lease!);
  await bus.pass("silent", 20_000);
  expect(await results(queue.settle([{ token: all[1]!, to: 2, action: "extend" }]))).toEqual(["ok"]);
  await bus.pass("silent", 10_001);
  await queue.sweep();
  expect(await results(queue.settle([{ token: all[0]!, action: "ack" }]))).toEqual(["stale"]);
  expect(await results(queue.settle([{ token: all[1]!, to: 2, action: "ack" }]))).toEqual(["ok"]);
  await bus.pass("silent", 1_000);
  const [again] = await pull(queue);
  expect(numbers([again!])).toEqual([sent[0]]);
  expect(again!.attempt).toBe(2);
  await settle(queue, again!, "ack");
  expect(await queue.counts()).toMatchObject({ open: 0, acked: 3 });
});

test("while a consumer is busy its events gather into one run", async () => {
  const queue = await bus.queue("busy");
  await bus.publish(1, queue);
  const [first] = await pull(queue);
  const waiting = [];
  for (let i = 0; i < 20; i++) waiting.push(...(await bus.publish(1, queue)));
  const leases = await pull(queue);
  expect(numbers(leases)).toEqual(waiting);
  expect(leases.length).toBe(1);
  await settle(queue, first!, "ack");
});

test("a ticket that BullMQ lost is replaced", async () => {
  const two = belt(server.url, { errors, waker: { alone: false, wakeElsewhere() {} } });
  const queue = await two.queue("audited");
  const sent = await two.publish(2);
  await queue.catchUp();
  await eventually(
    async () => (await bus.redis.llen("hms-sync:queue:{audited/inspections.status}:wait")) === 1,
  );
  await queue.sweep();
  for (const key of await bus.redis.keys("hms-sync:queue:*")) await bus.redis.del(key);
  expect(await queue.pull(10, 0, never)).toEqual([]);
  expect(await queue.audit()).toBe(1);
  expect(await drain(queue)).toEqual(sent);
  await two.close();
});

test("an owed event is never trimmed, a settled one is once its retention is over", async () => {
  const queue = await bus.queue("holds");
  await bus.publish(3, queue);
  const inAnHour = Date.now() + 3_600_000;
  await queue.raiseFloor();
  expect(await bus.ledger.trim("inspections.status", inAnHour, ["holds"])).toBe(0);
  expect(await bus.ledger.trim("inspections.status", inAnHour, ["holds", "newcomer"])).toBe(0);
  await drain(queue);
  await queue.raiseFloor();
  expect(await bus.ledger.trim("inspections.status", inAnHour, ["holds"])).toBe(2);
});

test("when part of a cut is gone from the ledger, none of its events is given in another's place", async () => {
  const told: string[] = [];
  const queue = await bus.queue("cut-short");
  await bus.publish(10, queue);
  const [lease] = await queue.pull(10, 1_000, never);
  await queue.settle([{ token: `${lease!.lease}.0`, action: "nack", delayMs: 0 }]);
  await bus.redis.xtrim(ledgerKeys(topic).stream, "MAXLEN", 8);
  const other = belt(server.url, { errors: told }); // remembers none of them
  const there = await other.queue("cut-short");
  expect(await there.pull(10, 0, never)).toEqual([]);
  await eventually(async () => (await there.counts()).dead === 1);
  const letters = await there.deadLetters(10);
  expect(letters).toMatchObject([{ reason: "the ledger no longer holds this event", envelope: "" }]);
  expect(told.join()).toMatch(/no longer holds an owed run/);
  await other.close();
});

test("a newcomer begins with what the ledger keeps, not with what this sidecar still remembers of it", async () => {
  await bus.publish(10);
  expect(await bus.ledger.trim(topic, Date.now() + 1_000, [])).toBe(10);
  const kept = await bus.publish(3);
  const here = await bus.queue("newcomer");
  expect(await here.counts()).toMatchObject({ ordinal: 10, open: 0 });
  const other = belt(server.url, { errors });
  const there = await other.queue("newcomer");
  expect(await drain(there)).toEqual(kept);
  expect(await there.counts()).toMatchObject({ acked: 3, dead: 0 });
  await other.close();
});

test("an event is not sent to the systems it came through, and they are counted as skipped", async () => {
  const city = await bus.queue("city-health");
  const clinic = await bus.queue("ehr-clinic");
  const events = [
    eventThrough("hms-api", 900_001),
    eventThrough("hms-api,city-health", 900_002),
    eventThrough("city-health", 900_003),
    eventThrough("hms-api,city-health-2", 900_004),
    eventThrough("hms-api,ehr-clinic,city-health", 900_005),
  ];
  const recorded = await bus.ledger.record(topic, events, { rememberMs: 60_000 });
  for (const queue of [city, clinic]) queue.recorded(recorded.at(-1)!.ledgerId);
  expect(await drain(city)).toEqual([900_001, 900_004]);
  expect(await drain(clinic)).toEqual([900_001, 900_002, 900_003, 900_004]);
  expect(await city.counts()).toMatchObject({ open: 0, acked: 2, skipped: 3, ordinal: 5 });
  expect(await clinic.counts()).toMatchObject({ open: 0, acked: 4, skipped: 1, ordinal: 5 });
});

test("what a consumer's filter does not match is skipped and counted, and never wakes its pull", async () => {
  const even = (envelope: Buffer) => numberIn(envelope) % 2 === 0;
  const view = { wants: even, present: (envelope: Buffer) => envelope };
  const queue = await bus.queue("filtered", {}, { view: () => view });
  const sent = await bus.publish(10, queue);
  const wanted = sent.filter((n) => n % 2 === 0);
  expect(await drain(queue)).toEqual(wanted);
  expect(await queue.counts()).toMatchObject({ open: 0, acked: 5, skipped: 5, ordinal: 10 });
});

test("an event that cannot be cast to the consumer's version becomes a dead letter with its reason, its neighbours pass", async () => {
  let casts = false;
  const present = (envelope: Buffer) =>
    casts || numberIn(envelope) % 3 !== 0 ? envelope : { reason: "/completedBy is not there" };
  const queue = await bus.queue("casts", {}, { view: () => ({ wants: () => true, present }) });
  const pulled = pull(queue); // handed over as it is cut, and by a later lease
  await eventually(() => queue.waiting === 1);
  const sent = [...(await bus.publish(3, queue)), ...(await bus.publish(6, queue))];
  const leases = await pulled;
  for (const lease of leases) await settle(queue, lease, "ack");
  const rest = await drain(queue);
  expect([...numbers(leases), ...rest].sort((a, b) => a - b)).toEqual(sent.filter((n) => n % 3 !== 0));
  await eventually(async () => (await queue.counts()).dead === 3);
  const letters = await queue.deadLetters(10);
  expect(letters.map(({ reason }) => reason)).toEqual(Array(3).fill("/completedBy is not there"));
  expect(letters.map(({ envelope }) => numberIn(Buffer.from(envelope))).sort((a, b) => a - b)).toEqual(
    sent.filter((n) => n % 3 === 0),
  );
  casts = true; // the casts were put right
  await queue.redrive(letters.map(({ id }) => id));
  expect((await drain(queue)).sort((a, b) => a - b)).toEqual(sent.filter((n) => n % 3 === 0));
  expect(await queue.counts()).toMatchObject({ open: 0, acked: 9, dead: 0 });
});

test("a consumer goes on getting the version it joined with until the registry gives it another", async () => {
  const versions: number[] = [];
  const view = (version: number) => {
    versions.push(version);
    return { wants: () => true, present: (envelope: Buffer) => envelope };
  };
  const first = await bus.queue("joined", {}, { currentVersion: 1, view });
  expect(first.version).toBe(1);
  const later = await bus.queue("joined", {}, { currentVersion: 2, view });
  expect(later.version).toBe(1);
  await later.update({ ...subscriptionOf("joined", policy), currentVersion: 3, version: 2, view });
  expect(later.version).toBe(2);
  // Taken out of the file again, its version stays the one it was given last.
  expect((await bus.queue("joined", {}, { currentVersion: 3, view })).version).toBe(2);
  expect(versions.at(-1)).toBe(2);
});

test("a waiting pull is not woken by events that are not for it, and is handed the next that is", async () => {
  const queue = await bus.queue("city-health");
  const pulled = pull(queue);
  await eventually(() => queue.waiting === 1);
  const record = async (...events: RecordableEvent[]) => {
    const recorded = await bus.ledger.record(topic, events, { rememberMs: 60_000 });
    queue.recorded(recorded.at(-1)!.ledgerId);
  };
  await record(eventThrough("hms-api,city-health", 900_011));
  await eventually(async () => (await queue.counts()).skipped === 1);
  await record(eventThrough("city-health", 900_012), eventThrough("hms-api", 900_013));
  const [lease] = await pulled;
  expect(numbers([lease!])).toEqual([900_013]);
  expect(await results(settle(queue, lease!, "ack"))).toEqual(["ok"]);
  expect(await queue.counts()).toMatchObject({ open: 0, acked: 1, skipped: 2 });
});

test("large events come a few at a time, whatever number a pull asks for, live and replayed", async () => {
  const queue = await bus.queue("large");
  const large = (n: number) => ({
    ...event(n),
    text: event(n).text.replace("{", `{"x":"${"x".repeat(3 << 20)}",`),
  });
  const events = [1, 2, 3, 4, 5].map((n) => large(910_000 + n));
  const recorded = await bus.ledger.record(topic, events, { rememberMs: 60_000 });
  const take = async () => {
    const sizes: number[] = [];
    for (let leases = await pull(queue); leases.length > 0; leases = await pull(queue)) {
      sizes.push(leases.flatMap(({ bodies }) => bodies).length);
      for (const lease of leases) await settle(queue, lease, "ack");
    }
    return sizes;
  };
  queue.recorded(recorded.at(-1)!.ledgerId);
  expect(await take()).toEqual([2, 2, 1]);
  await queue.replay({ from: justBefore(recorded[0]!.ledgerId), redo: false });
  await eventually(async () => (await queue.counts()).open > 0);
  expect(await take()).toEqual([2, 2, 1]);
});

test("a skipped event beside an owed one cannot be settled, and does not come when the run lapses", async () => {
  const queue = await bus.queue("city-health");
  const events = [eventThrough("city-health", 900_021), eventThrough("hms-api", 900_022)];
  const recorded = await bus.ledger.record(topic, events, { rememberMs: 60_000 });
  queue.recorded(recorded.at(-1)!.ledgerId);
  const [first] = await pull(queue);
  const run = first!.lease;
  expect(await results(queue.settle([{ token: `${run}.0`, action: "ack" }]))).toEqual(["unknown"]);
  await bus.pass("city-health", 60_000);
  await queue.sweep();
  expect(await drain(queue)).toEqual([900_022]);
});
