import type { Knex } from "knex";
import { describe, expect, test } from "vitest";
import { Permanent } from "../../src/permanent.js";
import { Housekeeping } from "../../src/sql/housekeeping.js";
import {
  createOnceTable,
  type OnceRecord,
  type OnceStore,
  ReplayTooOld,
  StaleLease,
} from "../../src/sql/index.js";
import { once } from "../../src/sql/once.js";
import { type DatabaseName, databases } from "../support/databases.js";
import { eventMessage } from "../support/message.js";

const names: DatabaseName[] = ["PostgreSQL", "MariaDB", "SQLite"];
const at = databases(...names);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const known = new Map<DatabaseName, Promise<Knex>>();

/** A database with both tables, empty. */
async function prepared(name: DatabaseName): Promise<Knex> {
  const made = known.get(name) ?? withTables(name);
  known.set(name, made);
  const knex = await made;
  await knex("effects").delete();
  await knex("hms_sync_once").delete();
  return knex;
}

async function withTables(name: DatabaseName): Promise<Knex> {
  const knex = await at.open(name);
  await createOnceTable(knex);
  await knex.schema.createTable("effects", (table) => table.string("event"));
  return knex;
}

/** Runs the effect in a transaction of its own and gives whether it ran. */
function done(knex: Knex, message: ReturnType<typeof eventMessage>, options = {}): Promise<boolean> {
  return knex.transaction((trx) =>
    message.once(trx, () => trx("effects").insert({ event: message.id }), options),
  );
}

async function effects(knex: Knex): Promise<string[]> {
  return (await knex("effects").pluck("event")).sort();
}

