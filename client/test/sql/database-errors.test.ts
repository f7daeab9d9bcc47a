import type { Knex } from "knex";
import knexOf from "knex";
import { describe, expect, test } from "vitest";
import { classifySqlError, createOnceTable, sqlReason, upsert, writeOnce } from "../../src/sql/index.js";
import { isAway } from "../../src/sql/sql-error.js";
import { type DatabaseName, databases } from "../support/databases.js";
import { eventMessage } from "../support/message.js";

// What docs/sql-adapters.md says of errors and settings, by what real databases do.
const at = databases("PostgreSQL", "MariaDB", "SQLite");

/** What each database says to the same mistakes. */
const mistakes: readonly [string, (table: string) => string, Record<DatabaseName, string | undefined>][] = [
  [
    "a key twice",
    (t) => `insert into ${t} (id, payee, amount) values (1, 'x', 1)`,
    {
      PostgreSQL: "23505 payments_pkey",
      MariaDB: "ER_DUP_ENTRY PRIMARY",
      SQLite: "SQLITE_CONSTRAINT_PRIMARYKEY payments.id",
    },
  ],
  [
    "NULL",
    (t) => `insert into ${t} (id, payee, amount) values (2, null, 1)`,
    {
      PostgreSQL: "23502 payee",
      MariaDB: "ER_BAD_NULL_ERROR payee",
      SQLite: "SQLITE_CONSTRAINT_NOTNULL payments.payee",
    },
  ],
  [
    "a check",
    (t) => `insert into ${t} (id, payee, amount) values (2, 'x', -1)`,
    {
      PostgreSQL: "23514 positive",
      MariaDB: "ER_CONSTRAINT_FAILED positive",
      SQLite: "SQLITE_CONSTRAINT_CHECK positive",
    },
  ],
  [
    "a foreign key",
    (t) => `insert into ${t} (id, payee, amount, batch) values (2, 'x', 1, 99)`,
    {
      PostgreSQL: "23503 in_batch",
      MariaDB: "ER_NO_REFERENCED_ROW_2 in_batch",
      SQLite: "SQLITE_CONSTRAINT_FOREIGNKEY",
    },
  ],
  [
    "too long",
    (t) => `insert into ${t} (id, payee, amount) values (2, '${"x".repeat(11)}', 1)`,
    { PostgreSQL: "22001", MariaDB: "ER_DATA_TOO_LONG payee", SQLite: undefined },
  ],
  [
    "a number too large",
    (t) => `insert into ${t} (id, payee, amount) values (2, 'x', 12345678901.00)`,
    { PostgreSQL: "22003", MariaDB: "ER_WARN_DATA_OUT_OF_RANGE amount", SQLite: undefined },
  ],
  [
    "no date",
    (t) => `insert into ${t} (id, payee, amount, paid) values (2, 'x', 1, '2023-02-30')`,
    { PostgreSQL: "22008", MariaDB: "ER_TRUNCATED_WRONG_VALUE db.payments.paid", SQLite: undefined },
  ],
];

async function payments(knex: Knex): Promise<void> {
  await knex.raw("create table batches (id integer not null primary key)");
  await knex.raw(
    "create table payments (id integer not null, payee varchar(10) not null, amount decimal(12,2) not null, paid date, batch integer," +
      " constraint payments_pkey primary key (id), constraint positive check (amount > 0)," +
      " constraint in_batch foreign key (batch) references batches (id))",
  );
  await knex.raw("insert into payments (id, payee, amount) values (1, 'first', 1)");
}

describe.each<DatabaseName>(["PostgreSQL", "MariaDB", "SQLite"])("what %s really says", (name) => {
  test("mistakes of a row are permanent, named by code and constraint", async () => {
    const knex = await at.open(name);
    if (name === "SQLite") await knex.raw("pragma foreign_keys = on");
    await payments(knex);
    for (const [what, sql, expected] of mistakes) {
      const error = await knex.raw(sql("payments")).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (expected[name] === undefined) {
        expect([what, error]).toEqual([what, undefined]); // SQLite takes it: the mapping's types are what refuses it
        await knex.raw("delete from payments where id = 2");
        continue;
      }
      const reason = sqlReason(error).replace(/hms_[0-9a-f]{12}/, "db");
      expect([what, classifySqlError(error), reason]).toEqual([what, "permanent", expected[name]]);
    }
  });
});

