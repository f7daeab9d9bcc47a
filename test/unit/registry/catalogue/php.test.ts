import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { Ajv2020 } from "ajv/dist/2020.js";
import ajvFormats from "ajv-formats";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exampleEnvelope } from "../../../../src/registry/catalogue/example.js";
import { phpOf } from "../../../../src/registry/catalogue/php.js";
import type { Registry } from "../../../../src/registry/types.js";
import { registryOf } from "../write-registry.js";
import { catalogue, permit } from "./fixture.js";
import { objectSample } from "./schema-samples.js";

const run = promisify(execFile);
const autoload = resolve(import.meta.dirname, "../../../laravel-app/vendor/autoload.php");
const builder = resolve(import.meta.dirname, "build-events.php");
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "php-types-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

interface Payload {
  readonly topic: string;
  readonly payload: unknown;
}

/** What hms-sync/laravel makes of the payloads with the generated classes on its list: their public properties, or why not. */
async function build(
  registry: Registry,
  payloads: readonly Payload[],
  consumer?: string,
): Promise<unknown[]> {
  const { files, inbound } = phpOf(registry, "App\\Generated", consumer);
  for (const { path, text } of files) writeFileSync(join(folder, path), text);
  writeFileSync(join(folder, "config.php"), `<?php return [${inbound}];`);
  const envelopes = payloads.map(({ topic, payload }) =>
    exampleEnvelope(registry.topics.get(topic)!, 1, payload),
  );
  writeFileSync(join(folder, "envelopes.json"), JSON.stringify(envelopes));
  const { stdout } = await run("php", [builder, autoload, folder], { maxBuffer: 1e8 });
  return JSON.parse(stdout) as unknown[];
}

test("the package builds the classes of a consumer's version, with enums, dates, lists and inner classes", async () => {
  const [built] = await build(
    await catalogue(),
    [{ topic: "permits.issued", payload: permit }],
    "city-health",
  );
  const { "legacy-code": _, ...named } = permit;
  expect(built).toEqual({
    ...named,
    class: "App\\Generated\\PermitsIssuedV1",
    issuedAt: { class: "Carbon\\CarbonImmutable", time: "2024-04-23T15:02:11Z" },
    holder: {
      class: "App\\Generated\\PermitsIssuedV1Person",
      name: "Ada",
      boss: { class: "App\\Generated\\PermitsIssuedV1Person", name: "Bo", boss: null },
    },
    status: { enum: "App\\Generated\\PermitsIssuedV1Status", value: "2nd look" },
    priority: { enum: "App\\Generated\\PermitsIssuedV1Priority", value: 2 },
    visits: [
      {
        class: "App\\Generated\\PermitsIssuedV1VisitsItem",
        at: { class: "Carbon\\CarbonImmutable", time: "2024-04-24T08:00:00Z" },
      },
    ],
  });
});

test("alternatives become one class, a payload without known fields a class that holds it", async () => {
  const built = await build(await catalogue(), [
    { topic: "permits.changed", payload: { id: "p", kind: "cancelled", why: 3 } },
    { topic: "open", payload: { a: [1] } },
  ]);
  expect(built).toEqual([
    {
      class: "App\\Generated\\PermitsChangedV1",
      id: "p",
      kind: { enum: "App\\Generated\\PermitsChangedV1Kind", value: "cancelled" },
      to: null,
      why: 3,
    },
    { class: "App\\Generated\\OpenV1", payload: { a: [1] } },
  ]);
});

test("php -l takes every file", async () => {
  await build(await catalogue(), []);
  const { files } = phpOf(await catalogue(), "App\\Generated");
  expect(files.length).toBeGreaterThan(8);
  for (const { path } of files) await run("php", ["-l", join(folder, path)]);
});

test("the package builds every payload that a schema takes", async () => {
  const ajv = new Ajv2020({ strict: false });
  ajvFormats.default(ajv);
  const samples = fc.sample(objectSample, { numRuns: 150, seed: 5 });
  const fitting = samples.filter(({ schema, value }) => ajv.validate(schema, value));
  const registry = await registryOf({
    "topics.yaml": fitting
      .map(
        (_, n) => `t${n}: {qos: at_least_once, retention: 7d, schema: v1, producers: [x], consumers: [y]}\n`,
      )
      .join(""),
    ...Object.fromEntries(fitting.map(({ schema }, n) => [`schemas/t${n}/v1.json`, schema])),
  });
  const built = await build(
    registry,
    fitting.map(({ value }, n) => ({ topic: `t${n}`, payload: value })),
  );
  const failed = built.flatMap((one, n) => (isFailure(one) ? [{ ...one, ...fitting[n] }] : []));
  expect(JSON.stringify(failed.slice(0, 3), null, 1)).toBe("[]");
  expect(built.length).toBeGreaterThan(120);
});

function isFailure(built: unknown): built is { failure: string } {
  return typeof (built as { failure?: unknown }).failure === "string";
}
