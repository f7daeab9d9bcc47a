import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { loadOrRefuse, run } from "./run-registry.js";
import { entry, writeRegistry } from "./write-registry.js";

const valid = `$defaults: {ack_wait: 10s}\n$systems: {hms-api: {timezone: UTC}}\n${entry("t", {
  schema: "v2",
  producers: "[hms-api, {name: old, version: v1}]",
  consumers: "[a, {name: b, version: v1, backoff: [1s], order: key, filter: {n: {$gt: 1}}}]",
  key: "/n",
})}`;
const schema = { type: "object", properties: { n: { type: "integer", default: 1 } } };

test("whatever is done to topics.yaml, it is taken or refused, and runs when it is taken", async () => {
  const path = writeRegistry({
    "topics.yaml": valid,
    "schemas/t/v1.json": schema,
    "schemas/t/v2.json": { ...schema, required: ["n"] },
  });
  const piece = fc.oneof(
    fc.constantFrom(
      "\n",
      "  ",
      ":",
      "- ",
      "{",
      "}",
      "[",
      "]",
      "&a ",
      "*a",
      "<<: ",
      "!!js ",
      "---\n",
      "\t",
      "'",
      '"',
      "|\n",
      "? ",
      "#",
      "__proto__: ",
    ),
    fc.constantFrom(
      "t:",
      "v2",
      "0",
      "null",
      "~",
      "7d",
      "true",
      "1e9",
      "-1",
      "admin",
      "order: key",
      "$in: ",
      "version: v2",
      "filter: ",
    ),
    fc.string({ unit: "binary", maxLength: 3 }),
  );
  const edit = fc.tuple(fc.nat(valid.length), fc.nat(6), piece);
  const edited = fc.array(edit, { minLength: 1, maxLength: 3 }).map((edits) => {
    let text = valid;
    for (const [at, length, inserted] of edits) text = text.slice(0, at) + inserted + text.slice(at + length);
    return text;
  });
  const mostly = (good: string[], bad: string[]) =>
    fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(...good) },
      { weight: 1, arbitrary: fc.constantFrom(...bad) },
    );
  const consumer = mostly(
    [
      ...["a", "b", "{name: c}", "{name: d, run: 1, start: now}", "{name: e, backoff: [1ms], ack_wait: 1d}"],
      ...["{name: f, order: key}", "{name: g, version: v1}", "{name: h, max_in_flight: 1}"],
      ...["{name: i, filter: {n: 1}}", "{name: j, filter: {$not: {/n: {$exists: true}}}}"],
      "{name: k, version: v2, filter: {$or: [{n: {$in: [1, x, null]}}, {$and: [{n: {$lt: 5, $gte: -1}}]}]}}",
    ],
    ["admin", "{name: a, version: v3}", "{name: a, filter: {o: 1}}", "{run: 0}", "7"],
  );
  const varied = fc
    .record(
      {
        qos: mostly(["at_least_once", "exactly_once"], ["both"]),
        retention: mostly(["1s", "3650d", "1h 1ms"], ["0s", "7"]),
        schema: mostly(["v1", "v2"], ["v3", "1"]),
        producers: mostly(["[]", "[hms-api, {name: old, version: v1}]", "[no, 'null']"], ["{}", ""]),
        consumers: fc.array(consumer, { maxLength: 2 }).map((list) => `[${list.join()}]`),
        key: mostly(["/n"], ["/n/n", "/", "n"]),
        laravel: mostly(["{event: x}"], ["{}", "x"]),
      },
      { requiredKeys: [] },
    )
    .map((lines) => entry("t", lines as Record<string, string>));
  await fc.assert(
    fc.asyncProperty(fc.oneof(edited, varied), async (text) => {
      writeFileSync(path, text);
      run(await loadOrRefuse(path));
    }),
    { numRuns: 300 },
  );
}, 60_000);

test("whatever a schema holds, it is taken or refused, and runs when it is taken", async () => {
  const path = writeRegistry({ "topics.yaml": entry("t"), "schemas/t/v1.json": schema });
  const ref = fc.constantFrom(
    "#",
    "#/properties/n",
    "#/$defs/n",
    "#/allOf/0",
    "v1.json",
    "../t/v1.json#/$defs/n",
    "x.json",
    "#/%",
    "http://x.test",
  );
  const { any } = fc.letrec<{ any: unknown }>((tie) => {
    const members = fc.dictionary(fc.constantFrom("n", "m", "__proto__", "constructor"), tie("any"), {
      maxKeys: 2,
    });
    const few = fc.array(tie("any"), { maxLength: 3 });
    return {
      any: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<unknown>(
          true,
          { type: "string", format: "date-time" },
          { type: "integer", default: 1 },
          { type: "null" },
          {},
        ),
        ref.map(($ref) => ({ $ref })),
        fc.record(
          {
            type: fc.constantFrom("object", "array", "strange"),
            properties: members,
            $defs: members,
            allOf: few,
            anyOf: few,
            oneOf: few,
            items: tie("any"),
            prefixItems: few,
            additionalProperties: tie("any"),
            not: tie("any"),
            default: fc.constantFrom(1, "x", {}, null),
          },
          { requiredKeys: [] },
        ),
      ),
    };
  });
  await fc.assert(
    fc.asyncProperty(any, async (generated) => {
      writeFileSync(join(path, "../schemas/t/v1.json"), JSON.stringify(generated));
      run(await loadOrRefuse(path));
    }),
    { numRuns: 200 },
  );
}, 60_000);