describe.each(names)("once on %s", (name) => {
  test("an event's effect happens the first time only", async () => {
    const knex = await prepared(name);
    expect(await done(knex, eventMessage())).toBe(true);
    expect(await done(knex, eventMessage())).toBe(false);
    expect(await done(knex, eventMessage({ id: "e2" }))).toBe(true);
    expect(await effects(knex)).toEqual(["e1", "e2"]);
  });

  test("an event is named by consumer, topic, source and id to the letter", async () => {
    const knex = await prepared(name);
    const others = [
      ...[
        {},
        { id: "E1" },
        { id: "e1 " },
        { id: "é1" },
        { id: "e\u03011" },
        { id: "x".repeat(255) },
        { id: "日".repeat(255) },
      ],
      ...[{ topic: "payments.voided" }, { source: "old-app" }, { consumer: "audit" }, { redo: "replay-7" }],
    ];
    for (const other of others) expect([other, await done(knex, eventMessage(other))]).toEqual([other, true]);
    for (const other of others)
      expect([other, await done(knex, eventMessage(other))]).toEqual([other, false]);
  });

  test("what fails in the transaction, before or after once, leaves no record behind", async () => {
    const knex = await prepared(name);
    const message = eventMessage();
    const failing = knex.transaction((trx) =>
      message.once(trx, async () => {
        await trx("effects").insert({ event: "e1" });
        throw new Error("the printer is on fire");
      }),
    );
    await expect(failing).rejects.toThrow("on fire");
    const later = knex.transaction(async (trx) => {
      await message.once(trx, () => trx("effects").insert({ event: "e1" }));
      throw new Error("and so is the archive");
    });
    await expect(later).rejects.toThrow("archive");
    expect(await effects(knex)).toEqual([]);
    expect(await done(knex, message)).toBe(true);
    expect(await effects(knex)).toEqual(["e1"]);
  });

  test("a duplicate leaves the transaction usable", async () => {
    const knex = await prepared(name);
    await done(knex, eventMessage());
    await knex.transaction(async (trx) => {
      expect(await eventMessage().once(trx, () => undefined)).toBe(false);
      await trx("effects").insert({ event: "written after" });
    });
    expect(await effects(knex)).toEqual(["e1", "written after"]);
  });

  test("a lease that ends while the effect is written rolls it back", async () => {
    const knex = await prepared(name);
    const message = eventMessage({ leaseEndsAt: performance.now() + 20 });
    const slow = knex.transaction((trx) =>
      message.once(trx, async () => {
        await trx("effects").insert({ event: "e1" });
        while (performance.now() < message.leaseEndsAt) await trx.raw("select 1");
      }),
    );
    await expect(slow).rejects.toThrow(StaleLease);
    await expect(slow).rejects.toMatchObject({ code: "stale_lease", retryable: true });
    expect(await effects(knex)).toEqual([]);
    expect(await done(knex, eventMessage())).toBe(true);
  });

  test("an event whose lease is over before it begins does nothing", async () => {
    const knex = await prepared(name);
    await expect(done(knex, eventMessage({ leaseEndsAt: performance.now() }))).rejects.toThrow(StaleLease);
    expect(await effects(knex)).toEqual([]);
  });

  test("records go when their time is over, the earliest first, of that consumer and topic alone", async () => {
    const knex = await prepared(name);
    const start = Date.now();
    let now = start;
    const parts = { housekeeping: new Housekeeping(() => 0), now: () => now };
    const take = (options: Parameters<typeof eventMessage>[0]) =>
      knex.transaction((trx) =>
        once(eventMessage({ leaseEndsAt: Infinity, ...options }), trx, () => undefined, {}, parts),
      );
    const soon = new Date(start).toISOString();
    for (let n = 1; n <= 3; n++) await take({ id: `old-${n}`, replayableUntil: soon });
    await take({ id: "other", replayableUntil: soon, consumer: "audit" });
    await take({ id: "long", replayableUntil: new Date(start + 30 * DAY_MS).toISOString() });
    now = start + 26 * HOUR_MS;
    await take({ id: "first after the pause", replayableUntil: soon });
    expect(await kept(knex)).toEqual(["first after the pause", "long", "old-1", "old-2", "old-3", "other"]);
    now += 11 * 60_000;
    await take({ id: "later", replayableUntil: soon });
    expect(await kept(knex)).toEqual(["first after the pause", "later", "long", "other"]);
  });

  test("a replay of what may have been pruned is refused, unless it is told to go on", async () => {
    const knex = await prepared(name);
    const past = new Date(Date.now() - 2 * DAY_MS).toISOString();
    const replayed = { replayed: true, replayableUntil: past };
    const refused = done(knex, eventMessage(replayed));
    await expect(refused).rejects.toThrow(ReplayTooOld);
    await expect(refused).rejects.toBeInstanceOf(Permanent);
    expect(await done(knex, eventMessage({ ...replayed, redo: "r7" }))).toBe(true);
    expect(await done(knex, eventMessage(replayed), { acceptOld: true })).toBe(true);
    expect(await done(knex, eventMessage({ ...replayed, replayed: false, id: "owed for long" }))).toBe(true);
  });

  test("a replay is taken while a record as old as it would be is still kept", async () => {
    const knex = await prepared(name);
    const ago = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString();
    const old = { leaseEndsAt: Infinity, replayableUntil: ago(9) };
    const parts = { housekeeping: new Housekeeping(() => 1), now: () => Date.now() - 9 * DAY_MS };
    await knex.transaction((trx) => once(eventMessage(old), trx, () => undefined, {}, parts));
    expect(await done(knex, eventMessage({ replayed: true, replayableUntil: ago(9) }))).toBe(false);
    expect(await done(knex, eventMessage({ id: "e2", replayed: true, replayableUntil: ago(7) }))).toBe(true);
    await expect(
      done(knex, eventMessage({ id: "e3", replayed: true, replayableUntil: ago(10) })),
    ).rejects.toThrow(ReplayTooOld);
  });

  test("the table can have another name, and several may create it at once", async () => {
    const knex = await at.open(name);
    await Promise.all([1, 2, 3, 4].map(() => createOnceTable(knex, { table: "done_events" })));
    const take = () =>
      knex.transaction((trx) => eventMessage().once(trx, () => undefined, { table: "done_events" }));
    expect([await take(), await take()]).toEqual([true, false]);
  });
});

async function kept(knex: Knex): Promise<string[]> {
  return (await knex("hms_sync_once").pluck("event_id")).sort();
}

