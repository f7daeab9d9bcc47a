/**
 * Every check of the project, quick ones first, up to the first that fails: types, lint, the driver's own
 * Composer scripts, then the tests, whose summary is the last thing printed. The driver's tests on each Laravel run side
 * by side: they wait more than they work.
 */
import { join } from "node:path";
import { root } from "./lib/paths.mjs";
import { runBeside, runVisible, say } from "./lib/run.mjs";

const DRIVER = join(root, "php-driver");
const bin = (name) => join(root, "node_modules", ".bin", name);

function checks() {
  return [
    { title: "types", command: bin("tsc"), args: ["-p", "tsconfig.check.json"] },
    { title: "lint", command: bin("biome"), args: ["check", "."] },
    { title: "PHP stan", ...composer("stan") },
    { title: "PHP lint", ...composer("lint") },
    { title: "PHP tests", beside: ["test:laravel12", "test:laravel11"].map(composer) },
    { title: "tests", command: bin("vitest"), args: ["run", ...process.argv.slice(2)] },
  ];
}

function composer(script) {
  return {
    command: "composer",
    args: ["run-script", "--timeout=0", script],
    options: { cwd: DRIVER, env: { COMPOSER_ALLOW_SUPERUSER: "1" } },
  };
}

for (const { title, beside, command, args, options } of checks()) {
  say(`check: ${title}`);
  process.exitCode = beside ? await runBeside(beside) : await runVisible(command, args, options);
  if (process.exitCode !== 0) {
    say(`check: ${title} failed`);
    break;
  }
}
