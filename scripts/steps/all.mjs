import { join } from "node:path";
import { withLock } from "../lib/lock.mjs";
import { root } from "../lib/paths.mjs";
import { runVisible, SetupError, say } from "../lib/run.mjs";
import { installComposerPackages } from "./composer.mjs";
import { installNodePackages, linkCommand } from "./node-packages.mjs";
import { installSystemPackages } from "./system-packages.mjs";

/** All steps in order; gives the exit code. A step that fails has named the remedy. */
export async function setUp({ php }) {
  try {
    await withLock("setup", () => steps(php));
    return 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    return 1;
  }
}

async function steps(php) {
  await installSystemPackages({ php });
  await installNodePackages();
  if ((await runVisible(process.execPath, [join(root, "scripts", "build.mjs")])) !== 0) {
    throw new SetupError("the build failed; the compiler's messages stand above");
  }
  linkCommand();
  if (php) await installComposerPackages();
}
