import fc from "fast-check";
import { expect, test } from "vitest";
import type { LedgerEntry } from "../../../src/ledger/ledger.js";
import { RecentEntries } from "../../../src/ledger/recent-entries.js";
import { compareIds } from "../../../src/redis/ledger-id.js";

const entry = (n: number): LedgerEntry => ({ id: `${n}-0`, body: Buffer.from(`event ${n}`), systems: "" });
const entries = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => entry(from + i));
const numbers = (found: readonly LedgerEntry[] | undefined) =>
  found?.map(({ id }) => Number(id.split("-")[0]));

test("what was appended without a gap is known, what came before it is not", () => {
  const recent = new RecentEntries();
  recent.append("4-0", entries(5, 8));
  expect(numbers(recent.range("4-0", "8-0", 500))).toEqual([5, 6, 7, 8]);
  expect(numbers(recent.range("5-0", "7-0", 500))).toEqual([6, 7]);
  expect(numbers(recent.range("5-0", "8-0", 2))).toEqual([6, 7]);
  expect(recent.range("3-0", "8-0", 500)).toBeUndefined();
  expect(recent.range("4-0", "9-0", 500)).toBeUndefined();
  expect(recent.range("8-0", "8-0", 500)).toEqual([]);
});

test("entries of another sidecar in between make it start anew instead of hiding them", () => {
  const recent = new RecentEntries();
  recent.append("0-0", entries(1, 3));
  recent.append("5-0", entries(6, 7));
  expect(recent.range("0-0", "7-0", 500)).toBeUndefined();
  expect(numbers(recent.range("5-0", "7-0", 500))).toEqual([6, 7]);
});

test("within its limits it keeps the newest entries and never answers from a stretch with a hole", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ size: fc.integer({ min: 1, max: 9 }), gap: fc.boolean() }), {
        minLength: 1,
        maxLength: 30,
      }),
      (steps) => {
        const recent = new RecentEntries(20, 400);
        const all: LedgerEntry[] = [];
        let last = 0;
        for (const { size, gap } of steps) {
          if (gap) all.push(...entries(last + 1, ++last));
          const added = entries(last + 1, last + size);
          recent.append(`${last}-0`, added);
          all.push(...added);
          last += size;
        }
        for (let after = 0; after <= last; after++) {
          const found = recent.range(`${after}-0`, `${last}-0`, 1_000);
          const truth = all.filter(({ id }) => compareIds(id, `${after}-0`) > 0);
          if (found !== undefined) expect(numbers(found)).toEqual(numbers(truth));
          else expect(after).toBeLessThan(last);
        }
      },
    ),
  );
});
