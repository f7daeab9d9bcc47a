import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import knex, { type Knex } from "knex";
import Database from "libsql";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sqliteConfig } from "../../../test/support/sqlite.js";
import { sqliteLocking } from "../../src/sql/index.js";

let path: string;
let db: Knex;
/** Another program with the same file open. */
let other: Database.Database;

beforeEach(async () => {
  path = join(mkdtempSync(join(tmpdir(), "locking-")), "db.sqlite");
  db = knex({ ...sqliteConfig(path), pool: { min: 1, max: 1, afterCreate: sqliteLocking } });
  await db.raw("create table t (x unique)");
  other = new Database(path);
});
afterEach(async () => {
  if (other.open) other.close();
  await db.destroy();
});

const write = (x: number) =>
  db.transaction(async (trx) => {
    await trx.raw("insert into t values (?) returning x", [x]);
  });
/** What others see: a connection sees its own open transaction. */
const stored = () => {
  const reader = new Database(path);
  try {
    return reader.prepare("select x from t order by x").raw().all().flat();
  } finally {
    reader.close();
  }
};

test("a transaction that finds the file locked fails before it has done anything, and the next ones are stored", async () => {
  other.exec("BEGIN IMMEDIATE");
  await expect(write(1)).rejects.toMatchObject({ code: "SQLITE_BUSY" });
  other.exec("COMMIT");
  await write(1);
  await write(2);
  expect(stored()).toEqual([1, 2]);
});

test("a transaction that a reader keeps from being committed is rolled back, and the next ones are stored", async () => {
  other.exec("BEGIN");
  other.prepare("select * from t").all();
  await expect(write(1)).rejects.toMatchObject({ code: "SQLITE_BUSY" });
  other.exec("COMMIT");
  await write(2);
  await write(1);
  expect(stored()).toEqual([1, 2]);
});

test("a transaction that fails by itself is rolled back as ever", async () => {
  await write(1);
  await expect(write(1)).rejects.toMatchObject({ code: expect.stringMatching(/^SQLITE_CONSTRAINT/) });
  await write(2);
  expect(stored()).toEqual([1, 2]);
});
