import { expect, test } from "vitest";
import { Permanent } from "../../src/permanent.js";
import { type ColumnMapping, checkMapping, type Mapping, rowOf } from "../../src/sql/index.js";
import { eventMessage } from "../support/message.js";

const columnOf = (column: ColumnMapping, payload: string) =>
  rowOf({ C: { from: "payload.v", ...column } }, `{"v":${payload}}`).C;

test.each<[ColumnMapping, string, unknown]>([
  [{ type: "decimal(12,2)" }, "1234567890.12", "1234567890.12"],
  [{ type: "decimal(12,2)" }, '"99.90"', "99.90"],
  [
    { type: "decimal(38,10)" },
    "1234567890123456789012345678.0123456789",
    "1234567890123456789012345678.0123456789",
  ],
  [{ type: "decimal(12,2)" }, "1e3", "1000.00"],
  [{ type: "smallint" }, "-32768", -32768],
  [{ type: "integer" }, "42", 42],
  [{ type: "integer" }, "4.2e1", 42],
  [{ type: "bigint" }, "9007199254740993", "9007199254740993"],
  [{ type: "double" }, "0.5", 0.5],
  [{}, "9007199254740993", "9007199254740993"],
  [{}, '"text"', "text"],
  [{}, "true", true],
  [{ type: "text(5)" }, '"año 1"', "año 1"],
  [{ type: "text(2)" }, '"😀😀"', "😀😀"],
  [{ type: "text(4)" }, "1337", "1337"],
  [{ type: "text(3)", truncate: true }, '"a😀bc"', "a😀b"],
  [{ type: "text(4 bytes)", truncate: true }, '"a😀bc"', "a"],
  [{ type: "char(4)" }, '"ab"', "ab  "],
  [{ type: "char(2)", truncate: true }, '"a😀b"', "a😀"],
  [{ type: "text(9)", charset: "ascii", substitute: "?" }, '"Zoë"', "Zo?"],
  [{ type: "text(9)", charset: "latin1" }, '"Zoë Ñ"', "Zoë Ñ"],
  [{ type: "text(9)", charset: "windows-1252" }, '"5 € – “x”"', "5 € – “x”"],
  [{ type: "text(9)", charset: "latin1", substitute: "?" }, '"Łódź €"', "?ód? ?"],
  [{ type: "date" }, '"1899-12-31"', "1899-12-31"],
  [{ type: "date" }, '"1969-12-31T23:30:00-06:00"', "1970-01-01"],
  [{ type: "date", timeZone: "America/Chicago" }, '"1970-01-01T05:59:59Z"', "1969-12-31"],
  [{ type: "date(YYYYMMDD)" }, '"1955-11-05"', "19551105"],
  [{ type: "timestamp" }, '"1969-07-20T20:17:40.9Z"', "1969-07-20 20:17:40"],
  [{ type: "timestamp" }, '"1831-07-20T20:17:40-05:00"', "1831-07-21 01:17:40"],
  [{ type: "timestamp(3)" }, '"1969-07-20T20:17:40.9Z"', "1969-07-20 20:17:40.900"],
  [{ type: "timestamp", timeZone: "America/Chicago" }, '"2024-07-01T00:00:00Z"', "2024-06-30 19:00:00"],
  [{ type: "timestamp" }, '"2024-04-23 15:02:11"', "2024-04-23 15:02:11"],
  [{ type: "timestamp(YYYYMMDDHH24MISS)" }, '"2024-04-23T15:02:11Z"', "20240423150211"],
  [{ type: "timestamptz" }, '"2024-04-23T15:02:11+02:00"', "2024-04-23 13:02:11.000000+00:00"],
  [{ type: "epoch(s)" }, '"1969-12-31T23:59:58.5Z"', -2],
  [{ type: "epoch(ms)" }, '"2024-04-23T15:02:11.123Z"', 1713884531123],
  [{ type: "boolean(Y/N)" }, "true", "Y"],
  [{ type: "boolean(Y/N)" }, "false", "N"],
  [{ type: "boolean(1/0)" }, "false", "0"],
  [{ type: "boolean" }, "false", false],
  [{ type: "json" }, '{"a":[1.10]}', '{"a":[1.10]}'],
  [{ type: "char(1)", values: { Completed: "C", Closed: "X" } }, '"Closed"', "X"],
  [{ values: { "1": "one", true: "yes" } }, "1", "one"],
  [{ values: { a: null } }, '"a"', null],
  [{ values: { a: "A" }, otherwise: "?" }, '"z"', "?"],
  [{ type: "decimal(5,2)" }, "null", null],
  [{ type: "decimal(5,2)", default: 0 }, "null", "0.00"],
  [{ type: "text", default: "" }, "null", ""],
])("with %j the field %s becomes %j", (column, payload, expected) => {
  expect(columnOf(column, payload)).toEqual(expected);
});

