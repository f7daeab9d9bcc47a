import { join } from "node:path";
import { withLock } from "../lib/lock.mjs";
import { root } from "../lib/paths.mjs";
import { runVisible, SetupError, say } from "../lib/run.mjs";
import { installComposerPackages } from "./composer.mjs";
import { installNodePackages, linkCommand } from "./node-packages.mjs";
import { installSystemPackages } from "./system-packages.mjs";

/** All steps in order, with what PHP, the tests and the bench need where they are `wanted`; gives the exit code. A step that fails has named the remedy. */
export async function setUp(wanted) {
  try {
    await withLock("setup", () => steps(wanted));
    return 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    return 1;
  }
}

async function steps(wanted) {
  await installSystemPackages(wanted);
  await installNodePackages();
  if ((await runVisible(process.execPath, [join(root, "scripts", "build.mjs")])) !== 0) {
    throw new SetupError("the build failed; the compiler's messages stand above");
  }
  linkCommand();
  if (wanted.php) await installComposerPackages();
}
