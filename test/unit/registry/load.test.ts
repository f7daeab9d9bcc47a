import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadRegistry } from "../../../src/registry/load.js";
import { entry, oneTopic, openSchema, registryOf, writeRegistry } from "./write-registry.js";

const root = join(import.meta.dirname, "../../..");

describe("what is taken", () => {
  test("the topics.yaml of this repository is the design's complete entry", async () => {
    const registry = await loadRegistry(join(root, "topics.yaml"));
    const topic = registry.topics.get("inspections.status");
    expect(topic).toMatchObject({
      qos: "exactly_once",
      retentionMs: 7 * 86_400_000,
      version: 1,
      producers: ["hms-api"],
    });
    expect(topic?.consumers.map(({ name }) => name)).toEqual(["city-health", "ehr-clinic"]);
    expect([...registry.systems].toSorted()).toEqual([
      ...["admin", "city-health", "ehr-clinic", "hms-api", "treasury-payroll"],
    ]);
  });

  test("the short form of a consumer has every option filled in", async () => {
    const registry = await oneTopic(openSchema);
    expect(registry.topics.get("t")?.consumers).toEqual([
      {
        name: "city-health",
        start: "window",
        ackWaitMs: 30_000,
        maxDeliver: 20,
        backoffMs: [1_000, 5_000, 30_000, 300_000, 3_600_000],
        run: 500,
        order: "none",
      },
    ]);
  });

  test("a consumer's own option goes before $defaults, which goes before the bus's", async () => {
    const registry = await registryOf({
      "topics.yaml": `$defaults: {ack_wait: 10s, max_deliver: 3}\n${entry("t", {
        consumers: "[a, {name: b, start: now, ack_wait: 1m 30s, backoff: [500ms], run: 7, order: none}]",
      })}`,
      "schemas/t/v1.json": openSchema,
    });
    expect(registry.topics.get("t")?.consumers).toMatchObject([
      { name: "a", start: "window", ackWaitMs: 10_000, maxDeliver: 3, run: 500 },
      { name: "b", start: "now", ackWaitMs: 90_000, maxDeliver: 3, backoffMs: [500], run: 7 },
    ]);
  });

  test("versions, order, filter and max_in_flight reach the registry; absent ones stay absent", async () => {
    const lines = {
      schema: "v2",
      key: "/n",
      producers: "[hms-api, {name: old-app, version: v1}, {name: new-app}]",
      consumers: "[a, {name: b, version: v1, order: key, max_in_flight: 100, filter: {n: {$gt: 1}}}]",
    };
    const described = { type: "object", properties: { n: { type: "integer" } } };
    const registry = await registryOf({
      "topics.yaml": `$defaults: {max_in_flight: 7}\n${entry("t", lines)}`,
      "schemas/t/v1.json": described,
      "schemas/t/v2.json": described,
    });
    const topic = registry.topics.get("t")!;
    expect(topic.producers).toEqual(["hms-api", "old-app", "new-app"]);
    expect([...topic.producerVersions]).toEqual([["old-app", 1]]);
    expect(topic.consumers).toMatchObject([
      { name: "a", order: "none", maxInFlight: 7 },
      { name: "b", version: 1, order: "key", maxInFlight: 100, filter: { n: { $gt: 1 } } },
    ]);
    expect(topic.consumers[0]).not.toHaveProperty("version");
    expect(topic.consumers[0]).not.toHaveProperty("filter");
    expect(registry.systems).toContain("old-app");
  });

  test("a version between others may be gone: the others are still listed", async () => {
    const registry = await registryOf({
      "topics.yaml": entry("t", { schema: "v3" }),
      "schemas/t/v1.json": openSchema,
      "schemas/t/v3.json": openSchema,
    });
    expect([...registry.topics.get("t")!.schemas.keys()]).toEqual([1, 3]);
  });

  test("key, laravel event and $systems reach the registry", async () => {
    const registry = await registryOf({
      "topics.yaml": `$systems:\n  hms-api:\n    timezone: America/Chicago\n${entry("t", {
        key: "/a/b",
        laravel: "{event: 'App\\Events\\Done'}",
      })}`,
      "schemas/t/v1.json": { type: "object", properties: { a: { $ref: "../common/a.json" } } },
      "schemas/common/a.json": { type: "object", properties: { b: { type: "string" } } },
    });
    expect(registry.topics.get("t")).toMatchObject({ keyPointer: "/a/b", laravelEvent: "App\\Events\\Done" });
    expect(registry.timezoneOf("hms-api")).toBe("America/Chicago");
    expect(registry.timezoneOf("city-health")).toBeUndefined();
  });

  test.each([
    ["{rate: 50/s, body_limit: 64KiB}", { rate: 50, bodyLimit: 65_536 }],
    ["{rate: 600/m}", { rate: 10 }],
    ["{rate: none, body_limit: 1MiB}", { rate: 0, bodyLimit: 1_048_576 }],
    ["{body_limit: 512B, timezone: UTC}", { bodyLimit: 512 }],
    ["{timezone: UTC}", {}],
  ])("the limits of a system %s reach the registry", async (options, limits) => {
    const registry = await registryOf({
      "topics.yaml": `$systems:\n  hms-api: ${options}\n${entry("t")}`,
      "schemas/t/v1.json": openSchema,
    });
    expect(registry.limitsOf("hms-api")).toEqual(limits);
    expect(registry.limitsOf("city-health")).toEqual({});
  });

  test("versions up to the current one are known, later ones are not yet", async () => {
    const files = {
      "schemas/t/v1.json": openSchema,
      "schemas/t/v2.json": openSchema,
      "schemas/t/v3.json": openSchema,
    };
    const registry = await registryOf({ "topics.yaml": entry("t", { schema: "v2" }), ...files });
    expect([...registry.topics.get("t")!.schemas.keys()]).toEqual([1, 2]);
  });

  test("a second reading applies the schema as it is then", async () => {
    const path = writeRegistry({ "topics.yaml": entry("t"), "schemas/t/v1.json": { type: "object" } });
    const judge = async () => (await loadRegistry(path)).topics.get("t")!.schemas.get(1)!.validate({}).length;
    expect(await judge()).toBe(0);
    writeFileSync(join(path, "../schemas/t/v1.json"), '{"type":"object","minProperties":1}');
    expect(await judge()).toBe(1);
  });

  test.each([
    ["no", "no"],
    ["a name of digits in quotes", "'12'"],
  ])("a YAML trap in a name is the text that stands there: %s", async (_, name) => {
    const registry = await oneTopic(openSchema, { producers: `[${name}]` });
    expect(registry.topics.get("t")?.producers).toEqual([name.replaceAll("'", "")]);
  });
});
