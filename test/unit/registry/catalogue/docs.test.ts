import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { docsOf } from "../../../../src/registry/catalogue/docs.js";
import { examplePayload } from "../../../../src/registry/catalogue/example.js";
import { readShapes } from "../../../../src/registry/catalogue/shape-reader.js";
import { entry, oneTopic, registryOf } from "../write-registry.js";
import { catalogue } from "./fixture.js";

async function pages(): Promise<Map<string, string>> {
  return new Map(docsOf(await catalogue()).map(({ path, text }) => [path, text]));
}

/** The text of a page's body as a reader sees it, one line a block. */
function read(page: string): string {
  const body = page.slice(page.indexOf("<main>"));
  const lines = body.replace(/<\/(p|tr|h\d|dd|li)>/g, "\n").replace(/<[^>]+>/g, " ");
  return lines
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, "<")
    .replace(/[ \t]+/g, " ");
}

test("the first page lists every topic and every system with what it publishes and consumes", async () => {
  const text = read((await pages()).get("index.html")!);
  expect(text).toContain("permits.issued A permit was issued hms-api");
  expect(text.replace(/\s+/g, " ")).toMatch(/ehr-clinic – permits.changed permits.issued/);
});

test("a topic's page tells who gets which version, every field with its type, and what is optional", async () => {
  const text = read((await pages()).get("topics/permits.issued.html")!).replace(/\s+/g, " ");
  expect(text).toContain("city-health v1");
  expect(text).toContain("ehr-clinic the one current when it joined");
  expect(text).toContain("permitId integer yes Number of the permit. at least 1.");
  expect(text).toContain("holder.boss object no");
  expect(text).not.toContain("holder.boss.boss");
  expect(text).toContain("visits[].at text, date-time yes");
  expect(text).toContain("priority 1 or 2 or null no");
  expect(text).toContain("legacy-code text no Deprecated.");
  expect(text).toContain('channel text no Filled in when missing: "web".');
  expect(text.indexOf("Version 2 (current)")).toBeLessThan(text.indexOf("Version 1"));
});

test("the steps between versions are told", async () => {
  const registry = await registryOf({
    "topics.yaml": entry("t", { schema: "v2" }),
    "schemas/t/v1.json": { type: "object", properties: { by: { type: "string" } } },
    "schemas/t/v2.json": { type: "object", properties: { inspector: { type: "string" } } },
    "schemas/t/v2.casts.yaml":
      "up:\n  - rename: {from: /by, to: inspector}\nexamples:\n  - {v1: {by: a}, v2: {inspector: a}, only: up}\n",
  });
  const text = read(docsOf(registry)[1]!.text).replace(/\s+/g, " ");
  expect(text).toContain('From version 1 to 2 {"rename":{"from":"/by","to":"inspector"}}');
  expect(text).toContain("From version 2 to 1 Not possible.");
});

test("what people write in schemas is shown, never taken for HTML", async () => {
  const evil = "</td><script>alert(1)</script>\"'&";
  const registry = await oneTopic({
    type: "object",
    title: evil,
    description: evil,
    properties: { [evil]: { type: "string", description: evil, pattern: "<b>", default: "<b>" } },
    examples: [{ [evil]: "<b>" }],
  });
  for (const { text } of docsOf(registry)) {
    expect(text).not.toMatch(/<script|<b>/);
    expect(text).toContain("default-src 'none'");
  }
});

test("every link between the pages leads somewhere", async () => {
  const all = await pages();
  for (const [path, text] of all) {
    for (const [, target] of text.matchAll(/href="([^"]+)"/g)) {
      const [file, id] = target!.split("#");
      const page = file === "" ? text : all.get(new URL(file!, `http://x/${path}`).pathname.slice(1));
      expect(page, `${path}: ${target}`).toBeDefined();
      if (id !== undefined) expect(page).toContain(`id="${id}"`);
    }
  }
});

describe("an example", () => {
  const exampleOf = async (schema: object) => {
    const topic = (await oneTopic(schema)).topics.get("t")!;
    return examplePayload(topic, 1, readShapes(schema as never, "T"));
  };
  const property = (schema: object) => ({ type: "object", properties: { a: schema }, required: ["a"] });

  test("is the first of the schema's own that it takes", async () => {
    const examples = [{ a: "no" }, { a: 7 }];
    expect(await exampleOf({ ...property({ type: "integer" }), examples })).toEqual({ a: 7 });
  });

  test.each<[string, object, unknown]>([
    ["a field's example", { type: "string", examples: ["INSPECTOR_1337"] }, "INSPECTOR_1337"],
    ["bounds", { type: "integer", minimum: 10, maximum: 12 }, 10],
    ["a step", { type: "number", exclusiveMinimum: 2, multipleOf: 2.5 }, 5],
    ["an upper bound", { type: "integer", maximum: -3 }, -3],
    ["a shortest length", { type: "string", minLength: 6 }, "texttt"],
    ["a longest length", { type: "string", maxLength: 2 }, "te"],
    ["a format", { type: "string", format: "email" }, "someone@example.org"],
    ["one of some values", { enum: ["Open", "Closed"] }, "Open"],
    ["what may be null", { anyOf: [{ type: "null" }, { type: "boolean" }] }, true],
    ["a list of two", { type: "array", items: { type: "string" }, minItems: 2 }, ["text", "text"]],
  ])("keeps to %s", async (_what, schema, value) => {
    expect(await exampleOf(property(schema))).toEqual({ a: value });
  });

  test("leaves out what is optional and cannot be made up, and is none where that is required", async () => {
    const code = { type: "string", pattern: "^[A-Z]{2}$" };
    const both = { type: "object", properties: { a: code, b: { type: "integer" } }, required: ["b"] };
    expect(await exampleOf(both)).toEqual({ b: 1 });
    expect(await exampleOf(property(code))).toBeUndefined();
  });

  test("of a schema that refers to itself ends", async () => {
    const tree = { type: "object", properties: { left: { $ref: "#" }, right: { $ref: "#" } } };
    expect(JSON.stringify(await exampleOf(tree)).length).toBeLessThan(1_000);
  });
});

test("docs/catalogue.md shows the command lines that there are", () => {
  const text = readFileSync(new URL("../../../../docs/catalogue.md", import.meta.url), "utf8");
  expect([...text.matchAll(/hms-sync topics (\w+)/g)].map(([, verb]) => verb)).toEqual(
    expect.arrayContaining(["types", "asyncapi", "docs"]),
  );
});
