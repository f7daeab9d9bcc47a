import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mutated } from "../../support/mutated.js";
import { startRedis, type TestRedis } from "../../support/redis.js";
import { histories, type Mutations, play } from "./model.js";

let server: TestRedis;
let admin: Redis;

beforeAll(async () => {
  server = await startRedis();
  admin = new Redis(server.url);
});
afterAll(async () => {
  admin.disconnect();
  await server.stop();
});

const runs = Number(process.env.MODEL_RUNS ?? 60);

test("in every history of two sidecars that may die between any two commands, no event is lost, none comes after its ack, no superseded lease settles", async () => {
  await fc.assert(
    fc.asyncProperty(histories, (steps) => play(server.url, admin, steps)),
    { numRuns: runs, endOnFailure: true },
  );
}, 300_000);

describe("the model turns red without", () => {
  const cases: [string, Mutations][] = [
    [
      "the generation check of SETTLE",
      {
        delivery: (scripts) => ({
          ...scripts,
          settle: mutated(
            scripts.settle,
            "local current = not finished and gen == record.gen",
            "local current = not finished",
          ),
        }),
      },
    ],
    [
      "the compare-and-set of the cursor",
      {
        delivery: (scripts) => ({
          ...scripts,
          advance: mutated(scripts.advance, "if cursor ~= ARGV[2] then", "if false then"),
        }),
      },
    ],
    [
      "the sweeper",
      {
        noSweeper: true,
        delivery: (scripts) => ({
          ...scripts,
          sweep: mutated(scripts.sweep, "record.deadline ~= ''", "false"),
        }),
      },
    ],
    [
      "the dedupe of the ledger",
      {
        ledger: (scripts) => ({
          ...scripts,
          record: mutated(scripts.record, "if seen then", "if false then"),
        }),
      },
    ],
  ];
  test.each(cases)(
    "%s",
    async (_name, mutations) => {
      const outcome = await fc.check(
        fc.asyncProperty(histories, (steps) => play(server.url, admin, steps, mutations)),
        { numRuns: 300, endOnFailure: true },
      );
      expect(outcome.failed).toBe(true);
    },
    300_000,
  );
});
