import { describe, expect, test } from "vitest";
import { CastFailure, type CastStep, castChain, compileCasts } from "../../../src/envelope/cast.js";

function cast(payload: string, ...up: CastStep[]): string {
  return compileCasts({ up }, "f").up(payload);
}

function failureOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof CastFailure) return error.reason;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("a step changes what it names and nothing else", () => {
  test.each<[string, string, CastStep, string]>([
    [
      "a renamed member keeps its place",
      '{"a":1,"b":2,"c":3}',
      { rename: { from: "/b", to: "x" } },
      '{"a":1,"x":2,"c":3}',
    ],
    ["what is not there is not renamed", '{"a":1}', { rename: { from: "/b", to: "x" } }, '{"a":1}'],
    [
      "a rename inside an object",
      '{"o":{"a":1}}',
      { rename: { from: "/o/a", to: "b/c" } },
      '{"o":{"b/c":1}}',
    ],
    [
      "a rename in every element",
      '{"l":[{"a":1},7,{"a":2}]}',
      { rename: { from: "/l/*/a", to: "b" } },
      '{"l":[{"b":1},7,{"b":2}]}',
    ],
    [
      "a rename in one element",
      '{"l":[{"a":1},{"a":2}]}',
      { rename: { from: "/l/1/a", to: "b" } },
      '{"l":[{"a":1},{"b":2}]}',
    ],
    [
      "a star that is a member's name",
      '{"*":{"a":1}}',
      { rename: { from: "/*/a", to: "b" } },
      '{"*":{"b":1}}',
    ],
    ["a name with escapes", '{"\\u0061":1}', { rename: { from: "/a", to: "é" } }, '{"é":1}'],
    ["a name that a pointer escapes", '{"a/b~":1}', { drop: "/a~1b~0" }, "{}"],
    [
      "a move makes the objects on the way",
      '{"zip":"1","n":0}',
      { move: { from: "/zip", to: "/a/b/zip" } },
      '{"n":0,"a":{"b":{"zip":"1"}}}',
    ],
    [
      "a move takes the objects that it leaves empty",
      '{"a":{"b":{"zip":"1"}},"n":0}',
      { move: { from: "/a/b/zip", to: "/zip" } },
      '{"n":0,"zip":"1"}',
    ],
    [
      "a move leaves what is not empty",
      '{"a":{"b":{"zip":"1"},"c":1}}',
      { move: { from: "/a/b/zip", to: "/zip" } },
      '{"a":{"c":1},"zip":"1"}',
    ],
    ["a move inside one object", '{"a":{"b":1}}', { move: { from: "/a/b", to: "/a/c" } }, '{"a":{"c":1}}'],
    ["a move of nothing makes nothing", '{"n":0}', { move: { from: "/zip", to: "/a/zip" } }, '{"n":0}'],
    [
      "a move in every element",
      '{"l":[{"a":1},{},{"a":{}}]}',
      { move: { from: "/l/*/a", to: "/l/*/o/a" } },
      '{"l":[{"o":{"a":1}},{},{"o":{"a":{}}}]}',
    ],
    [
      "a move out of an element, which stays",
      '{"l":[{"a":1}]}',
      { move: { from: "/l/0/a", to: "/a" } },
      '{"l":[{}],"a":1}',
    ],
    [
      "a set replaces",
      '{"a":[1],"b":2}',
      { set: { path: "/a", value: { x: null } } },
      '{"a":{"x":null},"b":2}',
    ],
    [
      "a set adds, with the objects on the way",
      "{}",
      { set: { path: "/o/a", value: "é" } },
      '{"o":{"a":"é"}}',
    ],
    [
      "a set in every element",
      '{"l":[{},{"a":1}]}',
      { set: { path: "/l/*/a", value: 0 } },
      '{"l":[{"a":0},{"a":0}]}',
    ],
    ["a default fills what is absent", '{"o":{}}', { default: { path: "/o/a", value: 1 } }, '{"o":{"a":1}}'],
    ["a default leaves null", '{"a":null}', { default: { path: "/a", value: 1 } }, '{"a":null}'],
    ["a default makes no objects on the way", "{}", { default: { path: "/o/a", value: 1 } }, "{}"],
    ["a drop", ' { "a" : 1 , "b" : [ 1 ] } ', { drop: "/a" }, '{"b" : [ 1 ]}'],
    [
      "a map of a text",
      '{"s":"D\\u006fne"}',
      { map: { path: "/s", values: { Done: "Completed" } } },
      '{"s":"Completed"}',
    ],
    [
      "a map of a number, true and null",
      '{"l":[1,true,null,1.0,"1"]}',
      { map: { path: "/l/*", values: { 1: "one", true: 2, null: [] } } },
      '{"l":["one",2,[],"one","one"]}',
    ],
    [
      "a map keeps what it does not name",
      '{"s":1.50,"t":{}}',
      { map: { path: "/s", values: { x: 1 } } },
      '{"s":1.50,"t":{}}',
    ],
    [
      "a map does not round long integers",
      '{"s":9007199254740993}',
      { map: { path: "/s", values: { 9007199254740992: 1 } } },
      '{"s":9007199254740993}',
    ],
    [
      "a map with another value for the rest",
      '{"s":{"a":1}}',
      { map: { path: "/s", values: { x: 1 }, otherwise: { value: null } } },
      '{"s":null}',
    ],
    [
      "a map that fails minds only values that are there",
      "{}",
      { map: { path: "/s", values: { x: 1 }, otherwise: "fail" } },
      "{}",
    ],
    [
      "names of JavaScript's own are names like others",
      '{"__proto__":1}',
      { rename: { from: "/__proto__", to: "constructor" } },
      '{"constructor":1}',
    ],
  ])("%s", (_what, payload, step, expected) => {
    expect(cast(payload, step)).toBe(expected);
  });
});