test.each<[ColumnMapping, string, string]>([
  [{ type: "decimal(5,2)" }, "1000", "payload.v -> C decimal(5,2): too large"],
  [{ type: "decimal(5,2)" }, "1.234", "payload.v -> C decimal(5,2): too many decimal places"],
  [{ type: "decimal(5,2)" }, '"4711 USD"', "payload.v -> C decimal(5,2): no number"],
  [{ type: "integer" }, "2147483648", "payload.v -> C integer: too large"],
  [{ type: "integer" }, "1.5", "payload.v -> C integer: too many decimal places"],
  [{ type: "smallint" }, "32768", "payload.v -> C smallint: too large"],
  [{ type: "bigint" }, "9223372036854775808", "payload.v -> C bigint: too large"],
  [{ type: "bigint" }, "0.5", "payload.v -> C bigint: too many decimal places"],
  [{ type: "char(3)" }, '"4711"', "payload.v -> C char(3): too long"],
  [{ type: "text(3)" }, '"4711"', "payload.v -> C text(3): too long"],
  [{ type: "text(3 bytes)" }, '"añb"', "payload.v -> C text(3 bytes): too long"],
  [{ type: "text(3)" }, '"\\ud800"', "payload.v -> C text(3): half of a surrogate pair"],
  [{ type: "text(3)", charset: "latin1" }, '"€"', "payload.v -> C text(3): a character that latin1 has not"],
  [{ charset: "ascii" }, '"ë"', "payload.v -> C: a character that ascii has not"],
  [{ charset: "windows-1252" }, '"Ł"', "payload.v -> C: a character that windows-1252 has not"],
  [{ charset: "utf8mb3" }, '"😀"', "payload.v -> C: a character that utf8mb3 has not"],
  [{ type: "date" }, '"2023-02-29"', "payload.v -> C date: no date or time"],
  [{ type: "date" }, '"04/23/2024"', "payload.v -> C date: no date or time"],
  [{ type: "timestamp" }, '"2024-04-23T24:00:00Z"', "payload.v -> C timestamp: no date or time"],
  [{ type: "boolean(Y/N)" }, '"yes"', "payload.v -> C boolean(Y/N): neither true nor false"],
  [{ type: "epoch(s)" }, '"2023-02-29"', "payload.v -> C epoch(s): no date or time"],
  [{ type: "text" }, "[1]", "payload.v -> C text: an object or a list, no single value"],
  [{ type: "text" }, '{"a":1}', "payload.v -> C text: an object or a list, no single value"],
  [{ type: "text" }, "true", "payload.v -> C text: true or false, no text; say which with values"],
  [{ values: { a: 1 } }, '"b"', "payload.v -> C: none of the values that are named"],
  [{ required: true }, "null", "payload.v -> C: missing"],
  [{ from: "payload.v.w" }, "[1]", "payload.v.w -> C: no object where w should be in"],
])("with %j the field %s is refused for good, and not quoted", (column, payload, reason) => {
  const refused = () => columnOf(column, payload);
  expect(refused).toThrow(Permanent);
  expect(refused).toThrow(expect.objectContaining({ reason: `mapping: ${reason}` }));
});