/** Changes of a schema that go well, each with its casts; the tests below spoil some of them. */
const changes: readonly { newer: object; casts?: object }[] = [
  { newer: { properties: { n: { type: "integer" }, o: { type: "string" } } } },
  { newer: { properties: { n: { type: ["integer", "null"], default: 1 } } }, casts: { up: [], down: [] } },
  {
    newer: { properties: { m: { type: "integer" }, o: { type: "string" } } },
    casts: {
      up: [{ rename: { from: "/n", to: "m" } }],
      down: [{ rename: { from: "/m", to: "n" } }],
      examples: [{ v1: { n: 1 }, v2: { m: 1 } }],
    },
  },
  {
    newer: {
      properties: { p: { type: "object", properties: { n: { type: "integer" } } }, o: { type: "string" } },
    },
    casts: {
      up: [{ move: { from: "/n", to: "/p/n" } }],
      down: [{ move: { from: "/p/n", to: "/n" } }, { drop: "/p" }],
      examples: [
        { v1: { n: 1 }, v2: { p: { n: 1 } } },
        { only: "down", v1: {}, v2: { p: {} } },
      ],
    },
  },
  {
    newer: { properties: { n: { type: "string", enum: ["one", "more"] }, o: { type: "string" } } },
    casts: {
      up: [{ map: { path: "/n", values: { 1: "one" }, otherwise: { value: "more" } } }],
      down: [{ map: { path: "/n", values: { one: 1 }, otherwise: "fail" } }],
      examples: [{ v1: { n: 1 }, v2: { n: "one" } }],
    },
  },
];

test("whatever two versions of a schema and the casts between them hold, they are taken or refused, and run when taken", async () => {
  const path = writeRegistry({ "topics.yaml": entry("t"), "schemas/t/v1.json": schema });
  const spoiled = <T>(good: T, ...others: T[]) =>
    fc.oneof(
      { weight: 6, arbitrary: fc.constant(good) },
      { weight: 1, arbitrary: fc.constantFrom(...others) },
    );
  const at = fc.constantFrom("/n", "/m", "/o", "/n/n", "/n/*/m", "/m/p/q", "n", "");
  const step = fc.oneof(
    fc.record({ rename: fc.record({ from: at, to: fc.constantFrom("m", "o", "/n") }) }),
    fc.record({ move: fc.record({ from: at, to: at }) }),
    fc.record({ set: fc.record({ path: at, value: fc.constantFrom<unknown>(1, "x", {}, null) }) }),
    fc.record({ default: fc.record({ path: at, value: fc.constantFrom<unknown>(1, "x") }) }),
    fc.record({ drop: at }),
  );
  const extra = fc.oneof(
    { weight: 4, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.record({ up: fc.array(step, { maxLength: 2 }) }) },
    { weight: 1, arbitrary: fc.record({ down: fc.array(step, { maxLength: 2 }) }) },
  );
  const consumers = fc.constantFrom(
    "[a]",
    "[a, {name: b, version: v1}]",
    "[{name: b, version: v1, filter: {n: {$gt: 0}}}, {name: c, version: v2}]",
    "[{name: c, version: v2, order: key, filter: {o: x}}]",
  );
  const rules = fc.record(
    {
      required: spoiled<readonly string[]>([], ["n"], ["m"]),
      additionalProperties: spoiled<object | boolean>(true, false, { type: "integer" }),
    },
    { requiredKeys: [] },
  );
  const folder = join(path, "../schemas/t");
  const total = { taken: 0, given: 0, failed: 0 };
  const property = fc.asyncProperty(
    fc.constantFrom(...changes),
    fc.tuple(rules, rules),
    extra,
    consumers,
    async ({ newer, casts }, [older, now], steps, systems) => {
      const base = { type: "object", properties: { n: { type: "integer" }, o: { type: "string" } } };
      writeFileSync(path, entry("t", { schema: "v2", key: "/o", consumers: systems }));
      writeFileSync(join(folder, "v1.json"), JSON.stringify({ ...base, ...older }));
      writeFileSync(join(folder, "v2.json"), JSON.stringify({ type: "object", ...newer, ...now }));
      if (casts === undefined) rmSync(join(folder, "v2.casts.yaml"), { force: true });
      else writeFileSync(join(folder, "v2.casts.yaml"), JSON.stringify({ ...casts, ...steps }));
      const counts = run(await loadOrRefuse(path));
      for (const key of ["taken", "given", "failed"] as const) total[key] += counts[key];
    },
  );
  await fc.assert(property, { numRuns: 300 });
  expect(Math.min(total.taken, total.given, total.failed)).toBeGreaterThan(20); // else nothing was shown
}, 60_000);
