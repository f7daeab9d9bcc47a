import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { run } from "./process.js";

const root = resolve(import.meta.dirname, "../..");

/** Packs a workspace from its build, as `npm publish` would, and gives the path of the tarball. */
export async function pack(workspace: string, folder: string): Promise<string> {
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const [{ filename }] = JSON.parse(await mustRun("npm", args, join(root, workspace)));
  return join(folder, filename);
}

/** Unpacks a tarball and gives the folder of the package. */
export async function unpack(tarball: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await mustRun("tar", ["xzf", tarball, "-C", folder], folder);
  return join(folder, "package");
}

/** Runs a program to its end and gives what it printed. @throws with all its output when it fails. */
export async function mustRun(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, { cwd, env: { NODE_OPTIONS: "", ...env } });
  if (code !== 0) throw new Error(`${[command, ...args].join(" ")} in ${cwd}: ${code}\n${stdout}${stderr}`);
  return stdout;
}