test("fields come from the payload's depths, by pointers, and from the envelope", () => {
  const mapping: Mapping = {
    ZIP: "payload.address.zip",
    ODD: { from: "/a.b/c~1d" },
    EVENT: "envelope.id",
    KIND: { from: "envelope.type" },
    SRC: { constant: "HMS" },
    NONE: { constant: null },
    GONE: "payload.address.street.no",
  };
  const payload = '{"address":{"zip":"60601"},"a.b":{"c/d":7}}';
  const row = { ZIP: "60601", ODD: "7", EVENT: "e9", KIND: "T", SRC: "HMS", NONE: null, GONE: null };
  const message = eventMessage({ id: "e9", payload });
  expect(rowOf(mapping, message.data, message)).toEqual(row);
  expect(rowOf(mapping, message.data, message.envelope)).toEqual(row);
  expect(() => rowOf(mapping, payload)).toThrow(/give rowOf the message, too/);
});

test("a field that is not there is as one that is null", () => {
  const column = (more: ColumnMapping) =>
    rowOf({ C: { from: "payload.v", type: "integer", ...more } }, "{}").C;
  expect(column({})).toBeNull();
  expect(column({ default: 7 })).toBe(7);
  expect(column({ default: 7, required: true })).toBe(7);
  expect(() => column({ required: true })).toThrow("mapping: payload.v -> C integer: missing");
});

test("all problems of an event are told at once", () => {
  const mapping: Mapping = {
    A: { from: "payload.a", type: "integer" },
    B: { from: "payload.b", required: true },
  };
  expect(() => rowOf(mapping, '{"a":"x"}')).toThrow(
    expect.objectContaining({
      reason: "mapping: payload.a -> A integer: no number; payload.b -> B: missing",
    }),
  );
});

test.each<[unknown, RegExp]>([
  [{ C: { form: "payload.a" } }, /column C: form is no option; there are from, constant/],
  [{ C: {} }, /column C: give either from or constant/],
  [{ C: { from: "payload.a", constant: 1 } }, /column C: give either from or constant/],
  [{ C: "amount" }, /column C: from "amount" is no field; write payload.amount/],
  [{ C: "envelope.ids" }, /column C: from "envelope.ids" is no field of the envelope; there are id, topic/],
  [{ C: { from: "payload.a", type: "money" } }, /column C: type "money" is none; there are decimal\(12,2\)/],
  [{ C: { from: "payload.a", type: "decimal" } }, /column C: type "decimal" is none/],
  [{ C: { from: "payload.a", type: "decimal(2,5)" } }, /column C: type "decimal\(2,5\)" is none/],
  [{ C: { from: "payload.a", type: "integer(4)" } }, /column C: type "integer\(4\)" is none/],
  [{ C: { from: "payload.a", charset: "latin-1" } }, /column C: charset "latin-1" is none/],
  [{ C: { from: "payload.a", type: "date", timeZone: "Chicago" } }, /column C: timeZone "Chicago" is none/],
  [
    { C: { from: "payload.a", type: "integer", default: "x" } },
    /column C: "x" does not fit integer: no number/,
  ],
  [
    { C: { from: "payload.a", type: "text(1)", values: { a: "AB" } } },
    /column C: "AB" does not fit text\(1\): too long/,
  ],
  [{ C: { from: "payload.a", otherwise: 1 } }, /column C: otherwise needs values/],
  [{ C: null }, /column C: write the field it comes from/],
  [{}, /there is no column/],
  [{ A: "x", B: "y" }, /column A: .*\ncolumn B: /],
])("the mapping %j is refused with its remedy", (mapping, message) => {
  const check = () => checkMapping(mapping as Mapping);
  expect(check).toThrow(expect.objectContaining({ code: "invalid_mapping" }));
  expect(check).toThrow(message);
});
