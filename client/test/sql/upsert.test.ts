import type { Knex } from "knex";
import { describe, expect, test } from "vitest";
import { type Mapping, rowOf, upsert } from "../../src/sql/index.js";
import { type DatabaseName, databases } from "../support/databases.js";

const at = databases("PostgreSQL", "MariaDB", "SQLite");

/** Mixed case, a reserved word and a space: names as legacy tables have them. */
async function table(knex: Knex): Promise<void> {
  await knex.schema.createTable("Pay Table", (columns) => {
    columns.integer("PAY_ID").notNullable();
    columns.integer("line").notNullable();
    columns.string("Order", 20);
    columns.decimal("AMT", 12, 2);
    columns.primary(["PAY_ID", "line"]);
  });
}

describe.each<DatabaseName>(["PostgreSQL", "MariaDB", "SQLite"])("upsert on %s", (name) => {
  test("inserts a row, and changes the one with the same key", async () => {
    const knex = await at.open(name);
    await table(knex);
    const write = (PAY_ID: number, Order: string | null) =>
      knex.transaction((trx) =>
        upsert(trx, "Pay Table", { PAY_ID, line: 1, Order, AMT: "10.10" }, ["PAY_ID", "line"]),
      );
    await write(1, "first");
    await write(2, "other");
    await write(1, "changed");
    await write(1, null);
    expect(await knex("Pay Table").select("PAY_ID", "Order").orderBy("PAY_ID")).toEqual([
      { PAY_ID: 1, Order: null },
      { PAY_ID: 2, Order: "other" },
    ]);
  });

  test("a row that is nothing but its key is written once", async () => {
    const knex = await at.open(name);
    await table(knex);
    for (let n = 0; n < 2; n++) await upsert(knex, "Pay Table", { PAY_ID: 1, line: 2 }, ["PAY_ID", "line"]);
    expect(await knex("Pay Table").select("PAY_ID", "line")).toEqual([{ PAY_ID: 1, line: 2 }]);
  });

  test("a key that is missing, empty or NULL is refused", async () => {
    const knex = await at.open(name);
    await expect(upsert(knex, "t", { A: 1 }, [])).rejects.toThrow(/name the columns that a row is found by/);
    await expect(upsert(knex, "t", { A: 1 }, ["B"])).rejects.toThrow(/key is "B"; the row has A/);
    await expect(upsert(knex, "t", { A: null }, ["A"])).rejects.toThrow(/key column A is NULL/);
  });
});

const mapping: Mapping = {
  ID: { from: "payload.id", type: "integer" },
  AMT: { from: "payload.amount", type: "decimal(38,10)" },
  BORN: { from: "payload.born", type: "date" },
  AT: { from: "payload.at", type: "timestamp" },
  NAME: { from: "payload.name", type: "text(20)" },
  FLAG: { from: "payload.flag", type: "boolean(Y/N)" },
  NOTE: { from: "payload.note", default: null },
};

describe.each<DatabaseName>(["PostgreSQL", "MariaDB", "SQLite"])("a mapped row on %s", (name) => {
  test("is read back as it was sent: exact decimals, dates before 1970, NULLs", async () => {
    const knex = await at.open(name, name === "MariaDB" ? "CHARACTER SET utf8mb4" : "");
    const decimal = name === "SQLite" ? "text" : "decimal(38,10)"; // SQLite's numbers are floats
    const [q] = name === "MariaDB" ? ["`"] : ['"'];
    await knex.raw(
      `create table ${q}T${q} (${q}ID${q} integer primary key, ${q}AMT${q} ${decimal}, ${q}BORN${q} date, ${q}AT${q}` +
        ` ${name === "PostgreSQL" ? "timestamp" : "datetime"}, ${q}NAME${q} varchar(20), ${q}FLAG${q} char(1), ${q}NOTE${q} varchar(9))`,
    );
    const payload =
      '{"id":1,"amount":-1234567890123456789012345678.0123456789,"born":"1899-12-31","at":"1931-07-20T20:17:40-05:00",' +
      '"name":"Zoë 日本 😀","flag":true}';
    await upsert(knex, "T", rowOf(mapping, payload), ["ID"]);
    const text = name === "MariaDB" ? "char" : "text";
    const columns = ["AMT", "BORN", "AT", "NAME", "FLAG", "NOTE"].map(
      (c) => `cast(${q}${c}${q} as ${text}) as ${q}${c}${q}`,
    );
    const [row] = await knex.select(knex.raw(columns.join(", "))).from("T");
    expect(row).toEqual({
      AMT: "-1234567890123456789012345678.0123456789",
      BORN: "1899-12-31",
      AT: "1931-07-21 01:17:40",
      NAME: "Zoë 日本 😀",
      FLAG: "Y",
      NOTE: null,
    });
  });
});

describe("columns in Latin-1", () => {
  const latin = { NAME: { from: "payload.name", type: "text(20)", charset: "latin1" } } as const;

  test("on MariaDB what the charset has is stored, and what the mapping does not refuse the database does", async () => {
    const knex = await at.open("MariaDB", "CHARACTER SET latin1");
    await knex.raw("create table T (ID integer primary key, NAME varchar(20)) character set latin1");
    await upsert(knex, "T", { ID: 1, ...rowOf(latin, '{"name":"Zoë Ñandú"}') }, ["ID"]);
    expect(await knex("T").select(knex.raw("hex(NAME) as bytes"))).toEqual([{ bytes: "5A6FEB20D1616E64FA" }]);
    expect(() => rowOf(latin, '{"name":"Łódź"}')).toThrow(/a character that latin1 has not/);
    await expect(upsert(knex, "T", { ID: 2, NAME: "Łódź" }, ["ID"])).rejects.toMatchObject({ errno: 1366 });
  });

  test("on PostgreSQL the same", async () => {
    const knex = await at.open("PostgreSQL", "ENCODING 'LATIN1' TEMPLATE template0");
    await knex.raw('create table "T" ("ID" integer primary key, "NAME" varchar(20))');
    await upsert(knex, "T", { ID: 1, ...rowOf(latin, '{"name":"Zoë Ñandú"}') }, ["ID"]);
    const bytes = knex.raw(`encode(convert_to("NAME", 'LATIN1'), 'hex') as bytes`);
    expect(await knex("T").select(bytes)).toEqual([{ bytes: "5a6feb20d1616e64fa" }]);
    await expect(upsert(knex, "T", { ID: 2, NAME: "Łódź" }, ["ID"])).rejects.toMatchObject({ code: "22P05" });
  });
});
