/**
 * Every check of the project, quick ones first, up to the first that fails: types, lint, the driver's own
 * Composer scripts, then the tests, whose summary is the last thing printed.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./lib/paths.mjs";
import { runVisible, say } from "./lib/run.mjs";

const DRIVER = join(root, "php-driver");
const bin = (name) => join(root, "node_modules", ".bin", name);

function checks() {
  return [
    { title: "types", command: bin("tsc"), args: ["-p", "tsconfig.check.json"] },
    { title: "lint", command: bin("biome"), args: ["check", "."] },
    ...composerScripts().map((script) => ({
      title: `PHP ${script}`,
      command: "composer",
      args: ["run-script", "--timeout=0", script],
      options: { cwd: DRIVER, env: { COMPOSER_ALLOW_SUPERUSER: "1" } },
    })),
    { title: "tests", command: bin("vitest"), args: ["run", ...process.argv.slice(2)] },
  ];
}

function composerScripts() {
  const manifest = join(DRIVER, "composer.json");
  const scripts = existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).scripts : {};
  return ["stan", "lint", "test"].filter((name) => scripts?.[name] !== undefined);
}

for (const { title, command, args, options } of checks()) {
  say(`check: ${title}`);
  process.exitCode = await runVisible(command, args, options);
  if (process.exitCode !== 0) {
    say(`check: ${title} failed`);
    break;
  }
}
