import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { normalizeEvent } from "../../../src/envelope/normalize.js";
import { HmsSyncError } from "../../../src/errors.js";
import { loadRegistry } from "../../../src/registry/load.js";
import type { Registry } from "../../../src/registry/registry.js";
import { plain } from "../envelope/catalogue.js";
import { entry, writeRegistry } from "./write-registry.js";

const valid = `$defaults: {ack_wait: 10s}\n$systems: {hms-api: {timezone: UTC}}\n${entry("t", {
  consumers: "[a, {name: b, backoff: [1s]}]",
  key: "/n",
})}`;
const schema = { type: "object", properties: { n: { type: "integer", default: 1 } } };

/** The registry at `path`, or undefined when it is refused; fails when anything but a refusal is thrown. */
async function loadOrRefuse(path: string): Promise<Registry | undefined> {
  try {
    return await loadRegistry(path);
  } catch (error) {
    expect(error).toMatchObject({ code: "invalid_registry" });
    expect((error as Error).message).toMatch(/^\S+: ./);
    return undefined;
  }
}

/** An accepted registry must be one that the bus can run. */
function run(registry: Registry | undefined): void {
  for (const topic of registry?.topics.keys() ?? []) {
    try {
      normalizeEvent(
        { ...plain, topic, payload: '{"n":{"n":[{"n":"2024-04-23 15:02:11"}]}}', anyTopic: true },
        registry!,
      );
    } catch (error) {
      if (!(error instanceof HmsSyncError)) throw error;
    }
  }
}

test("whatever is done to topics.yaml, it is taken or refused, and runs when it is taken", async () => {
  const path = writeRegistry({ "topics.yaml": valid, "schemas/t/v1.json": schema });
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
    fc.constantFrom("t:", "v2", "0", "null", "~", "7d", "true", "1e9", "-1", "admin", "order: key"),
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
    ["a", "b", "{name: c}", "{name: d, run: 1, start: now}", "{name: e, backoff: [1ms], ack_wait: 1d}"],
    ["admin", "{name: a, order: key}", "{run: 0}", "7"],
  );
  const varied = fc
    .record(
      {
        qos: mostly(["at_least_once", "exactly_once"], ["both"]),
        retention: mostly(["1s", "3650d", "1h 1ms"], ["0s", "7"]),
        schema: mostly(["v1"], ["v2", "1"]),
        producers: mostly(["[]", "[hms-api]", "[no, 'null']"], ["{}", ""]),
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
    { numRuns: 400 },
  );
});

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
    { numRuns: 300 },
  );
});
