import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Delivery, Lease } from "../src/delivery.js";
import { compress, fitting, type SettleAction, SettleBatch, type Settlement } from "../src/settle-batch.js";
import { nobody } from "./support/holder.js";

const leases = ["r1.1", "r2.3", "r9.1"].map((name) => new Lease(name, 30_000, nobody));

function settlement(lease: number, index: number, action: SettleAction = "ack", reason?: string): Settlement {
  const delivery = new Delivery(leases[lease]!, index, 0);
  return { delivery, action, ...(reason === undefined ? {} : { reason }) };
}

const some = fc
  .uniqueArray(fc.tuple(fc.nat(2), fc.nat(30)), { selector: ([lease, index]) => lease * 100 + index })
  .chain((places) =>
    fc
      .array(
        fc.tuple(
          fc.constantFrom<SettleAction>("ack", "nack", "extend"),
          fc.constantFrom(undefined, "a", "b"),
        ),
        {
          minLength: places.length,
          maxLength: places.length,
        },
      )
      .map((kinds) =>
        places.map(([lease, index], i) => settlement(lease, index, kinds[i]![0], kinds[i]![1])),
      ),
  );

describe("compress", () => {
  test("a fully acked run is one entry", () => {
    const run = Array.from({ length: 500 }, (_, i) => settlement(0, i));
    expect(compress(run)).toEqual([{ token: "r1.1.0", action: "ack", to: 499 }]);
  });

  test("a lone event has no range, gaps, other actions and other leases divide", () => {
    const settles = [settlement(0, 0), settlement(0, 2), settlement(0, 3, "nack"), settlement(1, 4, "nack")];
    expect(compress(settles)).toEqual([
      { token: "r1.1.0", action: "ack" },
      { token: "r1.1.2", action: "ack" },
      { token: "r1.1.3", action: "nack" },
      { token: "r2.3.4", action: "nack" },
    ]);
  });

  test("the entries stand for exactly the settlements, in any order", () => {
    fc.assert(
      fc.property(some, (settlements) => {
        const said = compress(settlements).flatMap(({ token, to, action, reason }) => {
          const dot = token.lastIndexOf(".");
          const first = Number(token.slice(dot + 1));
          return Array.from(
            { length: (to ?? first) - first + 1 },
            (_, i) => `${token.slice(0, dot)} ${first + i} ${action} ${reason}`,
          );
        });
        const meant = settlements.map(
          ({ delivery, action, reason }) => `${delivery.lease.name} ${delivery.index} ${action} ${reason}`,
        );
        expect(said.sort()).toEqual(meant.sort());
      }),
    );
  });
});

describe("SettleBatch", () => {
  test("each settlement gets its result once, however the answers divide the range", () => {
    const batch = new SettleBatch(
      Array.from({ length: 6 }, (_, i) => settlement(0, i)),
      0,
    );
    const results: string[] = [];
    const answers = [
      { lease: "r1.1", first: 4, last: 5, result: "ok" },
      { lease: "r1.1", first: 0, last: 2, result: "stale" },
      { lease: "r1.1", first: 0, last: 0, result: "ok" }, // said twice
      { lease: "r7.7", first: 0, last: 900_000, result: "ok" }, // not asked
    ] as const;
    batch.resolve(answers, ({ delivery }, result) => results.push(`${delivery.index} ${result}`));
    expect(results.sort()).toEqual(["0 stale", "1 stale", "2 stale", "3 unknown", "4 ok", "5 ok"]);
  });
});

describe("fitting", () => {
  test("takes all of what compresses, and no more than fits of what does not", () => {
    const run = Array.from({ length: 5_000 }, (_, i) => settlement(0, i));
    expect(fitting(run)).toBe(5_000);
    const wordy = Array.from({ length: 500 }, (_, i) => settlement(0, i, "nack", `${i}${"x".repeat(990)}`));
    expect(JSON.stringify(compress(wordy.slice(0, fitting(wordy)))).length).toBeLessThan(200_000);
    const scattered = Array.from({ length: 5_000 }, (_, i) => settlement(0, i * 2));
    expect(fitting(scattered)).toBeLessThan(2_000);
  });

  test("one settle always fits, and nothing is nothing", () => {
    expect([fitting([]), fitting([settlement(0, 0, "term", "x".repeat(100_000))])]).toEqual([0, 1]);
  });
});
