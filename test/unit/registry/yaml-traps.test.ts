import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadRegistry } from "../../../src/registry/load.js";
import { entry, openSchema, refusalOf, registryOf, writeRegistry } from "./write-registry.js";

const schema = { "schemas/t/v1.json": openSchema };
const refusal = (text: string) => refusalOf({ "topics.yaml": text, ...schema });

describe("YAML beyond the part that is taken is refused with its place, the value and the remedy", () => {
  test.each([
    ["an anchor", "a: &x 1\n", 'topics.yaml:1:4: the anchor "&x" is not taken; remove it'],
    ["an alias", "a: &x 1\nb: *x\n", 'topics.yaml:2:4: the alias "*x" is not taken; write the value out'],
    ["an alias as a key", "a: &x y\n*x : z\n", 'topics.yaml:2:1: the alias "*x" is not taken'],
    [
      "a merge key",
      "a:\n  <<: {b: 1}\n",
      'topics.yaml:2:3: the merge key "<<" is not taken; write the values out',
    ],
    [
      "a tag of code",
      "a: !!js/function 'x'\n",
      'topics.yaml:1:4: the tag "!!js/function" is not taken; write the plain value',
    ],
    ["a tag of bytes", "a: !!binary aGk=\n", 'topics.yaml:1:4: the tag "!!binary" is not taken'],
    ["a tag of one's own", "a: !secret x\n", 'topics.yaml:1:4: the tag "!secret" is not taken'],
    [
      "two documents",
      "a: 1\n---\nb: 2\n",
      'topics.yaml:3:1: a second document begins here; remove the "---" before it and keep one document',
    ],
    ["a directive", "%YAML 1.1\n---\na: 1\n", "topics.yaml:1:1: a % directive is not taken; remove the line"],
    [
      "a tab as indentation",
      "a:\n\tb: 1\n",
      'topics.yaml:2:1: tab characters must not be used in indentation in "b: 1"; indent with spaces',
    ],
    [
      "a mapping as a key",
      "? {a: 1}\n: b\n",
      "topics.yaml:1:3: a list or mapping is not taken as a key; write a name",
    ],
    [
      "a brace that stays open",
      "a: {b: 1\n",
      'topics.yaml:2:1: deficient indentation in ""; close the bracket, brace or quote that is open',
    ],
    [
      "a quote that stays open",
      'a:\n  qos: "x\n',
      'topics.yaml:3:1: deficient indentation in ""; close the bracket',
    ],
    [
      "a comma that is missing",
      "t: {qos: x retention: 7d}\n",
      "topics.yaml:1:21: missed comma between flow collection entries in",
    ],
    [
      "a line in no column",
      "t:\n  qos: x\n retention: 7d\n",
      'topics.yaml:3:2: bad indentation of a mapping entry in "retention: 7d"; begin it in the column of its level',
    ],
    [
      "a value that begins with @",
      "t:\n  qos: @x\n",
      'topics.yaml:2:8: bad indentation of a mapping entry in "qos: @x"; begin it',
    ],
    [
      "a NUL",
      "t:\n  qos: a\0b\n",
      'topics.yaml:2:9: null byte is not allowed in input in "qos: a\\u0000b"; remove the character',
    ],
    [
      "a control character",
      "t:\n  qos: \u0007\n",
      'topics.yaml:2:8: the stream contains non-printable characters in "qos: \\u0007"; remove the character',
    ],
    [
      "nesting without end",
      `a: ${"[".repeat(200_000)}`,
      "topics.yaml:1:23: nesting exceeded maxDepth (20) in",
    ],
    [
      "the same topic twice",
      entry("t") + entry("t"),
      'topics.yaml:7:1: the topic "t" is there twice, first on line 1; keep one of the two',
    ],
    [
      "the same topic twice, once in quotes",
      `${entry("t")}"t": {}\n`,
      'topics.yaml:7:1: the topic "t" is there twice',
    ],
    [
      "the same key twice in braces",
      "t: {qos: 1, qos: 2}\n",
      'topics.yaml:1:13: the key "qos" is there twice, first on line 1',
    ],
  ])("%s", async (_, text, message) => {
    expect((await refusal(text)).split("\n").find((line) => line.startsWith(message))).toBeDefined();
  });

  test.each([
    ["width", Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`)],
    [
      "merges",
      Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} {<<: [${`*a${i},`.repeat(9)}], b${i}: 1}`),
    ],
  ])("an alias bomb by %s is refused before it grows", async (_, rows) => {
    const started = performance.now();
    expect(await refusal(`a0: &a0 x\n${rows.join("\n")}\n`)).toContain("is not taken");
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe("a value that YAML reads otherwise than it looks", () => {
  test.each([
    [
      "a name of digits",
      { producers: "[12]" },
      'topics.yaml:5:15: producers[1] of t "12" is not a name; put it in quotes, since YAML takes it for a number',
    ],
    [
      "a hexadecimal name",
      { producers: "[0x10]" },
      '"0x10" is not a name; put it in quotes, since YAML takes it for a number',
    ],
    ["a name with an exponent", { producers: "[1e3]" }, '"1e3" is not a name; put it in quotes'],
    [
      "true as a name",
      { producers: "[true]" },
      '"true" is not a name; put it in quotes, since YAML takes it for true or false',
    ],
    [
      "null as a name",
      { producers: "[null]" },
      '"null" is not a name; put it in quotes, since YAML takes it for nothing',
    ],
    [
      "an empty item",
      { producers: "\n    - a\n    -" },
      "topics.yaml:6:5: producers[2] of t is empty, not a name",
    ],
    [
      "a clock time as a duration",
      { retention: "12:30" },
      'topics.yaml:3:14: retention of t "12:30" is not a duration',
    ],
    ["a date as a duration", { retention: "2024-01-01" }, '"2024-01-01" is not a duration from 1s to 3650d'],
    ["no as a QoS", { qos: "no" }, 'topics.yaml:2:8: qos of t "no" is not a QoS'],
    ["a tilde as a QoS", { qos: "~" }, 'qos of t "~" is not a QoS'],
    [
      "a version that is a number",
      { schema: "1.0" },
      'topics.yaml:4:11: schema of t "1.0" is not a version; write one like v1',
    ],
    ["a comment without a space", { qos: "exactly_once#x" }, '"exactly_once#x" is not a QoS'],
    ["a no-break space before a value", { qos: "\u00a0exactly_once" }, '"\\u00a0exactly_once" is not a QoS'],
    ["a zero-width space in a name", { producers: "[hms\u200bapi]" }, '"hms\\u200bapi" is not a name'],
    ["a change of the writing direction", { producers: "[\u202ehms]" }, '"\\u202ehms" is not a name'],
    [
      "a dash without a space",
      { producers: "\n    -hms-api" },
      'producers of t "-hms-api" is not a list of producers; write a space after the dash',
    ],
    ["a list in a list", { producers: "[[hms-api]]" }, 'producers[1] of t "[\\"hms-api\\"]" is not a name'],
    ["a block of text", { retention: "|\n    7d" }, 'retention of t "7d\\n" is not a duration'],
  ])("%s", async (_, lines, message) => {
    expect(await refusal(entry("t", lines as Record<string, string>))).toContain(message);
  });

  test("a colon without a space", async () => {
    expect(await refusal("t:\n  qos:exactly_once\n")).toBe(
      'topics.yaml:2:3: t "qos:exactly_once" is not a topic\'s entry; write a space after the colon',
    );
  });

  test.each([
    [
      "names that old YAML takes for true and false",
      { producers: "[no, yes, on, off, y, n]" },
      ["no", "yes", "on", "off", "y", "n"],
    ],
    ["names in quotes", { producers: "['12', \"null\"]" }, ["12", "null"]],
    ["names like numbers that are none", { producers: "[1-2, 0o8, 1_000]" }, ["1-2", "0o8", "1_000"]],
  ])("%s are names", async (_, lines, names) => {
    const registry = await registryOf({
      "topics.yaml": entry("t", lines as Record<string, string>),
      ...schema,
    });
    expect(registry.topics.get("t")!.producers).toEqual(names);
  });
});

describe("the file as bytes", () => {
  test.each([
    ["a byte order mark", (text: string) => `\ufeff${text}`],
    ["CRLF", (text: string) => text.replaceAll("\n", "\r\n")],
    ["CR", (text: string) => text.replaceAll("\n", "\r")],
    ["no line break at the end", (text: string) => text.trimEnd()],
    ["a document mark at its begin and end", (text: string) => `---\n${text}...\n`],
  ])("with %s is taken, and places in it are right", async (_, change) => {
    expect(await refusal(change(entry("t")))).toBe("");
    const line = change("---\n").startsWith("---\n---") ? 3 : 2;
    expect(await refusal(change(entry("t", { qos: "x" })))).toBe(
      `topics.yaml:${line}:8: qos of t "x" is not a QoS; write at_least_once or exactly_once`,
    );
  });

  test("over 1 MiB is refused by its size", async () => {
    expect(await refusal("#".repeat(1_048_577))).toBe(
      "topics.yaml: has 1048577 bytes, and 1048576 are the most; split or shorten it",
    );
  });

  test.each([
    ["Latin-1", Buffer.from([0x61, 0x3a, 0xff])],
    ["UTF-16", Buffer.from("\ufeffa: 1\n", "utf16le")],
  ])("in %s is refused", async (_, bytes) => {
    const path = writeRegistry({ "topics.yaml": "" });
    writeFileSync(path, bytes);
    await expect(loadRegistry(path)).rejects.toThrow("topics.yaml: is not UTF-8; save it as UTF-8");
  });

  test("that is a directory is refused", async () => {
    const path = writeRegistry({ "topics.yaml/x": "" });
    await expect(loadRegistry(path)).rejects.toThrow("topics.yaml: cannot be read (EISDIR)");
  });
});

test("more than 1,000 topics are refused", async () => {
  const text = Array.from({ length: 1_001 }, (_, i) => `t${i}: {}\n`).join("");
  expect(await refusal(text)).toContain(
    "topics.yaml:1:1: the file has 1001 topics, and 1000 are the most; split it over several buses",
  );
});

test("more than 100 versions of a topic are refused", async () => {
  const files = Object.fromEntries(
    Array.from({ length: 101 }, (_, i) => [`schemas/t/v${i + 1}.json`, openSchema]),
  );
  expect(await refusalOf({ "topics.yaml": entry("t", { schema: "v101" }), ...files })).toBe(
    "schemas/t: holds 101 versions, and 100 are the most; remove those that nobody sends any more",
  );
});
