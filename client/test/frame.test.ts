import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseFrame, parseSettled } from "../src/frame.js";
import { frame } from "./support/scripted-bus.js";

const lease = (indexes: unknown, lengths: unknown, rest: object = {}) => ({
  lease: "r1.1",
  attempt: 1,
  replayed: false,
  ack_wait_ms: 1_000,
  indexes,
  lengths,
  ...rest,
});
const framed = (leases: unknown, body = "", rest: object = {}) =>
  Buffer.from(`${JSON.stringify({ leases, settled: [], ...rest })}\n${body}`);

describe("parseFrame", () => {
  test("gives each event its index and its bytes, over ranges and leases", () => {
    const body = framed(
      [
        lease(
          [
            [0, 1],
            [5, 5],
          ],
          [1, 2, 3],
        ),
        lease([[7, 7]], [2], { lease: "r2.1", attempt: 4 }),
      ],
      "abbcccdd",
    );
    const { leases } = parseFrame(body);
    const events = leases.flatMap(({ lease: name, events }) =>
      events.map(({ index, start, end }) => `${name}.${index} ${body.toString("utf8", start, end)}`),
    );
    expect(events).toEqual(["r1.1.0 a", "r1.1.1 bb", "r1.1.5 ccc", "r2.1.7 dd"]);
    expect(leases.map(({ attempt, ackWaitMs }) => [attempt, ackWaitMs])).toEqual([
      [1, 1_000],
      [4, 1_000],
    ]);
  });

  test("lengths count bytes, not characters", () => {
    const bodies = ["é🙂", "x"];
    const body = framed(
      [
        lease(
          [[0, 1]],
          bodies.map((text) => Buffer.byteLength(text)),
        ),
      ],
      bodies.join(""),
    );
    const [only] = parseFrame(body).leases;
    expect(only!.events.map(({ start, end }) => body.toString("utf8", start, end))).toEqual(bodies);
  });

  test.each([
    ["nothing", Buffer.from("")],
    ["no line", Buffer.from("{}")],
    ["no JSON", Buffer.from("<html>\n")],
    ["no object", Buffer.from("[]\n")],
    ["no leases", framed(undefined)],
    ["a body that is too short", framed([lease([[0, 0]], [5])], "abc")],
    ["a body that is too long", framed([lease([[0, 0]], [1])], "abc")],
    ["more indexes than lengths", framed([lease([[0, 1]], [1])], "a")],
    ["more lengths than indexes", framed([lease([[0, 0]], [1, 1])], "aa")],
    ["a range of a billion", framed([lease([[0, 1e9]], [1])], "a")],
    ["a range that is none", framed([lease([[1]], [1])], "a")],
    ["a negative length", framed([lease([[0, 1]], [2, -1])], "a")],
    ["a lease without a name", framed([lease([[0, 0]], [1], { lease: 1 })], "a")],
    ["a lease without ack_wait_ms", framed([lease([[0, 0]], [1], { ack_wait_ms: 0 })], "a")],
    ["a result that is none", framed([], "", { settled: [{ token: "r1.1.0", result: "maybe" }] })],
  ])("%s is a typed, retryable error", (_what, body) => {
    expect(() => parseFrame(body)).toThrow(
      expect.objectContaining({ code: "malformed_response", retryable: true }),
    );
  });

  test("a cut or changed answer is refused with a typed error or read, never anything else", () => {
    const whole = frame("r1.1", 3);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
        const broken = Buffer.from(cut ? whole.subarray(0, at) : whole);
        if (!cut) broken[at] = byte;
        try {
          parseFrame(broken);
        } catch (error) {
          expect(error).toMatchObject({ code: "malformed_response" });
        }
      }),
    );
  });
});

test("parseSettled reads single answers and ranges", () => {
  expect(
    parseSettled([
      { token: "r1.2.7", result: "ok" },
      { token: "r1.2.8", to: 9, result: "stale" },
    ]),
  ).toEqual([
    { lease: "r1.2", first: 7, last: 7, result: "ok" },
    { lease: "r1.2", first: 8, last: 9, result: "stale" },
  ]);
});
