import { expect, test } from "vitest";
import { HmsSyncError } from "../../../src/errors.js";
import { RegistryInForce } from "../../../src/registry/in-force.js";
import { createRegistry } from "../../../src/registry/registry.js";
import { Reloading, type ReloadingParts } from "../../../src/registry/reloading.js";
import type { Registry } from "../../../src/registry/types.js";

function registryOf(digest: string): Registry {
  return { ...createRegistry([], new Map(), new Map()), digest };
}

/** A reloading over `load`, with what was put in force. */
function reloadingOf(load: () => Promise<Registry>, parts: Partial<ReloadingParts> = {}) {
  const inForce = new RegistryInForce(registryOf("first"));
  const errors: unknown[] = [];
  let clock = Date.parse("2024-04-23T15:00:00Z");
  const reloading = new Reloading(
    {
      inForce: () => inForce.digest,
      load,
      problemsOf: async () => [],
      apply: async (next) => inForce.put(next),
      log: { info() {}, error: (_message, fields) => void errors.push(fields) },
      ...parts,
    },
    () => {
      clock += 1_000;
      return new Date(clock);
    },
  );
  return { reloading, inForce, errors };
}

test("a changed file is in force when the reload resolves", async () => {
  const { reloading, inForce } = reloadingOf(async () => registryOf("second"));
  await reloading.reload();
  expect(inForce.digest).toBe("second");
  expect(reloading.state).toEqual({ since: "2024-04-23T15:00:02.000Z" });
});

test("a file with problems is refused with every one of them, and the registry before it stays", async () => {
  const { reloading, inForce, errors } = reloadingOf(async () => {
    throw new HmsSyncError("invalid_registry", "topics.yaml:1:1: a\ntopics.yaml:2:1: b");
  });
  await reloading.reload();
  const problems = ["topics.yaml:1:1: a", "topics.yaml:2:1: b"];
  expect(inForce.digest).toBe("first");
  expect(reloading.state.refused).toEqual({ at: "2024-04-23T15:00:02.000Z", problems });
  expect(errors).toEqual([{ problems }]);
});

test("what the running bus has against a file refuses it too", async () => {
  const { reloading, inForce } = reloadingOf(async () => registryOf("second"), {
    problemsOf: async () => ["city-health has joined with v1"],
  });
  await reloading.reload();
  expect(inForce.digest).toBe("first");
  expect(reloading.state.refused?.problems).toEqual(["city-health has joined with v1"]);
});

test("a bus that cannot be asked leaves the registry as it is, and says why", async () => {
  const { reloading, inForce } = reloadingOf(async () => registryOf("second"), {
    problemsOf: async () => {
      throw new Error("Redis is away");
    },
  });
  await reloading.reload();
  expect(inForce.digest).toBe("first");
  expect(reloading.state.refused?.problems).toEqual(["it could not be taken up: Redis is away"]);
});

test("a file put right is no longer refused, even when it is what is in force already", async () => {
  const answers = [
    Promise.reject(new HmsSyncError("invalid_registry", "a")),
    Promise.resolve(registryOf("first")),
  ];
  const { reloading } = reloadingOf(() => answers.shift()!);
  await reloading.reload();
  expect(reloading.state.refused).toBeDefined();
  await reloading.reload();
  expect(reloading.state.refused).toBeUndefined();
});

test("changes that come while one is read are read once more, together", async () => {
  let loads = 0;
  let release = () => {};
  const { reloading, inForce } = reloadingOf(async () => {
    loads++;
    if (loads === 1) await new Promise<void>((resolve) => (release = resolve));
    return registryOf(`load ${loads}`);
  });
  const all = [reloading.reload(), reloading.reload(), reloading.reload()];
  release();
  await Promise.all(all);
  expect(loads).toBe(2);
  expect(inForce.digest).toBe("load 2");
});
