import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mutated } from "../../../support/mutated.js";
import { startRedis, type TestRedis } from "../../../support/redis.js";
import type { Consumer } from "./consumers.js";
import {
  histories,
  historiesOf,
  historiesWithLosses,
  historiesWithRetirements,
  minute,
  type Step,
} from "./history.js";
import { type Mutate, play } from "./world.js";

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

const numRuns = Number(process.env.MODEL_RUNS ?? 25);

// Odd multiples of five minutes: however the steps of ten add up, no end of one is near the moment of a step.
const policies = fc.record({
  ackWaitMs: fc.constantFrom(25 * minute, 45 * minute),
  maxDeliver: fc.constantFrom(1, 2, 4),
  backoffMs: fc.constantFrom(
    [5 * minute],
    [15 * minute, 35 * minute],
    [5, 25, 45].map((each) => each * minute),
  ),
  run: fc.constantFrom(2, 5, 500),
  order: fc.constantFrom("none" as const, "none" as const, "key" as const),
});
const one: fc.Arbitrary<Consumer[]> = fc
  .record({ name: fc.constant("alpha"), policy: policies, skips: fc.constantFrom(0, 3) })
  .map((each) => [each]);
const three: fc.Arbitrary<Consumer[]> = fc
  .tuple(policies, policies, policies)
  .map((each) => each.map((policy, i) => ({ name: ["alpha", "beta", "gamma"][i]!, policy, skips: 2 * i })));

test("in every history the attempts, the moments of redelivery and the deaths of events are those of the reference", async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(one, three), histories, (consumers, steps) =>
      play(server.url, admin, consumers, steps),
    ),
    { numRuns, endOnFailure: true },
  );
}, 600_000);

test("in every history in which consumers are taken out, put back or retired, nothing but a retirement forgets what they are owed", async () => {
  await fc.assert(
    fc.asyncProperty(three, historiesWithRetirements, (consumers, steps) =>
      play(server.url, admin, consumers, steps),
    ),
    { numRuns, endOnFailure: true },
  );
}, 600_000);

test("in every history in which Redis loses its latest writes, what it kept is owed as it was then, and what is sent again comes", async () => {
  await fc.assert(
    fc.asyncProperty(three, historiesWithLosses, (consumers, steps) =>
      play(server.url, admin, consumers, steps),
    ),
    { numRuns, endOnFailure: true },
  );
}, 600_000);

