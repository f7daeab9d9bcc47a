import { expect, test } from "vitest";
import { answerSettle, batchSettles, owedIndexes, parseToken } from "../../../src/fanout/settlement.js";

test.each([
  ["r1.1.0", { run: "r1", generation: 1, index: 0 }],
  ["r42.7.499", { run: "r42", generation: 7, index: 499 }],
])("%s is a token", (text, token) => {
  expect(parseToken(text)).toEqual(token);
});

test.each([
  "",
  "r1",
  "r1.1",
  "r1.1.",
  "r1.0.0",
  "r0.1.0",
  "r1.1.500",
  "r1.1.-1",
  "R1.1.0",
  "r1.1.0 ",
  "r1.1.0.0",
  "r1.1.1e2",
  `r${"9".repeat(40)}.1.0`,
])("%j is no token", (text) => {
  expect(parseToken(text)).toBeUndefined();
});

test("settles of one lease travel together, in their order, and remember which request they answer", () => {
  const batches = batchSettles([
    { token: "r1.1.0", action: "ack" },
    { token: "r2.1.0", action: "nack", delayMs: 5, reason: "busy" },
    { token: "rubbish", action: "ack" },
    { token: "r1.1.1", action: "ack", to: 9 },
    { token: "r1.2.1", action: "ack" },
    { token: "r1.1.5", action: "ack", to: 4 },
  ]);
  expect(
    batches.map(({ run, generation, operations }) => [
      run,
      generation,
      operations.map(({ request }) => request),
    ]),
  ).toEqual([
    ["r1", 1, [0, 3]],
    ["r2", 1, [1]],
    ["r1", 2, [4]],
  ]);
  expect(batches[1]!.operations[0]).toMatchObject({
    action: "nack",
    delayMs: 5,
    reason: "busy",
    first: 0,
    last: 0,
  });
  expect(batches[0]!.operations[1]).toMatchObject({ first: 1, last: 9 });
});

test("a range is answered by its stretches, a single token by one answer", () => {
  expect(answerSettle({ token: "r1.1.3", action: "ack" }, "s")).toEqual([
    { token: "r1.1.3", result: "stale" },
  ]);
  expect(answerSettle({ token: "r1.1.3", to: 7, action: "ack" }, "kksku")).toEqual([
    { token: "r1.1.3", to: 4, result: "ok" },
    { token: "r1.1.5", to: 5, result: "stale" },
    { token: "r1.1.6", to: 6, result: "ok" },
    { token: "r1.1.7", to: 7, result: "unknown" },
  ]);
});

test("only the owed events of a run are handed out", () => {
  expect(owedIndexes("oaonl-o")).toEqual([0, 2, 6]);
  expect(owedIndexes("aaa")).toEqual([]);
});
