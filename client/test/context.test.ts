import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findContext } from "../src/context.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "context-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function leave(dir: string, files: Record<string, string>): void {
  mkdirSync(join(directory, dir), { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, dir, name), content);
}

test("what is given goes before the environment, that before the files", () => {
  leave(".hms-sync", { "context.json": '{"url":"http://file:1"}', token: "file\n" });
  const env = { HMS_SYNC_URL: "http://env:1/", HMS_SYNC_TOKEN: " env " };
  expect(findContext({ url: "https://given:1", token: "given" }, env, directory)).toEqual({
    url: "https://given:1",
    token: "given",
  });
  expect(findContext({}, env, directory)).toEqual({ url: "http://env:1", token: "env" });
  expect(findContext({}, {}, directory)).toEqual({ url: "http://file:1", token: "file" });
});

test("the token may stand in a file that the environment names", () => {
  leave("secrets", { token: "secret\n", empty: "\n" });
  const find = (env: Record<string, string>) => findContext({ url: "http://x" }, env, directory);
  expect(find({ HMS_SYNC_TOKEN_FILE: "secrets/token" }).token).toBe("secret");
  expect(find({ HMS_SYNC_TOKEN_FILE: join(directory, "secrets/token"), HMS_SYNC_TOKEN: "" }).token).toBe(
    "secret",
  );
  const wrong = [
    { HMS_SYNC_TOKEN_FILE: "secrets/none" },
    { HMS_SYNC_TOKEN_FILE: "secrets/empty" },
    { HMS_SYNC_TOKEN_FILE: "secrets/token", HMS_SYNC_TOKEN: "other" },
  ];
  for (const env of wrong)
    expect(() => find(env)).toThrow(
      expect.objectContaining({
        code: "invalid_option",
        detail: expect.stringContaining("HMS_SYNC_TOKEN_FILE"),
      }),
    );
});

test("the files are looked for upwards, or only where HMS_SYNC_STATE says", () => {
  leave(".hms-sync", { "context.json": '{"url":"http://up:1"}', token: "up" });
  leave("state", { "context.json": '{"url":"http://state:1"}', token: "state" });
  leave("a/b", {});
  expect(findContext({}, {}, join(directory, "a", "b")).token).toBe("up");
  expect(findContext({}, { HMS_SYNC_STATE: "state" }, directory).token).toBe("state");
});

test("what is missing is named with what to set", () => {
  leave("empty", {});
  const env = { HMS_SYNC_STATE: "empty" };
  expect(() => findContext({}, env, directory)).toThrow(
    expect.objectContaining({ code: "no_context", detail: expect.stringMatching(/HMS_SYNC_URL.*npm start/) }),
  );
  expect(() => findContext({ url: "http://x" }, env, directory)).toThrow(
    expect.objectContaining({
      code: "no_context",
      detail: expect.stringMatching(/HMS_SYNC_TOKEN.*hms-sync keys create/),
    }),
  );
});

test.each([
  ["not JSON", "{", "no_context"],
  ["no url", "{}", "no_context"],
  ["no address", '{"url":"ftp://x"}', "invalid_option"],
])("a context file with %s is refused with a remedy", (_what, content, code) => {
  leave(".hms-sync", { "context.json": content, token: "t" });
  expect(() => findContext({}, {}, directory)).toThrow(expect.objectContaining({ code }));
});

test("a token that cannot be a header is refused without being shown", () => {
  const bad = () => findContext({ url: "http://x", token: "secret\r\nx: y" }, {}, directory);
  expect(bad).toThrow(expect.objectContaining({ code: "invalid_option" }));
  expect(bad).not.toThrow(/secret/);
});
