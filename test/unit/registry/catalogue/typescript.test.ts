import { Ajv2020 } from "ajv/dist/2020.js";
import ajvFormats from "ajv-formats";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readShapes } from "../../../../src/registry/catalogue/shape-reader.js";
import { typescriptOf } from "../../../../src/registry/catalogue/typescript.js";
import { registryOf } from "../write-registry.js";
import { catalogue, permit } from "./fixture.js";
import { objectSample } from "./schema-samples.js";
import { typeErrors } from "./typed.js";

const use = `
import type { Bus } from "@hms-sync/client";
import type { PermitsIssuedV1, PermitsIssuedV2 } from "./topics.js";
declare const bus: Bus;
`;

test("subscribe knows a topic's payload in the consumer's version, and no other field than those of the schema", async () => {
  const topics = typescriptOf(await catalogue(), "city-health");
  const adapter = `${use.replace(", PermitsIssuedV2", "")}
for await (const msg of bus.subscribe("permits.issued")) {
  const payload: PermitsIssuedV1 = msg.payload;
  const id: number = payload.permitId;
  const boss: string | undefined = payload.holder.boss?.boss?.name;
  const [lat, long]: readonly [number, number] = payload.location ?? [0, 0];
  const status: "Open" | "Closed" | "class" | "2nd look" = payload.status;
  // @ts-expect-error version 2 has it
  payload.channel;
  // @ts-expect-error is a number
  const text: string = payload.permitId;
  // @ts-expect-error may be missing
  payload.tags.length;
}
for await (const msg of bus.subscribe("permits.changed")) {
  // @ts-expect-error not a topic that city-health consumes
  msg.payload.id;
}
for await (const msg of bus.subscribe<{ own: string }>("permits.issued")) msg.payload.own.trim();
`;
  expect(await typeErrors({ "topics.ts": topics, "adapter.ts": adapter })).toBe("");
});

test("without a consumer a payload is of any listed version", async () => {
  const adapter = `${use}
for await (const msg of bus.subscribe("permits.issued")) {
  const payload: PermitsIssuedV1 | PermitsIssuedV2 = msg.payload;
  // @ts-expect-error version 1 has none
  payload.channel;
}
for await (const msg of bus.subscribe("permits.changed")) {
  if (msg.payload.kind === "moved") msg.payload.to.trim();
  // @ts-expect-error only what moved has it
  else msg.payload.to;
}
for await (const msg of bus.subscribe("open")) msg.payload.anything;
const permit: PermitsIssuedV1 = ${JSON.stringify(permit)};
`;
  expect(await typeErrors({ "topics.ts": typescriptOf(await catalogue()), "adapter.ts": adapter })).toBe("");
});

test("topics whose names differ in signs alone, or begin with a digit, get types of their own", async () => {
  const names = ["a", "a.b", "a-b", "911.calls", "a.v1.b"];
  const registry = await registryOf({
    "topics.yaml": names
      .map(
        (name) =>
          `${name}: {qos: at_least_once, retention: 7d, schema: v1, producers: [x], consumers: [y]}\n`,
      )
      .join(""),
    ...Object.fromEntries(
      names.map((name) => [
        `schemas/${name}/v1.json`,
        { type: "object", properties: { bV1: { type: "object", properties: { n: { type: "integer" } } } } },
      ]),
    ),
  });
  const topics = typescriptOf(registry, "y");
  const declared = [...topics.matchAll(/^export interface (\w+)/gm)].map(([, name]) => name);
  expect(declared).toEqual(expect.arrayContaining(["ABV1", "ABV1_2", "T911CallsV1", "AV1BV1"]));
  expect(declared).toEqual([...new Set(declared)]); // TypeScript would merge two of one name
  expect(await typeErrors({ "topics.ts": topics })).toBe("");
});

test("a type takes every payload that its schema takes", async () => {
  const ajv = new Ajv2020({ strict: false });
  ajvFormats.default(ajv);
  const samples = fc.sample(objectSample, { numRuns: 150, seed: 11 });
  const fitting = samples.filter(({ schema, value }) => ajv.validate(schema, value));
  expect(fitting.length).toBeGreaterThan(120);
  const registry = await registryOf({
    "topics.yaml": fitting
      .map(
        (_, n) => `t${n}: {qos: at_least_once, retention: 7d, schema: v1, producers: [x], consumers: [y]}\n`,
      )
      .join(""),
    ...Object.fromEntries(fitting.map(({ schema }, n) => [`schemas/t${n}/v1.json`, schema])),
  });
  const uses = fitting.map(
    ({ value }, n) =>
      `const v${n} = ${JSON.stringify(value)} as const;\nexport const p${n}: types.T${n}V1 = v${n};`,
  );
  const files = {
    "topics.ts": typescriptOf(registry),
    "use.ts": ['import type * as types from "./topics.js";', ...uses].join("\n"),
  };
  expect(await typeErrors(files)).toBe("");
});

test("schemas that refer to themselves a thousandfold, or nest endlessly, become types in a moment", () => {
  const chain = Array.from({ length: 5_000 }, (_, n) => [
    `d${n}`,
    { type: "array", items: { anyOf: [{ $ref: `#/$defs/d${(n + 1) % 5_000}` }, { $ref: "#/$defs/d0" }] } },
  ]);
  const choice = { anyOf: [{ properties: { a: {} } }, { properties: { b: {} } }] };
  const wide = { type: "object", allOf: Array.from({ length: 30 }, () => structuredClone(choice)) };
  expect(readShapes({ $defs: Object.fromEntries(chain), $ref: "#/$defs/d0" }, "Chain").root.kind).toBe(
    "list",
  );
  expect(readShapes(wide, "Wide").objects.length).toBeGreaterThan(0);
});
