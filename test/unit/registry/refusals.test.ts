import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { HmsSyncError } from "../../../src/errors.js";
import { loadRegistry } from "../../../src/registry/load.js";
import { entry, openSchema, refusalOf, registryOf, writeRegistry } from "./write-registry.js";

const schema = { "schemas/t/v1.json": openSchema };
const yaml = (text: string) => ({ "topics.yaml": text, ...schema });
const t = (lines: Record<string, string>) => yaml(entry("t", lines));

describe("what is refused names line, value and remedy", () => {
  test.each([
    [
      "a QoS that is none",
      t({ qos: "exactly-once" }),
      'topics.yaml:2: qos of t "exactly-once" is not a QoS; write at_least_once or exactly_once',
    ],
    [
      "a retention without a unit",
      t({ retention: "7" }),
      'topics.yaml:3: retention of t "7" is not a duration from 1s to 3650d; write one like 7d',
    ],
    [
      "a retention of nothing",
      t({ retention: "0s" }),
      'topics.yaml:3: retention of t "0s" is not a duration',
    ],
    [
      "a clock time as retention",
      t({ retention: "12:30" }),
      'topics.yaml:3: retention of t "12:30" is not a duration',
    ],
    [
      "a version that is a number",
      t({ schema: "1" }),
      'topics.yaml:4: schema of t "1" is not a version; write one like v1',
    ],
    [
      "a schema file that is not there",
      t({ schema: "v2" }),
      "topics.yaml:4: schema v2 of t has no file schemas/t/v2.json; create it",
    ],
    [
      "a producer in capitals",
      t({ producers: "[HMS]" }),
      'topics.yaml:5: producers[1] of t "HMS" is not a name; write lower-case letters',
    ],
    [
      "producers that are no list",
      t({ producers: "hms-api" }),
      'topics.yaml:5: producers of t "hms-api" is not a list of names; write one like [hms-api]',
    ],
    [
      "an empty value",
      t({ qos: "" }),
      "topics.yaml:2: qos of t is empty, not a QoS; write at_least_once or exactly_once",
    ],
    [
      "a misspelled key",
      t({ qso: "exactly_once" }),
      'topics.yaml:7: the key "qso" of t is unknown (did you mean qos?); correct or remove it',
    ],
    [
      "a key like no other",
      t({ partitions: "3" }),
      'topics.yaml:7: the key "partitions" of t is unknown (known are qos, retention',
    ],
    [
      "a missing key",
      yaml("t:\n  qos: exactly_once\n"),
      "topics.yaml:1: t has no retention; add retention: with one like 7d",
    ],
    [
      "the same topic twice",
      yaml(entry("t") + entry("t")),
      'topics.yaml:7: the topic "t" is there twice, first on line 1; keep one of the two',
    ],
    [
      "the same key twice",
      yaml(`${entry("t")}  qos: exactly_once\n`),
      'topics.yaml:7: the key "qos" is there twice, first on line 2; keep one of the two',
    ],
    [
      "the same consumer twice",
      t({ consumers: "\n    - a\n    - name: a" }),
      'topics.yaml:8: "a" is twice in consumers of t, first on line 7; keep one',
    ],
    [
      "the same producer twice",
      t({ producers: "[a, a]" }),
      'topics.yaml:5: "a" is twice in producers of t, first on line 5; keep one',
    ],
    [
      "a consumer with another QoS",
      t({ consumers: "[{name: a, qos: at_least_once}]" }),
      'topics.yaml:6: the consumer a has qos "at_least_once", but t is exactly_once; QoS is one per topic, remove it',
    ],
    [
      "a consumer's version",
      t({ consumers: "[{name: a, version: 1}]" }),
      "topics.yaml:6: version of the consumer a of t is not supported yet; remove it",
    ],
    [
      "max_in_flight",
      t({ consumers: "[{name: a, max_in_flight: 256}]" }),
      "max_in_flight of the consumer a of t is not supported yet; remove it",
    ],
    [
      "a filter",
      t({ consumers: "[{name: a, filter: {n: 1}}]" }),
      "filter of the consumer a of t is not supported yet; remove it",
    ],
    [
      "order: key",
      t({ consumers: "[{name: a, order: key}]" }),
      "order: key of the consumer a of t is not supported yet; remove it",
    ],
    [
      "a misspelled consumer option",
      t({ consumers: "\n    - name: a\n      ackwait: 3s" }),
      'topics.yaml:8: the key "ackwait" of consumers[1] of t is unknown (did you mean ack_wait?)',
    ],
    [
      "a run that is too great",
      t({ consumers: "[{name: a, run: 501}]" }),
      'consumers[1].run of t "501" is not a whole number from 1 to 500; write one like 500',
    ],
    [
      "a consumer without a name",
      t({ consumers: "[{run: 5}]" }),
      "topics.yaml:6: consumers[1] of t has no name; add name: with lower-case letters",
    ],
    [
      "a backoff of nothing",
      t({ consumers: "[{name: a, backoff: []}]" }),
      'consumers[1].backoff of t "[]" is not a list of 1 to 20 durations',
    ],
    [
      "admin as a consumer",
      t({ consumers: "[admin]" }),
      'topics.yaml:6: "admin" in consumers of t is the bus\'s own name; give the system another',
    ],
    [
      "a topic name with a colon",
      yaml(entry("'a:b'")),
      'topics.yaml:1: "a:b" is no topic name; write lower-case letters',
    ],
    [
      "a topic name that leads out of schemas/",
      yaml(entry("../x")),
      'topics.yaml:1: "../x" is no topic name',
    ],
    [
      "a topic named like a private channel",
      yaml(entry("private-x")),
      'topics.yaml:1: the topic "private-x" begins with a prefix',
    ],
    [
      "a reserved key",
      yaml(`$default: {}\n${entry("t")}`),
      'topics.yaml:1: "$default" is reserved, as every key that begins with $ (did you mean $defaults?)',
    ],
    [
      "a system that is in no topic",
      yaml(`$systems: {hms-apy: {}}\n${entry("t")}`),
      'topics.yaml:1: "hms-apy" in $systems is neither a producer nor a consumer (did you mean hms-api?)',
    ],
    [
      "a time zone that is none",
      yaml(`$systems:\n  hms-api:\n    timezone: Chicago\n${entry("t")}`),
      'topics.yaml:3: timezone "Chicago" of hms-api is no time zone; write an IANA name',
    ],
    ...["50", "0/s", "50/h", "50 /s", "unlimited"].map(
      (rate): [string, Record<string, string | object>, string] => [
        `a rate of ${rate}`,
        yaml(`$systems:\n  hms-api:\n    rate: ${rate}\n${entry("t")}`),
        `topics.yaml:3: hms-api.rate of $systems "${rate}" is not a rate; write one like 50/s or 600/m, or none`,
      ],
    ),
    ...["64", "64KB", "0B", "1024MiB", "1.5MiB"].map(
      (size): [string, Record<string, string | object>, string] => [
        `a body limit of ${size}`,
        yaml(`$systems:\n  hms-api:\n    body_limit: ${size}\n${entry("t")}`),
        `topics.yaml:3: hms-api.body_limit of $systems "${size}" is not a size from 1B to 512MiB; write one like 64KiB`,
      ],
    ),
    [
      "a misspelled option of a system",
      yaml(`$systems:\n  hms-api:\n    rates: 50/s\n${entry("t")}`),
      'topics.yaml:3: the key "rates" of hms-api of $systems is unknown (did you mean rate?); correct or remove it',
    ],
    [
      "a key that is no pointer",
      t({ key: "inspectionId" }),
      'topics.yaml:7: key of t "inspectionId" is not a JSON Pointer; write one like /inspectionId',
    ],
    [
      "a key that the schema does not describe",
      t({ key: "/id" }),
      'topics.yaml:7: key "/id" of t leads to nothing that its schema describes',
    ],
    ["__proto__ as a key", t({ ["__proto__"]: "1" }), 'topics.yaml:7: the key "__proto__" of t is unknown'],
    ["a file that is a list", yaml("- t\n"), "topics.yaml:1: holds no topics; write a topic's name"],
    ["an empty file", yaml("# nothing\n"), "topics.yaml:1: holds no topics; write a topic's name"],
  ])("%s", async (_, files, message) => {
    expect(await refusalOf(files)).toContain(message);
  });

  test.each([
    [
      "an anchor and its alias",
      "a: &x 1\nb: *x\n",
      [
        'topics.yaml:1: the anchor "&x" is not taken; remove it',
        'topics.yaml:2: the alias "*x" is not taken; write the value out',
      ],
    ],
    [
      "a merge key",
      "a:\n  <<: {b: 1}\n",
      ['topics.yaml:2: the merge key "<<" is not taken; write the values out'],
    ],
    [
      "a tag",
      "a: !!js/function 'x'\n",
      ['topics.yaml:1: the tag "!!js/function" is not taken; write the plain value'],
    ],
    [
      "two documents",
      "a: 1\n---\nb: 2\n",
      ['topics.yaml:3: a second document begins here; remove the "---" before it'],
    ],
    ["a directive", "%YAML 1.1\n---\na: 1\n", ["topics.yaml:1: a % directive is not taken; remove the line"]],
    [
      "a tab",
      "a:\n\tb: 1\n",
      ['topics.yaml:2: tab characters must not be used in indentation in "b: 1"; indent with spaces'],
    ],
    [
      "a mapping as a key",
      "? {a: 1}\n: b\n",
      ["topics.yaml:1: a list or mapping is not taken as a key; write a name"],
    ],
    [
      "a brace that stays open",
      "a: {b: 1\n",
      ['topics.yaml:2: deficient indentation in ""; correct the YAML there'],
    ],
    ["nesting without end", `a: ${"[".repeat(200_000)}`, ["topics.yaml:1: nesting exceeded maxDepth"]],
  ])("YAML beyond the part that is taken: %s", async (_, text, messages) => {
    const refusal = await refusalOf({ "topics.yaml": text });
    for (const message of messages) expect(refusal).toContain(message);
  });

  test("an alias bomb is refused before it grows", async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`);
    expect(await refusalOf({ "topics.yaml": `a0: &a0 x\n${rows.join("\n")}\n` })).toContain("is not taken");
  });

  test("a file over 1 MiB is refused by its size", async () => {
    expect(await refusalOf({ "topics.yaml": "#".repeat(1_048_577) })).toContain(
      "has 1048577 bytes, and 1048576 are the most",
    );
  });

  test("a missing file is named with its path", async () => {
    const path = join(writeRegistry({ "topics.yaml": "" }), "../other.yaml");
    await expect(loadRegistry(path)).rejects.toThrow(`other.yaml: is missing; create ${path}`);
  });

  test("bytes that are not UTF-8 are refused", async () => {
    const path = writeRegistry({ "topics.yaml": "" });
    writeFileSync(path, Buffer.from([0x61, 0x3a, 0xff]));
    await expect(loadRegistry(path)).rejects.toThrow("topics.yaml: is not UTF-8; save it as UTF-8");
  });

  test("every problem is told at once, in the order of the lines, as invalid_registry", async () => {
    const error = await registryOf(t({ qos: "x", schema: "y" })).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(HmsSyncError);
    expect(error).toMatchObject({ code: "invalid_registry" });
    expect((error as Error).message.split("\n").map((line) => line.split(" ")[0])).toEqual([
      "topics.yaml:2:",
      "topics.yaml:4:",
    ]);
  });
});
