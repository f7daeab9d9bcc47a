/**
 * Every check of the project, quick ones first, up to the first that fails: types, lint, the PHP packages' own
 * `composer check`, then the tests, whose summary is the last thing printed.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./lib/paths.mjs";
import { runVisible, say } from "./lib/run.mjs";

const bin = (name) => join(root, "node_modules", ".bin", name);

function checks() {
  return [
    { title: "types", command: bin("tsc"), args: ["-p", "tsconfig.check.json"] },
    { title: "lint", command: bin("biome"), args: ["check", "."] },
    ...["php-driver", "test/laravel-app"].filter(hasComposerCheck).map((folder) => ({
      title: `PHP in ${folder}`,
      command: "composer",
      args: ["run-script", "--timeout=0", "check"],
      options: { cwd: join(root, folder), env: { COMPOSER_ALLOW_SUPERUSER: "1" } },
    })),
    { title: "tests", command: bin("vitest"), args: ["run", ...process.argv.slice(2)] },
  ];
}

function hasComposerCheck(folder) {
  const manifest = join(root, folder, "composer.json");
  return existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).scripts?.check !== undefined;
}

for (const { title, command, args, options } of checks()) {
  say(`check: ${title}`);
  process.exitCode = await runVisible(command, args, options);
  if (process.exitCode !== 0) {
    say(`check: ${title} failed`);
    break;
  }
}
