import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { HmsSyncError } from "../errors.js";
import type { Registry } from "../registry/types.js";
import { usageError } from "./failure.js";

const run = promisify(execFile);
const maxBytes = 4 * 1_048_576; // a file of a registry has 1 MiB at most

/**
 * The registry that `against` names for the topics.yaml at `file`: another file, or the same file with its schemas/ in
 * a git commit.
 * @throws HmsSyncError `usage` when it is neither, `invalid_registry` when what it names has errors.
 */
export async function registryAgainst(against: string, file: string): Promise<Registry> {
  try {
    return (await isFile(resolve(against))) ? await load(resolve(against)) : await committed(against, file);
  } catch (error) {
    if (!(error instanceof HmsSyncError) || error.code !== "invalid_registry") throw error;
    const message = `what ${JSON.stringify(against)} names is not valid; compare with a file or commit that is:\n${error.message}`;
    throw new HmsSyncError("invalid_registry", message, { cause: error });
  }
}

async function committed(commit: string, file: string): Promise<Registry> {
  const directory = await mkdtemp(join(tmpdir(), "hms-sync-against-"));
  try {
    await writeCommit(commit, file, directory);
    return await load(join(directory, basename(file)));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function load(path: string): Promise<Registry> {
  const { loadRegistry } = await import("../registry/load.js");
  return await loadRegistry(path);
}

/** Whether git has the file at `file` in the commit that HEAD names. */
export async function isCommitted(file: string): Promise<boolean> {
  try {
    await git(file, ["cat-file", "-e", `HEAD:./${basename(file)}`]);
    return true;
  } catch {
    return false; // no git, no repository, no commit, or not in it: all the same to the caller
  }
}

async function writeCommit(commit: string, file: string, directory: string): Promise<void> {
  for (const name of await filesOf(commit, file)) {
    const target = join(directory, name);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, await git(file, ["show", `${commit}:./${name}`]));
  }
}

/** topics.yaml and what is below schemas/ in a commit, relative to the file's folder. */
async function filesOf(commit: string, file: string): Promise<string[]> {
  const list = ["ls-tree", "-r", "-z", "--name-only", `${commit}^{commit}`, "--", basename(file), "schemas"];
  try {
    const names = (await git(file, list)).toString("utf8").split("\0");
    if (!names.includes(basename(file))) throw new Error(`it has no ${basename(file)}`);
    return names.filter((name) => name !== "");
  } catch (error) {
    const reason = String((error as { stderr?: Buffer }).stderr ?? (error as Error).message).trim();
    throw usageError(
      `--against ${JSON.stringify(commit)} is neither a file nor a git commit with ${basename(file)} (${reason}); write the path of a file, or a commit such as HEAD or main`,
    );
  }
}

async function git(file: string, args: readonly string[]): Promise<Buffer> {
  const options = { cwd: dirname(file), encoding: "buffer", maxBuffer: maxBytes } as const;
  const { stdout } = await run("git", args as string[], options);
  return stdout;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false; // then it may be a commit
  }
}