describe("the exact model turns red", () => {
  const cases: [string, fc.Arbitrary<Consumer[]>, fc.Arbitrary<Step[]>, Mutate][] = [
    [
      "when a single that was silent has no attempt counted",
      one,
      historiesOf("nack"),
      ({ sweep }) => ({
        sweep: mutated(
          sweep,
          "'due', record.due, 'suspect'",
          "'attempts', record.attempts - 1, 'due', record.due, 'suspect'",
        ),
      }),
    ],
    [
      "when a run that was silent counts as never handed out",
      one,
      historiesOf("extend"),
      ({ sweep }) => ({
        sweep: mutated(sweep, "'lapses', record.lapses, 'deadline'", "'lapses', 0, 'deadline'"),
      }),
    ],
    [
      "when a run is taken apart after three lapses",
      one,
      historiesOf("extend"),
      ({ sweep }) => ({ sweep: mutated(sweep, "local MAX_LAPSES = 2", "local MAX_LAPSES = 3") }),
    ],
    [
      "when the backoff is one index further on",
      one,
      historiesOf("nack"),
      ({ settle }) => ({ settle: mutated(settle, "if index >= attempts then", "if index > attempts then") }),
    ],
    [
      "when a nack's own delay is not regarded",
      one,
      historiesOf("nack"),
      ({ settle }) => ({ settle: mutated(settle, "operation.delay ~= ''", "false") }),
    ],
    [
      "when extending some events of a run extends all",
      one,
      historiesOf("extend"),
      ({ settle }) => ({ settle: mutated(settle, "wanted[index] and later or", "later or") }),
    ],
    [
      "when an event that is silent takes its run along",
      one,
      historiesOf("extend"),
      ({ sweep }) => ({
        sweep: mutated(sweep, "if earliest then return leave_run", "if false then return leave_run"),
      }),
    ],
    [
      "when a release counts as an attempt",
      one,
      historiesOf("nack", "release"),
      ({ settle }) => ({ settle: mutated(settle, "record.attempts - 1 or 0", "record.attempts or 0") }),
    ],
    [
      "when an event has one attempt more than max_deliver",
      one,
      historiesOf("nack"),
      ({ settle }) => ({
        settle: mutated(settle, "attempts >= tonumber(ARGV[5])", "attempts > tonumber(ARGV[5])"),
      }),
    ],
    [
      "when what was silent goes out together",
      one,
      historiesOf("extend"),
      ({ lease }) => ({
        lease: mutated(lease, "if holder and holder ~= '' and holder ~= record.id then", "if false then"),
      }),
    ],
    [
      "when a settle of one consumer is looked up among the runs of another",
      three,
      historiesOf("ack"),
      ({ settle }) => ({
        settle: mutated(
          settle,
          "local state, prefix = KEYS[1], ARGV[1]",
          "local state, prefix = KEYS[1], (string.gsub(ARGV[1], 'beta', 'alpha'))",
        ),
      }),
    ],
    [
      "when a dead letter is kept although it was redriven",
      one,
      historiesOf("term"),
      ({ redrive }) => ({ redrive: mutated(redrive, "redis.call('XDEL', dead, ARGV[2])", "") }),
    ],
    [
      "when a redriven event has its attempts of before",
      one,
      historiesOf("term", "nack"),
      ({ redrive }) => ({
        redrive: mutated(
          redrive,
          "{kind = 'single', reason",
          "{kind = 'single', attempts = fields.attempts, reason",
        ),
      }),
    ],
    [
      "when a key is not handed on by a dead letter",
      one,
      historiesOf("term"),
      ({ settle }) => ({
        settle: mutated(
          settle,
          "elseif action == 't' then\n    free_key(record, index)",
          "elseif action == 't' then",
        ),
      }),
    ],
    [
      "when an event is owed although the filter leaves it out",
      one,
      historiesOf("ack"),
      ({ advance }) => ({ advance: mutated(advance, "ARGV[9] ~= '' and ARGV[9] or", "") }),
    ],
    [
      "when what is not sent is not counted",
      one,
      historiesOf("ack"),
      ({ advance }) => ({ advance: mutated(advance, "if owed < n then", "if false then") }),
    ],
    [
      "when an event that cannot be cast is nacked instead of terminated",
      one,
      historiesOf("ack"),
      ({ settle }) => ({
        settle: mutated(settle, "action = ARGV[i],", "action = ARGV[i] == 't' and 'n' or ARGV[i],"),
      }),
    ],
    [
      "when a retirement forgets the dead letters",
      one,
      historiesWithRetirements,
      ({ retire }) => ({ retire: mutated(retire, "dying, dead, held", "dying, held") }),
    ],
    [
      "when a retirement leaves the runs behind",
      one,
      historiesWithRetirements,
      ({ retire }) => ({ retire: mutated(retire, "redis.call('UNLINK', unpack(runs))", "") }),
    ],
    [
      "when a retirement keeps the cursor",
      one,
      historiesWithRetirements,
      ({ retire }) => ({
        retire: mutated(
          retire,
          "blocks, left, state)",
          "blocks, left) redis.call('HDEL', state, 'retiring')",
        ),
      }),
    ],
    [
      "when a run that Redis lost gives its name to the next one",
      one,
      historiesWithLosses,
      (scripts) => ({
        advance: mutated(scripts.advance, "if number < least then", "if false then"),
        lease: mutated(scripts.lease, "if number < least then", "if false then"),
        settle: mutated(scripts.settle, "if number < least then", "if false then"),
      }),
    ],
  ];
  test.each(cases)(
    "%s",
    async (_name, served, some, mutate) => {
      const outcome = await fc.check(
        fc.asyncProperty(served, some, (consumers, steps) =>
          play(server.url, admin, consumers, steps, mutate),
        ),
        { numRuns: 200, endOnFailure: true },
      );
      expect(outcome.failed).toBe(true);
    },
    600_000,
  );
});