describe.each(["PostgreSQL", "MariaDB"] as const)("trouble on %s that passes", (name) => {
  test("a deadlock is to be tried again, and the other transaction commits", async () => {
    const knex = await at.open(name);
    await payments(knex);
    await knex.raw("insert into payments (id, payee, amount) values (2, 'second', 1)");
    const [one, two] = [await knex.transaction(), await knex.transaction()];
    await one("payments").where({ id: 1 }).update({ payee: "one" });
    await two("payments").where({ id: 2 }).update({ payee: "two" });
    const crossed = [
      one("payments")
        .where({ id: 2 })
        .update({ payee: "one" })
        .then(() => one.commit()),
      two("payments")
        .where({ id: 1 })
        .update({ payee: "two" })
        .then(() => two.commit()),
    ];
    const ends = await Promise.allSettled(crossed);
    const failed = ends.filter((end) => end.status === "rejected");
    expect(failed).toHaveLength(1);
    expect(classifySqlError(failed[0]!.reason)).toBe("retry");
    expect(sqlReason(failed[0]!.reason)).toBe(name === "MariaDB" ? "ER_LOCK_DEADLOCK" : "40P01");
    await Promise.all([one, two].map((trx) => (trx.isCompleted() ? undefined : trx.rollback())));
  });

  test("a server that dies under a transaction is away, and so is one that cannot be reached", async () => {
    const knex = await at.open(name);
    await payments(knex);
    const trx = await knex.transaction();
    trx.executionPromise.catch(() => undefined);
    await trx("payments").insert({ id: 3, payee: "x", amount: 1 });
    await at.server(name).kill();
    const told: unknown[] = [];
    await trx("payments")
      .select()
      .catch((error: unknown) => told.push(error));
    await knex("payments")
      .select()
      .catch((error: unknown) => told.push(error));
    await trx.rollback().catch(() => undefined); // gives the dead connection back
    await at.server(name).restart();
    expect(told.map((error) => [isAway(error), classifySqlError(error)])).toEqual([
      [true, "retry"],
      [true, "retry"],
    ]);
    expect(await knex("payments").pluck("id")).toEqual([1]);
  });

  test("a lock that lasts too long is to be tried again", async () => {
    const knex = await at.open(name);
    await payments(knex);
    const holder = await knex.transaction();
    await holder("payments").where({ id: 1 }).update({ payee: "held" });
    const waiting = knex.transaction(async (trx) => {
      await trx.raw(
        name === "PostgreSQL" ? "set local lock_timeout = '50ms'" : "set innodb_lock_wait_timeout = 1",
      );
      await trx("payments").where({ id: 1 }).update({ payee: "late" });
    });
    const reason = name === "PostgreSQL" ? "55P03" : "ER_LOCK_WAIT_TIMEOUT";
    expect(await judged(waiting)).toEqual(["retry", reason]);
    await holder.rollback();
  });

  test("what no event is to blame for is to be tried again: no such table or column, no right", async () => {
    const knex = await at.open(name);
    await payments(knex);
    const codes = {
      PostgreSQL: ["42P01", "42703", "42501"],
      MariaDB: ["ER_NO_SUCH_TABLE", "ER_BAD_FIELD_ERROR", "ER_DBACCESS_DENIED_ERROR"],
    };
    const forbidden = {
      PostgreSQL: "create table pg_catalog.payments (id integer)",
      MariaDB: "insert into information_schema.tables (table_name) values ('payments')",
    };
    const statements = [
      upsert(knex, "nowhere", { id: 1 }, ["id"]),
      upsert(knex, "payments", { id: 1, nothing: 1 }, ["id"]),
      knex.raw(forbidden[name]),
    ];
    const told = await Promise.all(statements.map(judged));
    expect(told).toEqual(codes[name].map((code) => ["retry", code]));
  });
});

test("no connection in time is a database that is away", async () => {
  const { client } = await at.open("PostgreSQL");
  const knex = knexOf({ ...client.config, pool: { min: 0, max: 1 }, acquireConnectionTimeout: 2_000 });
  const holder = await knex.transaction();
  const error = await failureOf(knex.select(1));
  expect([isAway(error), sqlReason(error)]).toEqual([true, "KnexTimeoutError"]);
  await holder.rollback();
  await knex.destroy();
});

