import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

/** Contents of a project by path, with slashes. */
export type Files = ReadonlyMap<string, string>;

/**
 * The files of the template on disk for one database, with every `{{name}}` in them replaced. A file for one database is in
 * `databases/<name>/`, the rest in `base/`; a leading underscore stands for the dot that npm would not pack.
 */
export function filledTemplate(
  database: string,
  values: Readonly<Record<string, string>>,
  from: string,
): Files {
  const files = new Map<string, string>();
  for (const part of ["base", join("databases", database)]) {
    const root = join(from, part);
    for (const path of filesBelow(root)) {
      const name = relative(root, path)
        .split(sep)
        .join("/")
        .replace(/(^|\/)_/g, "$1.");
      files.set(filled(name, values, path), filled(readFileSync(path, "utf8"), values, path));
    }
  }
  return files;
}

function filled(text: string, values: Readonly<Record<string, string>>, path: string): string {
  return text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    if (Object.hasOwn(values, name)) return values[name]!;
    throw new Error(`the template asks for {{${name}}} in ${path}, and nobody fills it in`);
  });
}

function filesBelow(root: string): string[] {
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}
