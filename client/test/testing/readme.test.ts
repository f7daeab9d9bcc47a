import { readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { spawnNode } from "../../../test/support/process.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const blocks = [...readme.matchAll(/^```javascript\n\/\/ (\S+)\n([\s\S]*?)^```$/gm)];

test("the readme's test of an adapter passes, and fails with an adapter that is wrong", async () => {
  const folder = join(root, ".cache", `testing-readme-${process.pid}`); // where @hms-sync/client is found
  await mkdir(folder, { recursive: true });
  for (const [, name, text] of blocks) await writeFile(join(folder, name!), text!);
  const run = async () => (await (await spawnNode(["--test", join(folder, "adapter.test.mjs")])).exited).code;
  expect(await run()).toBe(0);
  await writeFile(join(folder, "adapter.mjs"), blocks[0]![2]!.replace("=> calendar", "=> void calendar"));
  expect(await run()).toBe(1);
  await rm(folder, { recursive: true });
});