test("PostgreSQL: of two serializable transactions that cross, one is to be tried again", async () => {
  const knex = await at.open("PostgreSQL");
  await payments(knex);
  const crossing = (id: number, before: Promise<unknown>, read: () => void) =>
    knex.transaction(
      async (trx) => {
        await trx("payments").sum("amount");
        read();
        await before;
        await trx("payments").insert({ id, payee: "x", amount: 1 });
      },
      { isolationLevel: "serializable" },
    );
  let bothHaveRead = () => {};
  const read = new Promise<void>((resolve) => {
    bothHaveRead = resolve;
  });
  const first = crossing(2, read, () => undefined);
  const second = crossing(3, first, bothHaveRead);
  await first;
  expect(await judged(second)).toEqual(["retry", "40001"]);
});

test("a COMMIT that fails is told by knex.transaction(fn) and executionPromise; trx.commit() keeps it to itself", async () => {
  const knex = await at.open("PostgreSQL");
  await knex.raw(
    "create table t (id integer, constraint one_each unique (id) deferrable initially deferred)",
  );
  await knex.raw("insert into t values (1)");
  const twice = (trx: Knex.Transaction) => trx.raw("insert into t values (1)");
  expect(await judged(knex.transaction(twice))).toEqual(["permanent", "23505 one_each"]);
  const trx = await knex.transaction();
  const end = judged(trx.executionPromise);
  await twice(trx);
  await trx.commit(); // as knex has it: why docs/sql-adapters.md wants a function
  expect(await end).toEqual(["permanent", "23505 one_each"]);
});

test("SQLite: a disk that is full is no event's fault", async () => {
  const knex = await at.open("SQLite");
  await payments(knex);
  await knex.raw("pragma max_page_count = 1");
  const fill = knex("payments").insert({ id: 2, payee: "x".repeat(100_000), amount: 1 });
  expect(await judged(fill)).toEqual(["retry", "SQLITE_FULL"]);
});

test("a foreign key whose row is only late: what is thrown instead brings the event again", async () => {
  const knex = await at.open("MariaDB");
  await payments(knex);
  await createOnceTable(knex);
  const late = Object.assign(new Error("the batch is not there yet"), { code: "batch_is_late" });
  const write = () =>
    writeOnce(knex, eventMessage({ id: "e1" }), async (trx) => {
      await trx("payments")
        .insert({ id: 2, payee: "x", amount: 1, batch: 7 })
        .catch((error: unknown) => {
          throw sqlReason(error) === "ER_NO_REFERENCED_ROW_2 in_batch" ? late : error;
        });
    });
  expect(await failureOf(write())).toBe(late);
  await knex("batches").insert({ id: 7 });
  expect(await write()).toBe(true);
});

test("MariaDB without strict mode cuts silently what is too long", async () => {
  const knex = await at.open("MariaDB");
  await payments(knex);
  await knex.transaction(async (trx) => {
    await trx.raw("set sql_mode = ''");
    await trx("payments").insert({ id: 2, payee: "x".repeat(11), amount: 1 });
  });
  expect(await knex("payments").where({ id: 2 }).first("payee")).toEqual({ payee: "x".repeat(10) });
});

test("MariaDB takes any unique index of the table for the key of an upsert", async () => {
  const knex = await at.open("MariaDB");
  await payments(knex);
  await knex.raw("create unique index one_each on payments (payee)");
  await upsert(knex, "payments", { id: 2, payee: "first", amount: "2.00" }, ["id"]);
  expect(await knex("payments").select("id", "payee", "amount")).toEqual([
    { id: 1, payee: "first", amount: "2.00" },
  ]);
});

test("a table in MyISAM keeps what a transaction takes back", async () => {
  const knex = await at.open("MariaDB");
  await knex.raw("create table old (id integer) engine = MyISAM");
  await createOnceTable(knex);
  const write = writeOnce(knex, eventMessage(), async (trx) => {
    await trx("old").insert({ id: 1 });
    throw new Error("later in the transaction");
  });
  await expect(write).rejects.toThrow("later in the transaction");
  expect(await knex("old").pluck("id")).toEqual([1]);
  expect(await knex("hms_sync_once").pluck("event_id")).toEqual([]);
});

/** How the failure of some work is judged. */
async function judged(work: PromiseLike<unknown>): Promise<[string, string]> {
  const error = await failureOf(work);
  return [classifySqlError(error), sqlReason(error)];
}

async function failureOf(work: PromiseLike<unknown>): Promise<unknown> {
  return await work.then(
    () => expect.fail("it should have failed"),
    (error: unknown) => error,
  );
}
