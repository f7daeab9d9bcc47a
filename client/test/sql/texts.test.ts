import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import knex from "knex";
import { expect, test } from "vitest";
import { Housekeeping } from "../../src/sql/housekeeping.js";
import { type Dialect, type KnexLike, onceTableDdl, upsertStatement } from "../../src/sql/index.js";
import { once } from "../../src/sql/once.js";
import { eventMessage } from "../support/message.js";

/*
 * No SQL Server and no Oracle runs here. What would be sent to them, as knex's own compilers write it (they need no driver
 * for it), is held here against the syntax of their manuals: MERGE and INSERT … OUTPUT in Transact-SQL, MERGE and
 * EXECUTE IMMEDIATE in Oracle's SQL and PL/SQL language references.
 */
const clients = { mssql: "mssql", oracle: "oracledb" } as const;

/** A knex of that kind which records what it is to run, and answers `rows`; drivers are not installed. */
function recording(dialect: keyof typeof clients, answer: (sql: string) => unknown) {
  const sent: { sql: string; bindings: readonly unknown[] }[] = [];
  const base = compiler(dialect);
  const trx: KnexLike = {
    client: base.client,
    isTransaction: true,
    raw(sql, bindings) {
      const native = base
        .raw(sql, bindings as string[])
        .toSQL()
        .toNative();
      sent.push({ sql: native.sql, bindings: native.bindings as unknown[] });
      return Promise.resolve().then(() => answer(sql));
    },
  };
  return { trx, sent };
}

function compiler(dialect: keyof typeof clients) {
  const Client = loadClient(clients[dialect]);
  return knex({ client: Client });
}

function loadClient(name: string): typeof knex.Client {
  class WithoutDriver extends require_(name) {
    _driver() {
      return {};
    }
  }
  return WithoutDriver as unknown as typeof knex.Client;
}

function require_(name: string): new (...args: unknown[]) => object {
  return createRequire(import.meta.url)(`knex/lib/dialects/${name}/index.js`);
}

const row = { PAY_ID: 7, AMT: "10.10", NOTE: null };

test("SQL Server: upsert is a MERGE that locks the key's range and ends with a semicolon", () => {
  const statement = upsertStatement(compiler("mssql"), "dbo.PAYMENTS", row, ["PAY_ID"]);
  const { sql, bindings } = compiler("mssql")
    .raw(statement.sql, statement.bindings as string[])
    .toSQL()
    .toNative();
  expect(sql).toBe(
    "merge into [dbo].[PAYMENTS] with (holdlock) as target using (select @p0 as [PAY_ID], @p1 as [AMT], @p2 as [NOTE]) as source" +
      " on (target.[PAY_ID] = source.[PAY_ID]) when matched then update set target.[AMT] = source.[AMT], target.[NOTE] = source.[NOTE]" +
      " when not matched then insert ([PAY_ID], [AMT], [NOTE]) values (source.[PAY_ID], source.[AMT], source.[NOTE]);",
  );
  expect(bindings).toEqual([7, "10.10", null]);
});

test("Oracle: upsert is a MERGE from dual, without AS before an alias and without a semicolon", () => {
  const statement = upsertStatement(compiler("oracle"), "LEGACY.PAYMENTS", row, ["PAY_ID"]);
  const { sql, bindings } = compiler("oracle")
    .raw(statement.sql, statement.bindings as string[])
    .toSQL()
    .toNative();
  expect(sql).toBe(
    'merge into "LEGACY"."PAYMENTS" target using (select :1 as "PAY_ID", :2 as "AMT", :3 as "NOTE" from dual) source' +
      ' on (target."PAY_ID" = source."PAY_ID") when matched then update set target."AMT" = source."AMT", target."NOTE" = source."NOTE"' +
      ' when not matched then insert ("PAY_ID", "AMT", "NOTE") values (source."PAY_ID", source."AMT", source."NOTE")',
  );
  expect(bindings).toEqual([7, "10.10", null]);
});

test("SQL Server: once inserts unless the record is there, and sees which by the rows that come out", async () => {
  for (const rows of [[{ event_key: "…" }], []]) {
    const { trx, sent } = recording("mssql", () => rows);
    const parts = { housekeeping: new Housekeeping(() => 1), now: Date.now };
    expect(await once(eventMessage(), trx, () => undefined, {}, parts)).toBe(rows.length === 1);
    expect(sent.map(({ sql }) => sql)).toEqual([
      "insert into hms_sync_once (event_key, consumer, topic, source, event_id, redo, done_at, keep_until)" +
        " output inserted.event_key select @p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7 where not exists" +
        " (select 1 from hms_sync_once with (updlock, holdlock) where event_key = @p8)",
    ]);
    expect(sent[0]!.bindings).toHaveLength(9);
  }
});

test("Oracle: once inserts, and takes ORA-00001 for an event that was done before", async () => {
  const taken = recording("oracle", () => {
    throw Object.assign(new Error("ORA-00001: unique constraint (L.SYS_C1) violated"), {
      errorNum: 1,
      code: "ORA-00001",
    });
  });
  expect(await once(eventMessage(), taken.trx, () => undefined)).toBe(false);
  const free = recording("oracle", () => []);
  expect(await once(eventMessage(), free.trx, () => undefined)).toBe(true);
  expect(free.sent[0]!.sql).toBe(
    "insert into hms_sync_once (event_key, consumer, topic, source, event_id, redo, done_at, keep_until)" +
      " values (:1, :2, :3, :4, :5, :6, :7, :8)",
  );
  expect(free.sent[0]!.bindings).not.toContain(""); // which is NULL in Oracle
});

test.each([
  [
    "mssql",
    "with expired as (select top (500) event_key from hms_sync_once where consumer = @p0 and topic = @p1 and keep_until < @p2 order by keep_until, event_key) delete from expired",
  ],
  [
    "oracle",
    "delete from hms_sync_once where event_key in (select event_key from (select event_key from hms_sync_once where consumer = :1 and topic = :2 and keep_until < :3 order by keep_until, event_key) where rownum <= 500)",
  ],
] as const)("%s: expired records go by some hundred, the earliest first", async (dialect, expected) => {
  const { trx, sent } = recording(dialect, () => [{ event_key: "…" }]);
  let now = Date.now();
  const parts = { housekeeping: new Housekeeping(() => 0), now: () => now };
  await once(eventMessage({ leaseEndsAt: Infinity }), trx, () => undefined, {}, parts);
  now += 600_000;
  await once(eventMessage({ leaseEndsAt: Infinity, id: "e2" }), trx, () => undefined, {}, parts);
  expect(sent.at(-1)!.sql).toBe(expected);
});

test("a table in SQL Server or Oracle is made unless it is there", () => {
  expect(onceTableDdl("mssql", "dbo.done")).toEqual([
    expect.stringMatching(/^if object_id\('dbo\.done'\) is null create table dbo\.done \(/),
    expect.stringMatching(/create index done_keep on dbo\.done \(consumer, topic, keep_until\)$/),
  ]);
  for (const block of onceTableDdl("oracle")) {
    expect(block).toMatch(
      /^begin\n {2}execute immediate '[^']+';\nexception when others then if sqlcode != -955 then raise; end if;\nend;$/,
    );
  }
});

test("docs/sql-adapters.md shows the table of each database as createOnceTable makes it", () => {
  const docs = readFileSync(resolve(import.meta.dirname, "../../../docs/sql-adapters.md"), "utf8");
  for (const dialect of ["postgres", "mysql", "sqlite", "mssql", "oracle"] satisfies Dialect[]) {
    for (const statement of onceTableDdl(dialect)) expect(docs).toContain(statement);
  }
});
