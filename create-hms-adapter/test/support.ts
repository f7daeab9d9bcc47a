import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Questions } from "../src/questions.js";
import { run } from "../src/run.js";

export interface Made {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Where it ran. */
  readonly cwd: string;
  /** A file of the project. */
  read(path: string): string;
}

export interface Circumstances {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly ask?: Questions;
}

/** Runs the scaffold in this process, in an empty folder of its own. */
export async function scaffold(argv: readonly string[], given: Circumstances = {}): Promise<Made> {
  const { cwd = mkdtempSync(join(tmpdir(), "scaffold-")), env = {}, ask } = given;
  let out = "";
  let err = "";
  const code = await run(argv, {
    cwd,
    env,
    home: resolve(import.meta.dirname, ".."),
    questions: async () => ask,
    write: (text) => {
      out += text;
    },
    warn: (text) => {
      err += text;
    },
  });
  return { code, out, err, cwd, read: (path) => readFileSync(join(cwd, path), "utf8") };
}
