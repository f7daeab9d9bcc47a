import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { root } from "../lib/paths.mjs";
import { outputOf, runLogged } from "../lib/run.mjs";
import { hashOf, isDone, markDone } from "../lib/stamps.mjs";

const FOLDERS = ["php-driver", "test/laravel-app"];
/** The second one, where it exists, installs the packages of another Laravel version beside the first. */
const MANIFESTS = ["composer.json", "composer.laravel11.json"];

/** Installs the Composer packages of each manifest that changed since the last time, or whose packages are gone. */
export async function installComposerPackages() {
  const php = outputOf("php", ["-r", "echo PHP_VERSION;"]);
  for (const { folder, manifest } of existingManifests()) {
    const file = join(folder, manifest);
    const name = relative(root, file);
    const hash = hashOf([file, ...FOLDERS.map((path) => join(root, path, "composer.json"))], php);
    if (existsSync(join(folder, vendorFolder(file), "autoload.php")) && isDone(`composer-${name}`, hash))
      continue;
    await runLogged(
      `Composer packages of ${name}`,
      "composer",
      ["update", "-n", "--no-progress", "--prefer-dist"],
      {
        cwd: folder,
        env: { COMPOSER: manifest, COMPOSER_ALLOW_SUPERUSER: "1" },
      },
    );
    markDone(`composer-${name}`, hash);
  }
}

function existingManifests() {
  const all = FOLDERS.flatMap((path) =>
    MANIFESTS.map((manifest) => ({ folder: join(root, path), manifest })),
  );
  return all.filter(({ folder, manifest }) => existsSync(join(folder, manifest)));
}

function vendorFolder(file) {
  return JSON.parse(readFileSync(file, "utf8")).config?.["vendor-dir"] ?? "vendor";
}
