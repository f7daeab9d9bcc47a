import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GatewayClient } from "../../src/cli/gateway-client.js";
import { runCli } from "../../src/cli/program.js";
import { readConfig, readContext } from "../../src/config.js";
import { type BusFolder, busFolder, cli, type RunningBus, startBus } from "../support/bus.js";
import { run } from "../support/process.js";
import { type Bytes, bytesOf, marker } from "./bytes.js";
import { casesOf } from "./cases.js";
import { goodTopics } from "./corpus-bus.js";

interface CliCase {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: Bytes;
  readonly exit: number;
  /** Code of the error, told with --json. */
  readonly code?: string;
  /** What a person is told. */
  readonly says?: string;
  /** What nobody is told. */
  readonly hides?: string;
}

const note = { type: "object", required: ["note"], properties: { note: { type: "string" } } };

let folder: BusFolder;
let bus: RunningBus;
beforeAll(async () => {
  folder = await busFolder(goodTopics, ["notes", "strict"], { notes: note });
  bus = await startBus(folder, { HMS_SYNC_LOG: "debug" });
});
afterAll(async () => {
  await bus.process.kill();
  folder.remove();
});

/** Runs a command line in this process, against the real bus. */
async function ended({ argv, env = {}, stdin = "" }: CliCase, json: boolean) {
  const output = { stdout: "", stderr: "" };
  const config = () => readConfig({ ...folder.env, HMS_SYNC_URL: bus.url, ...env }, folder.path);
  const code = await runCli(json ? [...argv, "--json"] : argv, {
    output: {
      write: async (text) => {
        output.stdout += Buffer.from(text as string).toString();
      },
      note: (text) => {
        output.stderr += `${text}\n`;
      },
      colours: false,
    },
    gateway: new GatewayClient(() => readContext(config())),
    config,
    stdin: async () => bytesOf(stdin),
    ask: async () => undefined,
    stopSignal: () => new Promise(() => {}),
    onHangup: () => {},
  });
  return { code, ...output };
}

describe("a command line", () => {
  test.each(casesOf<CliCase>("cli"))("%s", async (_name, given) => {
    const { code, stdout, stderr } = await ended(given, given.code !== undefined);
    expect([code, stdout]).toEqual([given.exit, ""]);
    if (given.code !== undefined) expect(JSON.parse(stderr).code).toBe(given.code);
    if (given.says !== undefined) expect(stderr).toContain(given.says);
    if (given.hides !== undefined) expect(stderr).not.toContain(given.hides);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  test("with a topics.yaml that may not be read is told so", async () => {
    if (process.getuid?.() === 0) return; // root may read everything
    const file = join(folder.path, "closed.yaml");
    writeFileSync(file, goodTopics);
    chmodSync(file, 0);
    const closed = await ended({ argv: ["topics", "ls"], env: { HMS_SYNC_CONFIG: file }, exit: 1 }, true);
    expect([closed.code, JSON.parse(closed.stderr).code]).toEqual([1, "invalid_registry"]);
  });

  test("whose reader goes away ends quietly, for help, lists and streams", async () => {
    const env = { ...folder.env, HMS_SYNC_URL: bus.url, HMS_SYNC_TOKEN: bus.token };
    for (const verb of ["--help", "status --json", "subscribe notes --since 0"]) {
      const line = `"${process.execPath}" "${cli}" ${verb} | head -c 1; echo " $\{PIPESTATUS[0]}"`;
      let over = false;
      const running = run("bash", ["-c", line], { cwd: folder.path, env }).finally(() => {
        over = true;
      });
      // A stream learns that its reader is gone when it next has something to say.
      while (!over) await ended({ argv: ["publish", "notes", '{"note":"read"}'], exit: 0 }, false);
      const { stdout, stderr } = await running;
      expect([verb, stdout.trim().split(" ").at(-1)]).toEqual([verb, "0"]);
      expect(stderr).not.toMatch(/error|EPIPE|\n\s+at /i);
    }
  });
});

test("the bus takes an event after all of it, and no payload or token is in its log", async () => {
  const { code, stdout } = await ended({ argv: ["publish", "notes", '{"note":"last"}'], exit: 0 }, true);
  expect([code, JSON.parse(stdout)]).toEqual([
    0,
    expect.objectContaining({ topic: "notes", duplicate: false }),
  ]);
  expect(bus.process.output()).not.toContain(marker);
  expect(bus.process.output()).not.toContain("request failed");
});
