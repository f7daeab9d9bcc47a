import { expect, test } from "vitest";
import { Permanent } from "../../src/permanent.js";
import { classifySqlError, sqlReason, sqlRefusal } from "../../src/sql/index.js";
import { isAway } from "../../src/sql/sql-error.js";

const SECRET = "O'Hara-4711-secret";

/** An error as a driver throws it, with what knex puts before its message: the statement with its values. */
function thrown(fields: object, message = ""): Error {
  const prefix = `insert into "PAYMENTS" ("PAYEE") values ('${SECRET}') - `;
  return Object.assign(new Error(prefix + message), fields);
}
const mysql = (errno: number, code: string, sqlMessage: string) =>
  thrown({ errno, code, sqlMessage }, sqlMessage);
const mssql = (number: number, message: string) => thrown({ number, code: "EREQUEST" }, message);
const oracle = (errorNum: number, message: string) =>
  thrown({ errorNum, code: `ORA-${String(errorNum).padStart(5, "0")}` }, message);

test.each<[string, "permanent" | "retry", Error, string]>([
  ["pg unique", "permanent", thrown({ code: "23505", constraint: "payments_pkey" }), "23505 payments_pkey"],
  ["pg null", "permanent", thrown({ code: "23502", column: "PAYEE" }), "23502 PAYEE"],
  [
    "pg too long",
    "permanent",
    thrown({ code: "22001" }, "value too long for type character varying(40)"),
    "22001",
  ],
  ["pg overflow", "permanent", thrown({ code: "22003" }), "22003"],
  ["pg charset", "permanent", thrown({ code: "22P05" }), "22P05"],
  ["pg deadlock", "retry", thrown({ code: "40P01" }), "40P01"],
  ["pg serialization", "retry", thrown({ code: "40001" }), "40001"],
  ["pg lock timeout", "retry", thrown({ code: "55P03" }), "55P03"],
  ["pg no such table", "retry", thrown({ code: "42P01" }), "42P01"],
  ["pg no right", "retry", thrown({ code: "42501" }), "42501"],
  ["pg shut down", "retry", thrown({ code: "57P01" }), "57P01"],
  ["pg disk full", "retry", thrown({ code: "53100" }), "53100"],
  [
    "mysql unique",
    "permanent",
    mysql(1062, "ER_DUP_ENTRY", `Duplicate entry '${SECRET}' for key 'PAYMENTS.PRIMARY'`),
    "ER_DUP_ENTRY PAYMENTS.PRIMARY",
  ],
  [
    "mysql too long",
    "permanent",
    mysql(1406, "ER_DATA_TOO_LONG", "Data too long for column 'PAYEE' at row 1"),
    "ER_DATA_TOO_LONG PAYEE",
  ],
  [
    "mysql charset",
    "permanent",
    mysql(
      1366,
      "ER_TRUNCATED_WRONG_VALUE_FOR_FIELD",
      "Incorrect string value: '\\xE2\\x82' for column `db`.`PAYMENTS`.`PAYEE` at row 1",
    ),
    "ER_TRUNCATED_WRONG_VALUE_FOR_FIELD db.PAYMENTS.PAYEE",
  ],
  [
    "mysql fk",
    "permanent",
    mysql(
      1452,
      "ER_NO_REFERENCED_ROW_2",
      "Cannot add or update a child row: a foreign key constraint fails (`db`.`P`, CONSTRAINT `fk_case` FOREIGN KEY (`C`) REFERENCES `X` (`ID`))",
    ),
    "ER_NO_REFERENCED_ROW_2 fk_case",
  ],
  ["mysql deadlock", "retry", mysql(1213, "ER_LOCK_DEADLOCK", "Deadlock found"), "ER_LOCK_DEADLOCK"],
  [
    "mysql lock timeout",
    "retry",
    mysql(1205, "ER_LOCK_WAIT_TIMEOUT", "Lock wait timeout exceeded"),
    "ER_LOCK_WAIT_TIMEOUT",
  ],
  [
    "mysql no such table",
    "retry",
    mysql(1146, "ER_NO_SUCH_TABLE", "Table 'db.PAYMENTS' doesn't exist"),
    "ER_NO_SUCH_TABLE",
  ],
  [
    "mysql gone",
    "retry",
    thrown({ code: "PROTOCOL_CONNECTION_LOST", errno: -104 }),
    "PROTOCOL_CONNECTION_LOST",
  ],
  [
    "sqlite unique",
    "permanent",
    thrown({ code: "SQLITE_CONSTRAINT_PRIMARYKEY" }, "UNIQUE constraint failed: PAYMENTS.ID"),
    "SQLITE_CONSTRAINT_PRIMARYKEY PAYMENTS.ID",
  ],
  [
    "sqlite3 unique",
    "permanent",
    thrown(
      { code: "SQLITE_CONSTRAINT", errno: 19 },
      "SQLITE_CONSTRAINT: UNIQUE constraint failed: PAYMENTS.ID",
    ),
    "SQLITE_CONSTRAINT PAYMENTS.ID",
  ],
  ["sqlite busy", "retry", thrown({ code: "SQLITE_BUSY" }), "SQLITE_BUSY"],
  ["sqlite full", "retry", thrown({ code: "SQLITE_FULL" }), "SQLITE_FULL"],
  [
    "mssql unique",
    "permanent",
    mssql(
      2627,
      `Violation of PRIMARY KEY constraint 'PK_PAY'. Cannot insert duplicate key in object 'dbo.PAYMENTS'. The duplicate key value is (${SECRET}).`,
    ),
    "MSSQL 2627 PK_PAY",
  ],
  [
    "mssql too long",
    "permanent",
    mssql(
      2628,
      `String or binary data would be truncated in table 'db.dbo.PAYMENTS', column 'PAYEE'. Truncated value: '${SECRET}'.`,
    ),
    "MSSQL 2628 PAYEE",
  ],
  [
    "mssql overflow",
    "permanent",
    mssql(8115, "Arithmetic overflow error converting nvarchar to data type numeric."),
    "MSSQL 8115",
  ],
  ["mssql deadlock", "retry", mssql(1205, "Transaction was deadlocked"), "MSSQL 1205"],
  ["mssql lock timeout", "retry", mssql(1222, "Lock request time out period exceeded."), "MSSQL 1222"],
  ["mssql snapshot conflict", "retry", mssql(3960, "Snapshot isolation transaction aborted"), "MSSQL 3960"],
  [
    "oracle unique",
    "permanent",
    oracle(1, "ORA-00001: unique constraint (LEGACY.PK_PAY) violated"),
    "ORA-00001 LEGACY.PK_PAY",
  ],
  [
    "oracle too long",
    "permanent",
    oracle(
      12899,
      'ORA-12899: value too large for column "LEGACY"."PAYMENTS"."PAYEE" (actual: 50, maximum: 40)',
    ),
    "ORA-12899 LEGACY.PAYMENTS.PAYEE",
  ],
  [
    "oracle null",
    "permanent",
    oracle(1400, 'ORA-01400: cannot insert NULL into ("LEGACY"."PAYMENTS"."PAYEE")'),
    "ORA-01400 LEGACY.PAYMENTS.PAYEE",
  ],
  [
    "oracle number",
    "permanent",
    oracle(1438, "ORA-01438: value larger than specified precision allowed for this column"),
    "ORA-01438",
  ],
  [
    "oracle deadlock",
    "retry",
    oracle(60, "ORA-00060: deadlock detected while waiting for resource"),
    "ORA-00060",
  ],
  [
    "oracle serialization",
    "retry",
    oracle(8177, "ORA-08177: can't serialize access for this transaction"),
    "ORA-08177",
  ],
  ["oracle gone", "retry", thrown({ code: "NJS-500" }), "NJS-500"],
  ["refused", "retry", thrown({ code: "ECONNREFUSED" }), "ECONNREFUSED"],
  ["knex pool", "retry", thrown({ name: "KnexTimeoutError" }), "KnexTimeoutError"],
  ["a bug of the handler", "retry", new TypeError(`${SECRET} is not a function`), "TypeError"],
])("%s: %s, and what is told of it holds no value", (_name, kind, error, reason) => {
  expect(classifySqlError(error)).toBe(kind);
  expect(sqlReason(error)).toBe(reason);
  const refusal = sqlRefusal(error);
  if (kind === "retry") expect(refusal).toBe(error);
  else
    expect(refusal).toMatchObject({ name: "Permanent", reason: `the database refuses the row: ${reason}` });
});

