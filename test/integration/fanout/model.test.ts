import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DeliveryScripts } from "../../../src/fanout/delivery-records.js";
import type { Script } from "../../../src/redis/scripts.js";
import { mutated } from "../../support/mutated.js";
import { startRedis, type TestRedis } from "../../support/redis.js";
import { histories, historiesWithReplays, type Mutations, play } from "./model.js";
import type { Promises } from "./reference.js";

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

const ordered: fc.Arbitrary<Promises> = fc.record({ keys: fc.constantFrom(1, 2, 5, 60) });
const limited: fc.Arbitrary<Promises> = fc.record(
  { keys: fc.constantFrom(2, 60), maxInFlight: fc.constantFrom(1, 3, 6) },
  { requiredKeys: ["maxInFlight"] },
);

test.each([
  ["with order by key, no event is handed out before the earlier ones of its key are settled", ordered],
  ["with max_in_flight, never more events are in flight", limited],
])(
  "in every history, %s",
  async (_name, promises) => {
    await fc.assert(
      fc.asyncProperty(histories, promises, (steps, promised) =>
        play(server.url, admin, steps, {}, promised),
      ),
      { numRuns: runs, endOnFailure: true },
    );
  },
  300_000,
);

test.each([
  ["", fc.constant<Promises>({})],
  [", with order by key", ordered],
  [", with max_in_flight", limited],
])(
  "in every history with replays%s, each event of a window that was not owed comes once more, and what is live as ever",
  async (_name, promises) => {
    await fc.assert(
      fc.asyncProperty(historiesWithReplays, promises, (steps, promised) =>
        play(server.url, admin, steps, {}, promised),
      ),
      { numRuns: runs, endOnFailure: true },
    );
  },
  300_000,
);

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

describe("the model with order and limit turns red without", () => {
  const cases: [string, fc.Arbitrary<Promises>, (scripts: DeliveryScripts) => Partial<DeliveryScripts>][] = [
    [
      "the look at held keys in ADVANCE",
      ordered,
      ({ advance }) => ({ advance: mutated(advance, "taken[i] == 1 or nth > 1", "nth > 1") }),
    ],
    [
      "the order inside a cut",
      ordered,
      ({ advance }) => ({ advance: mutated(advance, "taken[i] == 1 or nth > 1", "taken[i] == 1") }),
    ],
    [
      "the key being kept over a nack",
      ordered,
      ({ settle }) => ({
        settle: mutated(
          settle,
          "nack(index, operation)\n    mark",
          "free_key(record, index) nack(index, operation)\n    mark",
        ),
      }),
    ],
    [
      "the order of parked events",
      ordered,
      ({ settle }) => ({
        settle: mutated(
          settle,
          "redis.call('ZRANGEBYLEX', parked, '[' .. key, '(' .. key .. '\\255'",
          "redis.call('ZREVRANGEBYLEX', parked, '(' .. key .. '\\255', '[' .. key",
        ),
      }),
    ],
    [
      "handing on what was parked",
      ordered,
      ({ settle }) => ({ settle: mutated(settle, "redis.call('ZADD', freed, unpack(next_up))", "") }),
    ],
    [
      "the keys of a part being those of the whole",
      ordered,
      (scripts) => ({
        settle: mutated(scripts.settle, "if parent.keys then", "if false then"),
        lease: mutated(scripts.lease, "if parent.keys then", "if false then"),
      }),
    ],
    [
      "the count of LEASE",
      limited,
      ({ lease }) => ({
        lease: mutated(lease, "local room = limit and limit - in_flight(limit)", "local room = limit"),
      }),
    ],
    [
      "the count of ADVANCE",
      limited,
      ({ advance }) => ({ advance: mutated(advance, "in_flight(limit) + owed <= limit", "true") }),
    ],
    [
      "admitting what was throttled",
      limited,
      (scripts) => {
        const shut = (script: Script) =>
          mutated(script, "while redis.call('ZCARD', throttled) > 0 do", "while false do");
        return { lease: shut(scripts.lease), settle: shut(scripts.settle), sweep: shut(scripts.sweep) };
      },
    ],
  ];
  test.each(cases)(
    "%s",
    async (_name, promises, mutate) => {
      const delivery = (scripts: DeliveryScripts) => ({ ...scripts, ...mutate(scripts) });
      const outcome = await fc.check(
        fc.asyncProperty(histories, promises, (steps, promised) =>
          play(server.url, admin, steps, { delivery }, promised),
        ),
        { numRuns: 300, endOnFailure: true },
      );
      expect(outcome.failed).toBe(true);
    },
    300_000,
  );
});

describe("the model with replays turns red without", () => {
  const none = fc.constant<Promises>({});
  const cases: [string, fc.Arbitrary<Promises>, Mutations][] = [
    [
      "the look at what is owed already",
      none,
      replaying(({ replay }) => ({
        replay: mutated(replay, "redis.call('SADD', spared, unpack(ARGV, 4))", ""),
      })),
    ],
    [
      "the mark of what a replay brought, over retries",
      none,
      replaying(({ settle }) => ({ settle: mutated(settle, "if parent.redo then", "if false then") })),
    ],
    [
      "the look at held keys",
      ordered,
      replaying(({ replayCut }) => ({
        replayCut: mutated(replayCut, "taken[i] == 1 or nth > 1", "nth > 1"),
      })),
    ],
    [
      "the mark of what was parked",
      ordered,
      replaying(({ settle }) => ({
        settle: mutated(settle, "if redo then mark_replayed(range, redo) end", ""),
      })),
    ],
  ];
  test.each(cases)(
    "%s",
    async (_name, promises, mutations) => {
      const outcome = await fc.check(
        fc.asyncProperty(historiesWithReplays, promises, (steps, promised) =>
          play(server.url, admin, steps, mutations, promised),
        ),
        { numRuns: 300, endOnFailure: true },
      );
      expect(outcome.failed).toBe(true);
    },
    300_000,
  );
});

function replaying(mutate: (scripts: DeliveryScripts) => Partial<DeliveryScripts>): Mutations {
  return { delivery: (scripts) => ({ ...scripts, ...mutate(scripts) }) };
}