describe.each(["PostgreSQL", "MariaDB"] as const)("once on %s, two at a time", (name) => {
  test("the second waits for the first, and does nothing when that one commits", async () => {
    const knex = await prepared(name);
    const first = await knex.transaction();
    await eventMessage().once(first, () => first("effects").insert({ event: "by the first" }));
    const second = done(knex, eventMessage());
    await first.commit();
    expect(await second).toBe(false);
    expect(await effects(knex)).toEqual(["by the first"]);
  });

  test("the second does it when the first rolls back", async () => {
    const knex = await prepared(name);
    const first = await knex.transaction();
    await eventMessage().once(first, () => first("effects").insert({ event: "by the first" }));
    const second = done(knex, eventMessage());
    await first.rollback();
    expect(await second).toBe(true);
    expect(await effects(knex)).toEqual(["e1"]);
  });

  test("of twenty at once one does it, in each isolation that the database has", async () => {
    for (const isolationLevel of ["read committed", "repeatable read", "serializable"] as const) {
      const knex = await prepared(name);
      const tries = Array.from({ length: 20 }, () =>
        knex.transaction((trx) => eventMessage().once(trx, () => trx("effects").insert({ event: "e1" })), {
          isolationLevel,
        }),
      );
      const ran = (await Promise.allSettled(tries)).filter((end) => end.status === "fulfilled" && end.value);
      expect([isolationLevel, ran.length, await effects(knex)]).toEqual([isolationLevel, 1, ["e1"]]);
    }
  });
});

/** The three functions over a Map, for a driver that knex does not know. */
class MapStore implements OnceStore {
  readonly records = new Map<string, OnceRecord>();

  async insert(record: OnceRecord): Promise<boolean> {
    if (this.records.has(record.key)) return false;
    this.records.set(record.key, record);
    return true;
  }

  async oldest(): Promise<Date | undefined> {
    return [...this.records.values()]
      .map(({ keepUntil }) => keepUntil)
      .sort((a, b) => Number(a) - Number(b))[0];
  }

  async prune(before: Date): Promise<void> {
    for (const [key, { keepUntil }] of this.records) if (keepUntil < before) this.records.delete(key);
  }
}

test("three functions are enough for another driver", async () => {
  const store = new MapStore();
  let runs = 0;
  const take = () => eventMessage().once(store, () => runs++);
  expect([await take(), await take(), runs]).toEqual([true, false, 1]);
  expect([...store.records.values()]).toMatchObject([
    { consumer: "treasury", topic: "payments.issued", source: "hms-api", id: "e1", redo: null },
  ]);
});

test("a record lives as long as the event's window and a day more, and a day at least", async () => {
  const store = new MapStore();
  const end = Date.now() + 7 * DAY_MS;
  await eventMessage({ id: "in its window", replayableUntil: new Date(end).toISOString() }).once(
    store,
    () => undefined,
  );
  await eventMessage({ id: "late", replayableUntil: "2024-01-01T00:00:00Z" }).once(store, () => undefined);
  const [inWindow, late] = [...store.records.values()].map(({ keepUntil }) => keepUntil.getTime());
  expect(inWindow).toBe(end + DAY_MS);
  expect(Math.abs(late! - (Date.now() + DAY_MS))).toBeLessThan(60_000);
});

test("a machine that slept past the lease is found out by the wall clock", async () => {
  const store = new MapStore();
  let now = Date.now();
  const parts = { housekeeping: new Housekeeping(), now: () => now };
  const asleep = () => {
    now += HOUR_MS;
  };
  await expect(once(eventMessage(), store, asleep, {}, parts)).rejects.toThrow(StaleLease);
});

test("what is no transaction is refused with the remedy", async () => {
  const knex = await prepared("SQLite");
  await expect(eventMessage().once(knex, () => undefined)).rejects.toThrow(/inside knex\.transaction/);
  await expect(eventMessage().once({} as OnceStore, () => undefined)).rejects.toThrow(
    /without insert, oldest, prune/,
  );
  const injected = { table: "x; drop table effects" };
  await expect(done(knex, eventMessage(), injected)).rejects.toThrow(/write a plain name/);
});
