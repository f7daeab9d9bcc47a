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
      'topics.yaml:2:8: qos of t "exactly-once" is not a QoS; write at_least_once or exactly_once',
    ],
    [
      "a retention without a unit",
      t({ retention: "7" }),
      'topics.yaml:3:14: retention of t "7" is not a duration from 1s to 3650d; write one like 7d',
    ],
    [
      "a retention of nothing",
      t({ retention: "0s" }),
      'topics.yaml:3:14: retention of t "0s" is not a duration',
    ],
    [
      "a schema file that is not there",
      t({ schema: "v2" }),
      "topics.yaml:4:11: schema v2 of t has no file schemas/t/v2.json; create it",
    ],
    [
      "a producer in capitals",
      t({ producers: "[HMS]" }),
      'topics.yaml:5:15: producers[1] of t "HMS" is not a name; write lower-case letters',
    ],
    [
      "producers that are no list",
      t({ producers: "hms-api" }),
      'topics.yaml:5:14: producers of t "hms-api" is not a list of producers; write one like [hms-api]',
    ],
    [
      "an empty value",
      t({ qos: "" }),
      "topics.yaml:2:3: qos of t is empty, not a QoS; write at_least_once or exactly_once",
    ],
    [
      "a misspelled key",
      t({ qso: "exactly_once" }),
      'topics.yaml:7:3: the key "qso" of t is unknown (did you mean qos?); correct or remove it',
    ],
    [
      "a key like no other",
      t({ partitions: "3" }),
      'topics.yaml:7:3: the key "partitions" of t is unknown (known are qos, retention',
    ],
    [
      "a missing key",
      yaml("t:\n  qos: exactly_once\n"),
      "topics.yaml:1:1: t has no retention; add retention: with one like 7d",
    ],
    [
      "the same key twice",
      yaml(`${entry("t")}  qos: exactly_once\n`),
      'topics.yaml:7:3: the key "qos" is there twice, first on line 2; keep one of the two',
    ],
    [
      "the same consumer twice",
      t({ consumers: "\n    - a\n    - name: a" }),
      'topics.yaml:8:7: "a" is twice in consumers of t, first on line 7; keep one',
    ],
    [
      "the same producer twice",
      t({ producers: "[a, a]" }),
      'topics.yaml:5:18: "a" is twice in producers of t, first on line 5; keep one',
    ],
    [
      "a consumer with another QoS",
      t({ consumers: "[{name: a, qos: at_least_once}]" }),
      'topics.yaml:6:30: the consumer a has qos "at_least_once", but t is exactly_once; QoS is one per topic, remove it',
    ],
    [
      "a consumer's version that is a number",
      t({ consumers: "[{name: a, version: 1}]" }),
      'topics.yaml:6:34: consumers[1].version of t "1" is not a version; write one like v1',
    ],
    [
      "a consumer's version above the current one",
      t({ consumers: "[{name: a, version: v2}]" }),
      'topics.yaml:6:34: version "v2" of a in consumers of t is above the topic\'s schema v1; write v1 or less, or raise schema of t',
    ],
    [
      "a producer's version above the current one",
      t({ producers: "[hms-api, {name: old, version: v3}]" }),
      'topics.yaml:5:45: version "v3" of old in producers of t is above the topic\'s schema v1',
    ],
    [
      "a version whose schema is gone",
      {
        "topics.yaml": entry("t", { schema: "v3", consumers: "[{name: a, version: v2}]" }),
        "schemas/t/v1.json": openSchema,
        "schemas/t/v3.json": openSchema,
      },
      'topics.yaml:6:34: version "v2" of a in consumers of t has no file schemas/t/v2.json; create it, or write one of v1, v3',
    ],
    [
      "an option that a producer has not",
      t({ producers: "[{name: a, order: key}]" }),
      'topics.yaml:5:25: the key "order" of producers[1] of t is unknown',
    ],
    [
      "a version for every consumer",
      yaml(`$defaults: {version: v1}\n${entry("t")}`),
      'topics.yaml:1:13: the key "version" of $defaults is unknown',
    ],
    ...["0", "100001", "1.5", "all", "-1"].map((max): [string, Record<string, string | object>, string] => [
      `max_in_flight of ${max}`,
      t({ consumers: `[{name: a, max_in_flight: ${max}}]` }),
      `topics.yaml:6:40: consumers[1].max_in_flight of t "${max}" is not a whole number from 1 to 100000; write one like 256`,
    ]),
    [
      "a filter that is no mapping",
      t({ consumers: "[{name: a, filter: Completed}]" }),
      'topics.yaml:6:33: consumers[1].filter of t "Completed" is not a filter; write a field of the payload',
    ],
    [
      "an order that is none",
      t({ consumers: "[{name: a, order: keys}]" }),
      'topics.yaml:6:32: consumers[1].order of t "keys" is not an order; write none or key',
    ],
    [
      "order: key without a key",
      t({ consumers: "[{name: a, order: key}]" }),
      'topics.yaml:6:32: order "key" of the consumer a needs to know the key of t; add key: with one like /inspectionId to the topic, or write order: none',
    ],
    [
      "a misspelled consumer option",
      t({ consumers: "\n    - name: a\n      ackwait: 3s" }),
      'topics.yaml:8:7: the key "ackwait" of consumers[1] of t is unknown (did you mean ack_wait?)',
    ],
    [
      "a run that is too great",
      t({ consumers: "[{name: a, run: 501}]" }),
      'consumers[1].run of t "501" is not a whole number from 1 to 500; write one like 500',
    ],
    [
      "a consumer without a name",
      t({ consumers: "[{run: 5}]" }),
      "topics.yaml:6:15: consumers[1] of t has no name; add name: with lower-case letters",
    ],
    [
      "a backoff of nothing",
      t({ consumers: "[{name: a, backoff: []}]" }),
      'consumers[1].backoff of t "[]" is not a list of 1 to 20 durations',
    ],
    [
      "admin as a consumer",
      t({ consumers: "[admin]" }),
      'topics.yaml:6:15: "admin" in consumers of t is the bus\'s own name; give the system another',
    ],
    [
      "a topic name with a colon",
      yaml(entry("'a:b'")),
      'topics.yaml:1:1: "a:b" is no topic name; write lower-case letters',
    ],
    [
      "a topic name that leads out of schemas/",
      yaml(entry("../x")),
      'topics.yaml:1:1: "../x" is no topic name',
    ],
    [
      "a topic named like a private channel",
      yaml(entry("private-x")),
      'topics.yaml:1:1: the topic "private-x" begins with a prefix',
    ],
    [
      "a reserved key",
      yaml(`$default: {}\n${entry("t")}`),
      'topics.yaml:1:1: "$default" is reserved, as every key that begins with $ (did you mean $defaults?)',
    ],
    [
      "a system that is in no topic",
      yaml(`$systems: {hms-apy: {}}\n${entry("t")}`),
      'topics.yaml:1:12: "hms-apy" in $systems is neither a producer nor a consumer (did you mean hms-api?)',
    ],
    [
      "a time zone that is none",
      yaml(`$systems:\n  hms-api:\n    timezone: Chicago\n${entry("t")}`),
      'topics.yaml:3:15: timezone "Chicago" of hms-api is no time zone; write an IANA name',
    ],
    ...["50", "0/s", "50/h", "50 /s", "unlimited"].map(
      (rate): [string, Record<string, string | object>, string] => [
        `a rate of ${rate}`,
        yaml(`$systems:\n  hms-api:\n    rate: ${rate}\n${entry("t")}`),
        `topics.yaml:3:11: hms-api.rate of $systems "${rate}" is not a rate; write one like 50/s or 600/m, or none`,
      ],
    ),
    ...["64", "64KB", "0B", "1024MiB", "1.5MiB"].map(
      (size): [string, Record<string, string | object>, string] => [
        `a body limit of ${size}`,
        yaml(`$systems:\n  hms-api:\n    body_limit: ${size}\n${entry("t")}`),
        `topics.yaml:3:17: hms-api.body_limit of $systems "${size}" is not a size from 1B to 512MiB; write one like 64KiB`,
      ],
    ),
    [
      "a misspelled option of a system",
      yaml(`$systems:\n  hms-api:\n    rates: 50/s\n${entry("t")}`),
      'topics.yaml:3:5: the key "rates" of hms-api of $systems is unknown (did you mean rate?); correct or remove it',
    ],
    [
      "a key that is no pointer",
      t({ key: "inspectionId" }),
      'topics.yaml:7:8: key of t "inspectionId" is not a JSON Pointer; write one like /inspectionId',
    ],
    [
      "a key that the schema does not describe",
      t({ key: "/id" }),
      'topics.yaml:7:8: key "/id" of t leads to nothing that its schema describes',
    ],
    ["__proto__ as a key", t({ ["__proto__"]: "1" }), 'topics.yaml:7:3: the key "__proto__" of t is unknown'],
    ["a file that is a list", yaml("- t\n"), "topics.yaml:1:1: holds no topics; write a topic's name"],
    ["an empty file", yaml("# nothing\n"), "topics.yaml:1:1: holds no topics; write a topic's name"],
  ])("%s", async (_, files, message) => {
    expect(await refusalOf(files)).toContain(message);
  });

  test("a missing file is named with its path", async () => {
    const path = join(writeRegistry({ "topics.yaml": "" }), "../other.yaml");
    await expect(loadRegistry(path)).rejects.toThrow(`other.yaml: is missing; create ${path}`);
  });

  test("every problem is told at once, in the order of the lines, as invalid_registry", async () => {
    const error = await registryOf(t({ qos: "x", schema: "y" })).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(HmsSyncError);
    expect(error).toMatchObject({ code: "invalid_registry" });
    expect((error as Error).message.split("\n").map((line) => line.split(" ")[0])).toEqual([
      "topics.yaml:2:8:",
      "topics.yaml:4:11:",
    ]);
  });
});
