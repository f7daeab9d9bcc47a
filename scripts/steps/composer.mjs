import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { root } from "../lib/paths.mjs";
import { outputOf, runLogged } from "../lib/run.mjs";
import { hashOf, isDone, markDone } from "../lib/stamps.mjs";

/** The driver is a path repository of the application, so the application's packages are all that it needs. */
const APPLICATION = join(root, "test", "laravel-app");
const DRIVER = join(root, "php-driver", "composer.json");
/** The second one installs the packages of another Laravel version beside the first. */
const MANIFESTS = ["composer.json", "composer.laravel11.json"];

/** Installs the Composer packages of each manifest that changed since the last time, or whose packages are gone. */
export async function installComposerPackages() {
  const php = outputOf("php", ["-r", "echo PHP_VERSION;"]);
  for (const manifest of MANIFESTS.filter((name) => existsSync(join(APPLICATION, name)))) {
    const file = join(APPLICATION, manifest);
    const name = relative(root, file);
    const hash = hashOf([file, DRIVER], php);
    if (isInstalled(file) && isDone(`composer-${name}`, hash)) continue;
    await runLogged(
      `Composer packages of ${name}`,
      "composer",
      ["update", "-n", "--no-progress", "--prefer-dist"],
      {
        cwd: APPLICATION,
        env: { COMPOSER: manifest, COMPOSER_ALLOW_SUPERUSER: "1" },
      },
    );
    markDone(`composer-${name}`, hash);
  }
}

function isInstalled(file) {
  const vendor = JSON.parse(readFileSync(file, "utf8")).config?.["vendor-dir"] ?? "vendor";
  return existsSync(join(APPLICATION, vendor, "autoload.php"));
}
