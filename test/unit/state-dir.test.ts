import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { StateDirectory } from "../../src/state-dir.js";

let path: string;
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), "state-")), ".hms-sync");
});
afterEach(() => rmSync(join(path, ".."), { recursive: true, force: true }));

const mode = (file: string) => statSync(file).mode & 0o777;

test("the development token is made once, kept, and readable by its owner alone", async () => {
  const token = await new StateDirectory(path).developmentToken(false);
  expect(token).toMatch(/^hms_dev_[\w-]{43}$/);
  expect(mode(join(path, "token"))).toBe(0o600);
  chmodSync(join(path, "token"), 0o644);
  expect(await new StateDirectory(path).developmentToken(false)).toBe(token);
  expect(mode(join(path, "token"))).toBe(0o600);
});

test("in production there is no development token, and one of an earlier start is removed", async () => {
  const state = new StateDirectory(path);
  await state.developmentToken(false);
  expect(await state.developmentToken(true)).toBeUndefined();
  expect(existsSync(join(path, "token"))).toBe(false);
});

test("the context says where the gateway listens", async () => {
  await new StateDirectory(path).writeContext("http://127.0.0.1:1234");
  expect(JSON.parse(readFileSync(join(path, "context.json"), "utf8"))).toEqual({
    url: "http://127.0.0.1:1234",
  });
});
