import { expect, test } from "vitest";
import { jsonLogger } from "../src/index.js";
import { defaultLogger } from "../src/log.js";

const lines: string[] = [];
const stream = { write: (line: string) => void lines.push(line) };

function logged(fields: Record<string, unknown>): Record<string, unknown> {
  lines.length = 0;
  jsonLogger(stream).warn("it happened", fields);
  expect(lines[0]).toMatch(/^[^\n]*\n$/);
  return JSON.parse(lines[0]!);
}

test("the default logger writes plain lines", () => {
  const plain: string[] = [];
  defaultLogger((line) => plain.push(line)).warn("it happened", { topic: "t", count: 2 });
  expect(plain).toEqual(["hms-sync: it happened topic=t count=2\n"]);
});

test("jsonLogger writes one object a line", () => {
  expect(logged({ topic: "t", count: 2 })).toEqual({
    time: expect.stringMatching(/Z$/),
    level: "warn",
    msg: "it happened",
    topic: "t",
    count: 2,
  });
});

test("fields do not take the place of time, level and msg", () => {
  expect(logged({ level: "x", msg: "y", time: "z" })).toMatchObject({ level: "warn", msg: "it happened" });
});

test("a line is written whatever the fields are", () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  expect(logged({ big: 12345678901234567890n })).toMatchObject({ big: "12345678901234567890" });
  expect(logged({ circle })).toMatchObject({ msg: "it happened", circle: "[object Object]" });
});
