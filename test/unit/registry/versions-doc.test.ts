import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { createView } from "../../../src/envelope/view.js";
import { normalize } from "../envelope/catalogue.js";
import { registryOf } from "./write-registry.js";

const root = resolve(import.meta.dirname, "../../..");
const page = readFileSync(resolve(root, "docs/versions.md"), "utf8");
const v1 = JSON.parse(readFileSync(resolve(root, "schemas/inspections.status/v1.json"), "utf8"));
const { completedBy, ...rest } = v1.properties;
const v2 = {
  ...v1,
  properties: { ...rest, inspector: completedBy, channel: { type: "string" } },
  required: [...v1.required, "channel"],
};

/** The code blocks of the page that begin with these words, without their indentation. */
function blocks(info: string): string[] {
  const found = [...page.matchAll(/^( *)```(.*)\n([\s\S]*?)^ *```$/gm)].filter(
    ([, , named]) => named === info,
  );
  return found.map(([, indent, , text]) => text!.replaceAll(new RegExp(`^${indent}`, "gm"), ""));
}

test("the page's files are taken, and a version 2 consumer sees what the page shows", async () => {
  const topic = "inspections.status";
  const registry = await registryOf({
    "topics.yaml": blocks("yaml topics.yaml")[0]!,
    "schemas/inspections.status/v1.json": v1,
    "schemas/inspections.status/v2.json": v2,
    "schemas/inspections.status/v2.casts.yaml": blocks("yaml v2.casts.yaml")[0]!,
  });
  const [sent, seen] = blocks("json").map((block) => block.trim());
  const { text } = normalize(registry, sent!, { topic, version: 1 });
  const presented = createView(registry.topics.get(topic)!, 2).present(Buffer.from(text));
  expect(String(presented)).toBe(text.replace('"version":1', '"version":2').replace(sent!, seen!));
});
