import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { failure, usageError } from "./failure.js";
import type { Files } from "./template.js";

/** What may lie in a folder that a project is made in: the files of a fresh repository. */
const harmless = new Set([".git", ".gitattributes", "LICENSE", ".DS_Store"]);

/** @throws HmsSyncError `usage` for a folder with something in it, which is never overwritten. */
export function mustBeFree(folder: string): void {
  const found = namesIn(folder).filter((name) => !harmless.has(name));
  if (found.length === 0) return;
  const shown = found.toSorted().slice(0, 3).join(", ");
  throw usageError(
    `${folder} is not empty (${shown}${found.length > 3 ? `, and ${found.length - 3} more` : ""}); choose another with --dir, or remove what is in it`,
  );
}

/** Writes the files of a project; none of them is there before. */
export function writeFiles(folder: string, files: Files): void {
  for (const [name, text] of files) {
    const path = join(folder, name);
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text, { flag: "wx" });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw failure(
        "not_written",
        `${path} cannot be written (${code}); see to its folder and try again`,
        error,
      );
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    if (code === "ENOTDIR") throw usageError(`${folder} is a file; choose another place with --dir`);
    throw failure("not_read", `${folder} cannot be read (${code}); see to its rights`, error);
  }
}
