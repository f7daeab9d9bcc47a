import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { World } from "../world.js";

const root = resolve(import.meta.dirname, "../../..");
const needed = ["src", "package.json", "tsconfig.json", "tsconfig.base.json"];

/** Whether the commit before this one is there: in a clone of depth 1 it is not. */
export function hasPreviousCommit(): boolean {
  return git("rev-parse", "--verify", "--quiet", "HEAD~1^{commit}").status === 0;
}

/** Builds the sidecar of the commit before this one in a temporary folder; resolves to its command line. */
export function buildPrevious(): string {
  const folder = mkdtempSync(join(tmpdir(), "previous-"));
  const archive = git("archive", "--format=tar", "HEAD~1", ...needed);
  succeed("git archive", archive);
  succeed("tar", spawnSync("tar", ["-x", "-C", folder], { input: archive.stdout }));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const compiler = join(root, "node_modules", ".bin", "tsc");
  succeed("tsc", spawnSync(compiler, ["-p", "tsconfig.json", "--outDir", "dist"], { cwd: folder }));
  cpSync(join(folder, "src"), join(folder, "dist"), {
    recursive: true,
    filter: (path) => !/\.\w+$/.test(path) || path.endsWith(".lua"),
  });
  return join(folder, "dist", "cli", "main.js");
}

/** Replaces the sidecars one after the other by those of another build, as a deployment does. */
export async function roll({ sidecars }: World, cli: string): Promise<void> {
  for (const sidecar of sidecars) {
    await sidecar.term();
    sidecar.command = [process.execPath, cli];
    await sidecar.start();
  }
}

function git(...args: string[]) {
  return spawnSync("git", args, { cwd: root, maxBuffer: 256 * 1_024 * 1_024 });
}

function succeed(what: string, { status, stdout, stderr }: ReturnType<typeof git>): void {
  if (status !== 0) throw new Error(`${what} ended with ${status}: ${stdout} ${stderr}`.slice(0, 2_000));
}
