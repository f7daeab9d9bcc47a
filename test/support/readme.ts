import { readFileSync } from "node:fs";
import { resolve } from "node:path";

/** README.md of the repository, or one section of it by its title. */
export function readme(section?: string): string {
  const text = readFileSync(resolve(import.meta.dirname, "../../README.md"), "utf8");
  if (section === undefined) return text;
  const found = text.split(/^## /m).find((part) => part.startsWith(`${section}\n`));
  if (found === undefined) throw new Error(`README.md has no section "${section}"`);
  return found;
}

/** The fenced blocks of one language, in order. */
export function blocks(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, lang]) => lang === language)
    .map(([, , block]) => block!.trim());
}

/** The lines of its `sh` blocks: commands to type. */
export function commands(text: string): string[] {
  return blocks(text, "sh").flatMap((block) => block.split("\n"));
}
