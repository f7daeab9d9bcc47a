import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Stamps, locks and logs of the scripts; may be removed at any time. */
export const cache = join(root, ".cache");

/** The folders of `adapters/` that are packages. */
export function adapterFolders() {
  const adapters = join(root, "adapters");
  if (!existsSync(adapters)) return [];
  const names = readdirSync(adapters).sort();
  return names
    .map((name) => join(adapters, name))
    .filter((folder) => existsSync(join(folder, "package.json")));
}

/** Every file below a folder, sorted; none when there is no such folder. */
export function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true }).map(String).sort();
  return names.map((name) => join(folder, name)).filter((file) => statSync(file).isFile());
}
