import { expect, test } from "vitest";
import { readArguments } from "../src/arguments.js";
import { scaffold } from "./support.js";

test("a table, key or schema without a topic is the only topic's, with one it is that topic's", () => {
  const one = readArguments(["x", "--topic", "a.b", "--table", "T", "--key", "NO,LINE"]);
  expect(one).toMatchObject({ name: "x", topics: ["a.b"], tables: new Map([["", "T"]]) });
  expect(one.keys).toEqual(new Map([["", ["NO", "LINE"]]]));
  const two = readArguments(["x", "--topic=a.b", "--topic=c", "--table=c=T", "--schema=a.b=dir/s.json"]);
  expect(two.tables).toEqual(new Map([["c", "T"]]));
  expect(two.schemas).toEqual(new Map([["a.b", "dir/s.json"]]));
});

test.each([
  ["an adapter's name", ["Treasury"], /"Treasury" is no name for an adapter; write .* like treasury-payroll/],
  ["a name that leads elsewhere", ["../x"], /"\.\.\/x" is no name/],
  ["a name that the bus has", ["admin"], /"admin" is taken/],
  ["a topic", ["x", "--topic", "Pay Ments"], /"Pay Ments" is no name of a topic/],
  [
    "a database",
    ["x", "--db", "postgress"],
    /"postgress" is no database .* \(did you mean postgres\?\); write one of postgres, mysql/,
  ],
  ["a table", ["x", "--topic=a", "--table", "T; drop"], /"T; drop" is no name of a table/],
  ["an option", ["x", "--tabel", "T"], /no option --tabel \(did you mean --table\?\)/],
  ["a value that is missing", ["x", "--db"], /--db.* argument missing/],
  ["a second name", ["x", "y"], /one NAME is taken, and 2 are given: x y/],
  [
    "a table of no topic",
    ["x", "--topic=payments", "--table=payment=T"],
    /payment is none .* \(did you mean payments\?\)/,
  ],
  ["a table of any of two topics", ["x", "--topic=a", "--topic=b", "--table=T"], /write --table a=T/],
  ["a table given twice", ["x", "--topic=a", "--table=T", "--table=U"], /--table is given twice/],
])("%s that cannot work is refused with 2, its value and the remedy", async (_, argv, message) => {
  const { code, err, out } = await scaffold(argv);
  expect(err).toMatch(message);
  expect({ code, out }).toEqual({ code: 2, out: "" });
});

test.each([
  ["a name", [], /NAME is missing/],
  ["a topic", ["x", "--db=sqlite"], /--topic is missing/],
  ["a database", ["x", "--topic=a"], /--db is missing; write one of postgres/],
])("%s that is missing where nobody can be asked is named with its flag", async (_, argv, message) => {
  const { code, err } = await scaffold([...argv, "--yes"]);
  expect(err).toMatch(message);
  expect(code).toBe(2);
});

test("--json tells errors as JSON, too", async () => {
  const { err, code } = await scaffold(["x", "--db=nothing", "--json"]);
  expect(JSON.parse(err)).toMatchObject({ code: "usage", detail: expect.stringContaining("nothing") });
  expect(code).toBe(2);
});

test("help and version need nothing else", async () => {
  expect(await scaffold(["--help"])).toMatchObject({
    code: 0,
    out: expect.stringContaining("--topic TOPIC"),
  });
  expect(await scaffold(["-V"])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});
