import { readFileSync } from "node:fs";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type BusFolder, busFolder, cli, type RunningBus, startBus } from "../support/bus.js";
import { run } from "../support/process.js";

const root = resolve(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/http-ingress.md"), "utf8");
const blocks = (language: string) =>
  [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, name]) => name === language)
    .map(([, , text]) => text!);

let folder: BusFolder;
let bus: RunningBus;

beforeAll(async () => {
  folder = await busFolder("", []);
  const topics = readFileSync(join(root, "topics.yaml"), "utf8");
  await writeFile(join(folder.path, "topics.yaml"), blocks("yaml").join("") + topics);
  await cp(join(root, "schemas"), join(folder.path, "schemas"), { recursive: true });
  bus = await startBus(folder);
});
afterAll(async () => {
  await bus.process.kill("SIGTERM");
  await bus.process.exited;
  folder.remove();
});

test("the page's commands, typed one after another into one shell, print what the page says", async () => {
  const bin = join(folder.path, "bin");
  await mkdir(bin);
  await writeFile(join(bin, "npx"), `#!/bin/sh\nshift\nexec "${process.execPath}" "${cli}" "$@"\n`, {
    mode: 0o755,
  });
  const { code, stdout, stderr } = await run("sh", ["-e", "-c", blocks("sh").join("")], {
    cwd: folder.path,
    env: {
      ...folder.env,
      PATH: `${bin}:${process.env.PATH}`,
      HMS_SYNC_URL: bus.url,
      HMS_SYNC_TOKEN: bus.token,
    },
  });
  expect([code, stdout]).toEqual([0, blocks("json").join("")]);
  expect(stderr).toBe("");
});
