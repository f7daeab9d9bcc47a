import assert from "node:assert/strict";
import {
  type FileHandle,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { openFileDrop } from "../src/file-drop.js";

let parent: string;
let folder: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "file-drop-"));
  folder = join(parent, "made", "by it");
});
afterEach(() => rm(parent, { recursive: true }));

test("a file is there with all it holds, and nothing else", async () => {
  const drop = await openFileDrop(folder);
  await drop.put("1.hl7", Buffer.from("whole"));
  assert.deepEqual(await readdir(folder), ["1.hl7"]);
  assert.equal(await readFile(join(folder, "1.hl7"), "utf8"), "whole");
});

test("a file that is there is left alone", async () => {
  const drop = await openFileDrop(folder);
  await drop.put("1.hl7", Buffer.from("first"));
  const longAgo = new Date("2020-01-01T00:00:00Z");
  await utimes(join(folder, "1.hl7"), longAgo, longAgo);
  const before = await stat(join(folder, "1.hl7"));
  await drop.put("1.hl7", Buffer.from("first"));
  const { ino, mtimeMs } = await stat(join(folder, "1.hl7"));
  assert.deepEqual([ino, mtimeMs], [before.ino, before.mtimeMs]);
});

test("what a crash left half-written is written over, or removed at the next start; other files stay", async () => {
  const drop = await openFileDrop(folder);
  await writeFile(join(folder, ".1.hl7.tmp"), "half of a file that is longer than the new one");
  await drop.put("1.hl7", Buffer.from("whole"));
  assert.deepEqual(await readdir(folder), ["1.hl7"]);
  assert.equal(await readFile(join(folder, "1.hl7"), "utf8"), "whole");
  for (const name of [".2.hl7.tmp", "2.tmp", ".keep"]) await writeFile(join(folder, name), "");
  await openFileDrop(folder);
  assert.deepEqual((await readdir(folder)).sort(), [".keep", "1.hl7", "2.tmp"]);
});

test("the file is flushed before it has its name, and the folder afterwards", async (t) => {
  const drop = await openFileDrop(folder);
  const handle = await open(parent, "r");
  await handle.close();
  const flushed: string[][] = [];
  const { sync } = Object.getPrototypeOf(handle) as FileHandle;
  t.mock.method(Object.getPrototypeOf(handle) as FileHandle, "sync", async function (this: FileHandle) {
    flushed.push(await readdir(folder));
    await sync.call(this);
  });
  await drop.put("1.hl7", Buffer.from("whole"));
  await drop.put("1.hl7", Buffer.from("whole")); // whoever renamed it may have died before it flushed the folder
  const folders = process.platform === "win32" ? [] : [["1.hl7"], ["1.hl7"]];
  assert.deepEqual(flushed, [[".1.hl7.tmp"], ...folders]);
});

test("a folder that is away is an error with its code, and no file appears elsewhere", async () => {
  const drop = await openFileDrop(folder);
  await rm(folder, { recursive: true });
  await assert.rejects(drop.put("1.hl7", Buffer.from("whole")), { code: "ENOENT" });
  assert.deepEqual(await readdir(join(parent, "made")), []);
});
