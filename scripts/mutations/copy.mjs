import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root } from "../lib/paths.mjs";

/** Tests of parts read the sources: they need no build. */
export const WITHOUT_BUILD = "mutations.config.ts";
const config = `import base from "./vitest.config.js";

export default { ...base, test: { ...base.test, globalSetup: ["test/support/run-directory.ts"] } };
`;
const UNNEEDED = /^(php-driver|docs|bench)\/|^test\/laravel-app\//;

/** The working tree in a temporary folder, uncommitted files too, with the installed packages of this checkout. */
export class Copy {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "hms-sync-mutations-"));
    const names = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 64 * 1_024 * 1_024,
    });
    for (const name of names.split("\0")) {
      if (name === "" || UNNEEDED.test(name) || !existsSync(join(root, name))) continue;
      mkdirSync(dirname(join(this.folder, name)), { recursive: true });
      cpSync(join(root, name), join(this.folder, name));
    }
    symlinkSync(join(root, "node_modules"), join(this.folder, "node_modules"));
    writeFileSync(join(this.folder, WITHOUT_BUILD), config);
  }

  /** Applies the edits, runs `work`, takes them back. */
  async mutated(edits, work) {
    const before = edits.map(({ file }) => [file, readFileSync(join(this.folder, file), "utf8")]);
    try {
      for (const edit of edits) this.apply(edit);
      return await work();
    } finally {
      for (const [file, text] of before.reverse()) writeFileSync(join(this.folder, file), text);
    }
  }

  apply({ file, find, replace }) {
    const path = join(this.folder, file);
    const parts = readFileSync(path, "utf8").split(find);
    if (parts.length !== 2)
      throw new Error(
        `${file} has ${parts.length - 1} times what the mutation replaces, not once: ${find.trim()}; correct scripts/mutations/list.mjs`,
      );
    writeFileSync(path, parts.join(replace));
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
