import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { observe } from "./checker.js";
import type { Violation } from "./invariants.js";
import type { World } from "./world.js";

const cache = resolve(import.meta.dirname, "../../.cache/chaos");

/** Keeps what tells how a violation came about, and resolves with the folder it is in. */
export async function keepEvidence(
  world: World,
  seed: number,
  violations: readonly Violation[],
): Promise<string> {
  const folder = join(cache, String(seed));
  await mkdir(folder, { recursive: true });
  const { operations, ledger, accounts, deadLetters, rows, probe, samples, laravel } = await observe(world);
  const losses = world.losses.map((loss) => ({ ...loss, sentAgain: [...loss.sentAgain] }));
  const outbox = laravel && { committed: [...laravel.committed], written: laravel.outbox };
  const seen = {
    operations,
    ledger: [...ledger],
    accounts,
    deadLetters,
    rows,
    probe,
    samples,
    losses,
    outbox,
  };
  const processes = [...world.sidecars, ...world.adapters, ...(world.laravel?.node.parts() ?? [])];
  const files: [string, string][] = [
    ["violations.json", JSON.stringify(violations, null, 1)],
    ...Object.entries(seen).map(([name, part]): [string, string] => [
      `${name}.json`,
      JSON.stringify(part ?? null, null, 1),
    ]),
    ...processes.map(({ name, process }): [string, string] => [`${name}.log`, process.output()]),
    [
      "ends.json",
      JSON.stringify(
        processes.flatMap(({ process }) => process.ends),
        null,
        1,
      ),
    ],
  ];
  await Promise.all(files.map(([name, text]) => writeFile(join(folder, name), text)));
  return folder;
}
