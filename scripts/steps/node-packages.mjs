import { existsSync, lstatSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { adapterFolders, root } from "../lib/paths.mjs";
import { runLogged } from "../lib/run.mjs";
import { hashOf, isDone, markDone } from "../lib/stamps.mjs";

/** `npm install` when a manifest, the lock file or Node itself is another one than at the last time. */
export async function installNodePackages() {
  const installed = existsSync(join(root, "node_modules", ".package-lock.json"));
  if (installed && isDone("node-packages", manifests())) return;
  await runLogged("npm packages", "npm", ["install", "--no-audit", "--no-fund", "--no-progress"]);
  markDone("node-packages", manifests()); // hashed again: npm may have completed the lock file
}

function manifests() {
  const folders = [root, join(root, "client"), join(root, "create-hms-adapter"), ...adapterFolders()];
  const files = folders.map((folder) => join(folder, "package.json"));
  return hashOf(
    [...files, join(root, "package-lock.json")],
    process.versions.modules,
    process.platform,
    process.arch,
  );
}

/**
 * Lets `npx hms-sync` find the command of the checkout itself: npm links the commands of dependencies only, and
 * without the link npx would pack the checkout into its cache first.
 */
export function linkCommand() {
  const folder = join(root, "node_modules", ".bin");
  const link = join(folder, "hms-sync");
  if (existsSync(link)) return; // npm install removes it, and a link to nowhere does not exist
  mkdirSync(folder, { recursive: true });
  if (lstatSync(link, { throwIfNoEntry: false })) rmSync(link);
  symlinkSync("../../dist/cli/main.js", link);
}
