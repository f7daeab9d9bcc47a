/**
 * Mutations of the product, as data: each takes one safeguard out, and the test named with it has to turn red. `edits`
 * replace a text that is in its file exactly once; `test` is the quickest one that sees the harm.
 *
 * @typedef {{file: string, find: string, replace: string}} Edit
 * @typedef {{file: string, name?: string, env?: Record<string, string>}} Test
 * @typedef {{name: string, harm: string, edits: readonly Edit[], test: Test}} Mutation
 */

const histories = { file: "test/integration/fanout/model.test.ts", env: { MODEL_RUNS: "300" } };
const unordered = { ...histories, name: "^in every history of two sidecars" };
const ordered = { ...histories, name: "^in every history, with order by key" };
const delivery = (name) => ({ file: "test/integration/fanout/delivery.test.ts", name });

/** @type {readonly Mutation[]} */
export const mutations = [
  {
    name: "settle-without-generation",
    harm: "a superseded lease settles",
    edits: [
      {
        file: "src/fanout/settle.lua",
        find: "local current = not finished and gen == record.gen",
        replace: "local current = not finished",
      },
    ],
    test: delivery("^a superseded lease settles nothing$"),
  },
  {
    name: "cursor-before-adds",
    harm: "the cursor passes events whose tickets nobody remembers to add",
    edits: [
      {
        file: "src/fanout/record.lua",
        find: "redis.call('HSET', pending, record.id .. '-' .. record.ticket, record.due)",
        replace: "",
      },
      {
        file: "src/fanout/audit.lua",
        find: "if redis.call('HEXISTS', pending, ticket) == 0 then tickets[#tickets + 1] = ticket end",
        replace: "",
      },
    ],
    test: unordered,
  },
  {
    name: "cursor-without-compare-and-set",
    harm: "two sidecars cut the same events",
    edits: [{ file: "src/fanout/advance.lua", find: "if cursor ~= ARGV[2] then", replace: "if false then" }],
    test: unordered,
  },
  {
    name: "no-dedupe",
    harm: "an event published again is recorded again",
    edits: [{ file: "src/ledger/record.lua", find: "if seen then", replace: "if false then" }],
    test: { file: "test/integration/ledger/stream-ledger.test.ts" },
  },
  {
    name: "trim-ignores-owed",
    harm: "the ledger forgets what is still owed",
    edits: [
      {
        file: "src/ledger/trim.lua",
        find: "if older(floor, keep) then keep = floor end",
        replace: "",
      },
    ],
    test: delivery("^an owed event is never trimmed"),
  },
  {
    name: "no-sweeper",
    harm: "what was handed to a consumer that died never comes again",
    edits: [
      {
        file: "src/fanout/sweep.lua",
        find: "if record and record.deadline ~= '' then",
        replace: "if false then",
      },
    ],
    test: delivery("^what was acked under a lapsed lease"),
  },
  {
    name: "lease-never-extended",
    harm: "what a consumer is at work on is handed out again",
    edits: [{ file: "src/fanout/settle.lua", find: "if #extended > 0 then extend() end", replace: "" }],
    test: delivery("^an event silent past its deadline leaves a run whose other events were extended$"),
  },
  {
    name: "acked-sent-again",
    harm: "an ack is answered ok and not stored",
    edits: [
      {
        file: "src/fanout/settle.lua",
        find: "    mark(index, ACKED)\n",
        replace: "",
      },
    ],
    test: delivery("^every event of a topic is owed once"),
  },
  {
    name: "acknowledged-before-recorded",
    harm: "the intake forgets what the ledger does not have yet",
    edits: [
      {
        file: "src/intake/stream-door.ts",
        find: "    await this.parts.processor.process(\n",
        replace:
          "    done.add(entries.map(([id]) => id));\n    await done.flush();\n    await this.parts.processor.process(\n",
      },
    ],
    test: {
      file: "test/integration/intake/intake.test.ts",
      name: "^a leader that was stopped and goes on is fenced",
    },
  },
  {
    name: "order-keys-not-held",
    harm: "a later event of a key is handed out beside an earlier one",
    edits: [{ file: "src/fanout/claim.lua", find: "taken[i] == 1 or nth > 1", replace: "nth > 1" }],
    test: ordered,
  },
];