describe("what cannot be cast fails with the place and without the value", () => {
  test.each<[string, string, CastStep, string]>([
    [
      "a rename onto another member",
      '{"a":"secret","b":2}',
      { rename: { from: "/a", to: "b" } },
      "/a cannot be named b: there is a member of that name already",
    ],
    [
      "a move onto another value",
      '{"a":"secret","o":{"b":2}}',
      { move: { from: "/a", to: "/o/b" } },
      "/a cannot move to /o/b: there is a value already",
    ],
    [
      "a move through a text",
      '{"a":1,"o":"secret"}',
      { move: { from: "/a", to: "/o/b" } },
      "/o/b cannot be written: /o is no object",
    ],
    [
      "a set in a payload that is no object",
      "5",
      { set: { path: "/a", value: 1 } },
      "/a cannot be written: the payload is no object",
    ],
    [
      "a set in an element that is not there",
      '{"l":[]}',
      { set: { path: "/l/0/a", value: 1 } },
      "/l/0/a cannot be written: /l is no object",
    ],
    [
      "a value that a strict map does not name",
      '{"s":"secret"}',
      { map: { path: "/s", values: { x: 1 }, otherwise: "fail" } },
      "/s has a value that the map does not name",
    ],
  ])("%s", (_what, payload, step, expected) => {
    const reason = failureOf(() => cast(payload, { drop: "/nothing" }, step));
    expect(reason).toBe(`f, step 2 of up: ${expected}`);
  });

  test("a direction that is not declared", () => {
    expect(failureOf(() => compileCasts({ up: [] }, "f").down("{}"))).toMatch(
      /^f has no steps for down; add them/,
    );
  });
});

test.each([2_000, 100_000])("a value in each of %d elements does not grow without bound", (elements) => {
  const payload = JSON.stringify({ l: Array(elements).fill({}) });
  const reason = failureOf(() => cast(payload, { set: { path: "/l/*/a", value: "x".repeat(10_000) } }));
  expect(reason).toBe("f, up: the payload becomes more than 16777216 characters longer");
});

test("steps are done in order, each on what the one before left", () => {
  const swap: CastStep[] = [
    { rename: { from: "/a", to: "c" } },
    { rename: { from: "/b", to: "a" } },
    { rename: { from: "/c", to: "b" } },
  ];
  expect(cast('{"a":1,"b":2}', ...swap)).toBe('{"b":1,"a":2}');
});

test("an empty list of steps leaves the text as it is", () => {
  expect(cast(' { "a" : 1 } ')).toBe(' { "a" : 1 } ');
});

describe("a chain over versions", () => {
  const mark = (version: number) =>
    compileCasts(
      {
        up: [{ rename: { from: `/v${version - 1}`, to: `v${version}` } }],
        down: [{ rename: { from: `/v${version}`, to: `v${version - 1}` } }],
      },
      `v${version}`,
    );
  const casts = new Map([4, 2, 3].map((version) => [version, mark(version)]));

  test("goes up and down in order, whatever order the casts were read in", () => {
    expect(castChain(casts, 1, 4)!('{"v1":0}')).toBe('{"v4":0}');
    expect(castChain(casts, 4, 1)!('{"v4":0}')).toBe('{"v1":0}');
    expect(castChain(casts, 3, 2)!('{"v3":0}')).toBe('{"v2":0}');
  });

  test("is nothing where no version between has casts", () => {
    expect(castChain(casts, 4, 9)).toBeUndefined();
    expect(castChain(casts, 3, 3)).toBeUndefined();
  });
});
