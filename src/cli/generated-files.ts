import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type GeneratedFile, isGenerated } from "../registry/catalogue/generated.js";
import { usageError } from "./failure.js";

/** What became of the files of a folder; paths below it. */
export interface Written {
  readonly written: string[];
  readonly unchanged: string[];
  /** Files of an earlier run that are not made any more. */
  readonly removed: string[];
}

/**
 * Writes generated files below `folder` and, where `tidy`, removes those of earlier runs in the same folders. A file
 * that was not generated is neither replaced nor removed.
 * @throws HmsSyncError `usage` when such a file is in the way, before anything is written, or a file cannot be written.
 */
export async function writeGenerated(
  folder: string,
  files: readonly GeneratedFile[],
  tidy = true,
): Promise<Written> {
  const present = await Promise.all(files.map(({ path }) => read(join(folder, path))));
  const inTheWay = files.find((_, index) => present[index] !== undefined && !isGenerated(present[index]));
  if (inTheWay !== undefined) throw notOurs(join(folder, inTheWay.path));
  const changed = files.filter(({ text }, index) => text !== present[index]);
  for (const { path, text } of changed) await write(join(folder, path), text);
  const removed = tidy ? await stale(folder, files) : [];
  for (const path of removed) await attempt(join(folder, path), rm(join(folder, path)));
  return {
    written: changed.map(({ path }) => path),
    unchanged: files.filter((file) => !changed.includes(file)).map(({ path }) => path),
    removed,
  };
}

async function stale(folder: string, files: readonly GeneratedFile[]): Promise<string[]> {
  const made = new Set(files.map(({ path }) => path));
  const endings = new Set(files.map(({ path }) => path.slice(path.lastIndexOf("."))));
  const folders = [...new Set(files.map(({ path }) => dirname(path)))];
  const found = await Promise.all(folders.map((below) => filesIn(folder, below)));
  const left: string[] = [];
  for (const path of found.flat()) {
    if (made.has(path) || !endings.has(path.slice(path.lastIndexOf(".")))) continue;
    if (isGenerated((await read(join(folder, path))) ?? "")) left.push(path);
  }
  return left.toSorted();
}

async function filesIn(folder: string, below: string): Promise<string[]> {
  const path = join(folder, below);
  const entries = await attempt(path, readdir(path, { withFileTypes: true }));
  return entries.filter((entry) => entry.isFile()).map(({ name }) => join(below, name));
}

/** The text of a file; undefined when there is none. */
async function read(path: string): Promise<string | undefined> {
  return await attempt(
    path,
    readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    }),
  );
}

async function write(path: string, text: string): Promise<void> {
  await attempt(path, mkdir(dirname(path), { recursive: true }));
  await attempt(path, writeFile(path, text));
}

async function attempt<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw usageError(`${path} cannot be written (${code ?? message}); name another place with --out`);
  }
}

function notOurs(path: string): Error {
  return usageError(`${path} is there and was not generated; remove it, or name another place with --out`);
}
