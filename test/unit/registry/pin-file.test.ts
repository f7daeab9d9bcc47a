import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { loadRegistry } from "../../../src/registry/load.js";
import { pinFile } from "../../../src/registry/pin-file.js";
import { entry, openSchema, writeRegistry } from "./write-registry.js";

const schemas = { "schemas/t/v1.json": openSchema, "schemas/t/v2.json": openSchema };
const written = (text: string) => writeRegistry({ "topics.yaml": text, ...schemas });

/** The file after its consumers were pinned. */
async function fixed(text: string): Promise<string> {
  const path = written(text);
  await pinFile(path);
  return readFileSync(path, "utf8");
}

describe("versions are written where none is stated, and all else stays", () => {
  const head =
    "# kept\nt:\n  qos: exactly_once\n  retention:   7d # window\n  schema: v2\n  producers: []\n  consumers:";

  test.each([
    ["names in brackets", " [a, 'b' ]\n", " [{ name: a, version: v2 }, { name: 'b', version: v2 } ]\n"],
    [
      "names below each other",
      "\n    - a # first\n    -   b\n",
      "\n    - { name: a, version: v2 } # first\n    -   { name: b, version: v2 }\n",
    ],
    ["a mapping in braces", "\n    - {run: 5, name: a}\n", "\n    - {run: 5, name: a, version: v2}\n"],
    [
      "braces over several lines",
      "\n    - {\n        name: a, # it\n        run: 5 }\n",
      "\n    - {\n        name: a, version: v2, # it\n        run: 5 }\n",
    ],
    [
      "a mapping over several lines",
      "\n    - name: a # it\n      run: 5\n",
      "\n    - name: a # it\n      version: v2\n      run: 5\n",
    ],
    [
      "a name that comes last",
      '\n    -\n      run: 5\n      name: "a"',
      '\n    -\n      run: 5\n      name: "a"\n      version: v2',
    ],
    [
      "a name in a block of text",
      "\n    - name: >-\n        a\n      run: 5\n",
      "\n    - name: >-\n        a\n      version: v2\n      run: 5\n",
    ],
    [
      "a version that is stated",
      " [{name: a, version: v1}, b]\n",
      " [{name: a, version: v1}, { name: b, version: v2 }]\n",
    ],
  ])("%s", async (_, before, after) => {
    expect(await fixed(head + before)).toBe(head + after);
  });

  test("with CRLF and a byte order mark", async () => {
    const text = (consumers: string) => `\ufeff${head}\n    - name: a\n${consumers}`.replaceAll("\n", "\r\n");
    expect(await fixed(text(""))).toBe(text("      version: v2\n"));
  });

  test("in a file that states all of them nothing is written", async () => {
    const path = written(entry("t", { consumers: "[{name: a, version: v1}]" }));
    const { mtimeNs } = statSync(path, { bigint: true });
    expect((await pinFile(path)).pins).toEqual([]);
    expect(statSync(path, { bigint: true }).mtimeNs).toBe(mtimeNs);
  });
});

describe("the version that is written", () => {
  const now = entry("t", { schema: "v2", consumers: "[kept, pinned, fresh]" });

  test("is the one a consumer had, stated or current then; a new one gets the current one", async () => {
    const earlier = await loadRegistry(
      written(
        entry("t", { schema: "v1", consumers: "[kept]" }).replace(
          "[kept]",
          "[kept, {name: pinned, version: v1}]",
        ),
      ),
    );
    const path = written(now);
    const { registry, pins } = await pinFile(path, earlier);
    expect(pins).toEqual([
      { topic: "t", consumer: "kept", version: 1, known: true },
      { topic: "t", consumer: "pinned", version: 1, known: true },
      { topic: "t", consumer: "fresh", version: 2, known: false },
    ]);
    expect(registry.digest).toBe((await loadRegistry(path)).digest);
    expect(registry.topics.get("t")!.consumers.map(({ version }) => version)).toEqual([1, 1, 2]);
  });

  test("is the one that was stated, whatever was current then", async () => {
    const earlier = await loadRegistry(
      written(entry("t", { schema: "v2", consumers: "[{name: pinned, version: v1}]" })),
    );
    const { pins } = await pinFile(written(now), earlier);
    expect(pins.map(({ consumer, version }) => [consumer, version])).toContainEqual(["pinned", 1]);
  });

  test("is not written when its schema is gone: the file stays and the problem is told", async () => {
    const earlier = await loadRegistry(written(entry("t", { consumers: "[kept]" })));
    const path = writeRegistry({ "topics.yaml": now, "schemas/t/v2.json": openSchema });
    await expect(pinFile(path, earlier)).rejects.toThrow(
      'version "v1" of kept in consumers of t has no file',
    );
    expect(readFileSync(path, "utf8")).toBe(now);
  });
});

test("a file that is not valid is refused as it stands", async () => {
  const path = written(entry("t", { qos: "x" }));
  await expect(pinFile(path)).rejects.toMatchObject({ code: "invalid_registry" });
});

test("the file keeps its permissions, and nothing is left beside it", async () => {
  const path = written(entry("t"));
  writeFileSync(path, entry("t"));
  chmodSync(path, 0o640);
  await pinFile(path);
  expect(statSync(path).mode & 0o777).toBe(0o640);
  expect(readdirSync(dirname(path)).toSorted()).toEqual(["schemas", "topics.yaml"]);
});
