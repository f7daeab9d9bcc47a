import { beforeAll, describe, expect, test } from "vitest";
import type { Registry } from "../../../src/registry/registry.js";
import { entry, registryOf } from "../registry/write-registry.js";
import { errorOf, normalize, payloadOf } from "./catalogue.js";

const closed = (properties: object, required: string[]) => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});
const text = { type: "string" };
const v1 = closed({ completedBy: text, status: { type: "string", default: "Completed" } }, ["completedBy"]);
const v2 = closed({ inspector: text, status: text }, ["inspector"]);
const v3 = closed({ inspector: text, status: text, notes: text }, ["inspector", "notes"]);

const filesWith = (lines: Record<string, string>) => ({
  "topics.yaml": entry("t", { schema: "v3", ...lines }),
  "schemas/t/v1.json": v1,
  "schemas/t/v2.json": v2,
  "schemas/t/v3.json": v3,
});

let registry: Registry;
beforeAll(async () => {
  registry = await registryOf(filesWith({}));
});

describe("the version of an event that states none is", () => {
  test.each([
    ["the current one where the payload fits it", '{"inspector":"I","notes":"n"}', 3],
    ["else the newest older one that it fits", '{"inspector":"I"}', 2],
    ["down to the oldest that is listed", '{"completedBy":"I"}', 1],
  ])("%s", (_, payload, version) => {
    const event = normalize(registry, payload);
    expect(event.version).toBe(version);
    expect(JSON.parse(event.text).version).toBe(version);
  });

  test("that of its producer where the file pins one, even where a newer one would fit", async () => {
    const pinned = await registryOf(filesWith({ producers: "[{name: hms-api, version: v2}, other]" }));
    const both = { type: "object", properties: { inspector: text } };
    const loose = await registryOf({
      ...filesWith({ producers: "[{name: hms-api, version: v2}, other]" }),
      "schemas/t/v3.json": both,
    });
    expect(normalize(loose, '{"inspector":"I"}').version).toBe(2);
    expect(normalize(loose, '{"inspector":"I"}', { source: "other" }).version).toBe(3);
    expect(normalize(pinned, '{"inspector":"I","notes":"n"}').version).toBe(3);
  });

  test("defaults and edits are those of the version it got", () => {
    expect(payloadOf(normalize(registry, '{"completedBy":"I"}'))).toBe(
      '{"completedBy":"I","status":"Completed"}',
    );
  });

  test("none: a payload that fits no version is refused for what the first one asks", () => {
    const error = errorOf(() => normalize(registry, '{"status":"x"}'));
    expect(error.code).toBe("schema_violation");
    expect(error.message).toContain("schemas/t/v3.json");
    expect(errorOf(() => normalize(registry, "[]")).code).toBe("not_an_object");
  });
});

describe("an event that states its version", () => {
  test("gets that one and no other", () => {
    expect(normalize(registry, '{"completedBy":"I"}', { version: 1 }).version).toBe(1);
    const error = errorOf(() => normalize(registry, '{"completedBy":"I"}', { version: 2 }));
    expect(error.message).toContain("schemas/t/v2.json");
  });

  test("is refused with a version that is not listed, those that are being named", () => {
    const error = errorOf(() => normalize(registry, "{}", { version: 9 }));
    expect(error.code).toBe("unknown_version");
    expect(error.message).toContain("send one of 1, 2, 3");
  });
});
