import { describe, expect, test } from "vitest";
import {
  byteSize,
  counted,
  duration,
  fields,
  printable,
  printableBytes,
  printableLines,
  table,
} from "../../../src/cli/text.js";

describe("text of others on a terminal", () => {
  test.each([
    ["\u001b[2J\u001b]0;owned\u0007", "\\x1b[2J\\x1b]0;owned\\x07"],
    ["\u009b31m\u007f", "\\x9b31m\\x7f"],
    ["a\u202eb\u2066c\ufeff", "a\\u{202e}b\\u{2066}c\\u{feff}"],
    ["two\nlines\tand\rmore", "two\\nlines\\tand\\rmore"],
    ["\ud800 alone", "\\u{d800} alone"],
    ["Zürich 日本 🏥 App\\Events\\X", "Zürich 日本 🏥 App\\Events\\X"],
  ])("%j can neither steer it nor break the line", (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test("lines of an error stay lines", () => {
    expect(printableLines("one\ntwo\u001b[m")).toBe("one\ntwo\\x1b[m");
  });

  test("bytes that are no UTF-8 are shown as what they are, the rest as text", () => {
    expect(printableBytes(Buffer.from([0x7b, 0xff, 0xc3, 0xa9, 0xc3, 0x00, 0xf0, 0x9f, 0x8f, 0xa5]))).toBe(
      "{\\xffé\\xc3\\x00🏥",
    );
  });

  test("a megabyte is cut and its size is told", () => {
    const shown = printableBytes(Buffer.alloc(1_048_576, "x"));
    expect(shown).toMatch(/^x{2000}… \(1048576 bytes; --json shows all\)$/);
    const beginning = printableBytes(Buffer.alloc(65_536, "x"), 1_048_576);
    expect(beginning).toMatch(/^x{2000}… \(1048576 bytes; --json shows the first 65536\)$/);
  });
});

describe("tables", () => {
  test("columns are aligned, numbers to the right, and no line ends with spaces", () => {
    expect(
      table(
        ["NAME", "OWED"],
        [
          ["a", 5],
          ["longer", 1234],
        ],
      ),
    ).toBe(["NAME    OWED", "a          5", "longer  1234"].join("\n"));
  });

  test("a table without rows is its header", () => {
    expect(table(["NAME", "OWED"], [])).toBe("NAME  OWED");
  });

  test("a cell cannot break out of its line", () => {
    expect(table(["A"], [["x\ny"]])).toBe("A\nx\\ny");
  });

  test("fields stand below each other", () => {
    expect(
      fields([
        ["id", "1"],
        ["system", "x"],
      ]),
    ).toBe("id      1\nsystem  x");
  });
});

test.each([
  [604_800_000, "7d"],
  [5_400_000, "1h 30m"],
  [250, "250ms"],
  [0, "0s"],
])("%d ms are %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1_000, "1.0 kB"],
  [12_345_678, "12.3 MB"],
])("%d bytes are %s", (bytes, text) => {
  expect(byteSize(bytes)).toBe(text);
});

test("one is singular", () => {
  expect([counted(1, "topic"), counted(0, "topic")]).toEqual(["1 topic", "0 topics"]);
});