test("a value that looks like a message of the database is not taken for a name", () => {
  const tricky = "x' for key 'secret'";
  expect(sqlReason(mysql(1062, "ER_DUP_ENTRY", `Duplicate entry '${tricky}' for key 'PRIMARY'`))).toBe(
    "ER_DUP_ENTRY PRIMARY",
  );
  const repeated = "Violation of PRIMARY KEY constraint 'secret'";
  const message = `Violation of PRIMARY KEY constraint 'PK'. The duplicate key value is (${repeated}).`;
  expect(sqlReason(mssql(2627, message))).toBe("MSSQL 2627");
});

test("what is no error of a database is tried again, and a Permanent stays what it is", () => {
  for (const odd of [undefined, null, "text", 7, {}, { code: 23505 }])
    expect(classifySqlError(odd)).toBe("retry");
  const permanent = new Permanent("mapping: …");
  expect(classifySqlError(permanent)).toBe("permanent");
  expect(sqlRefusal(permanent)).toBe(permanent);
});

test.each([
  "ECONNREFUSED",
  "ECONNRESET",
  "PROTOCOL_CONNECTION_LOST",
  "57P01",
  "57P03",
  "ORA-03113",
  "NJS-500",
])("%s says that the database is away", (code) =>
  expect(isAway(Object.assign(new Error(), { code }))).toBe(true),
);
